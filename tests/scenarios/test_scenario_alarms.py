"""What operations were told is resolved in the same message once its cause is gone: in silence, once, whoever finds out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from support.files import ACTIONS, PLAIN, ROSTER, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office
from support.receiver import SECRET, receiving

from bot.api import callback_sender
from playground.kit import Card
from store.tables import callbacks, outbox

Json = dict[str, Any]


def alarm(office: Office, words: str) -> Card:
    """The one message to operations that says so."""
    found = office.slack.expect_message("#ops", contains=words, timeout=20)
    assert len([card for card in office.slack.messages("#ops") if words in card.text()]) == 1
    return found


def resolved(office: Office, told: Card, *words: str) -> None:
    """The same message says that it is over and after how long; no further message, no mention, and it is said once."""
    before = len(office.slack.messages("#ops"))
    now = office.slack.expect_card(channel="#ops", contains=words[0], timeout=20)
    assert now.ts == told.ts
    assert all(word in now.text() for word in ("Resolved", *words))
    assert now.mentions() == []
    for _ in range(2):
        office.advance(1)
    assert len(office.slack.messages("#ops")) == before
    updates = [call for call in office.slack.calls_to("chat.update") if call.args.get("ts") == told.ts]
    assert len(updates) == 1
    assert lasting(office) == 0


def lasting(office: Office) -> int:
    query = select(outbox.c.id).where(outbox.c.cause.is_not(None))
    return len(office.database.read(lambda unit: unit.execute(query).all()))


def test_an_unknown_action_that_the_manifest_comes_to_know(office: Office) -> None:
    """The alarm of a blocked action is over when the manifest knows it, also after a restart; blocked again, it is told again."""
    office.agent.ask("paint_it", {"thing": "door"})
    told = alarm(office, "Unknown action paint_it")
    office.advance(600)
    office.server.stop()
    write_manifest(office.folder, ACTIONS | {"paint_it": PLAIN})
    office.open()
    office.advance(601)
    resolved(office, told, "the manifest knows paint_it now", "after 1")
    write_manifest(office.folder)
    office.until(lambda: office.agent.ask("paint_it", {"thing": "roof"})["state"] == "blocked", "it is unknown again")
    again = office.slack.expect_message("#ops", contains="Unknown action paint_it", timeout=20)
    assert again.ts != told.ts


def test_several_servers_resolve_an_alarm_once(office: Office) -> None:
    """Two servers that look at the same time change the message once."""
    office.agent.ask("paint_it", {"thing": "door"})
    told = alarm(office, "Unknown action paint_it")
    office.open()
    write_manifest(office.folder, ACTIONS | {"paint_it": PLAIN})
    resolved(office, told, "the manifest knows paint_it now, after 1 min")


@on_sqlite
def test_what_is_over_before_it_is_posted_is_never_posted(office: Office) -> None:
    """An alarm that Slack could not be given while it lasted is not told afterwards."""
    office.slack.faults.inject("chat.postMessage", "ratelimited", times=None, seconds=1)
    office.agent.ask("paint_it", {"thing": "door"})
    write_manifest(office.folder, ACTIONS | {"paint_it": PLAIN})
    office.until(lambda: office.advance(1) or lasting(office) == 0, "it is over")
    office.slack.faults.clear()
    thing = office.agent.ask("change_thing", {"thing": "door"})
    office.card(thing, timeout=20)
    assert [card.text() for card in office.slack.messages("#ops") if "paint_it" in card.text()] == []


@on_sqlite
def test_nobody_who_could_decide_until_somebody_joins(closed_office: Office) -> None:
    """Who could decide it for others does not count as somebody new; a new member of the role does."""
    office = closed_office
    alone = ROSTER["roles"] | {"finance": {"members": ["U0ALICE"]}, "finance_lead": {"members": ["U0ALICE"]}}
    write_roster(office.folder, roles=alone)
    office.open()
    office.agent.refund(status=422, on_behalf_of="alice@example.com")
    told = alarm(office, "Nobody could ever decide")
    for _ in range(3):
        office.advance(1)
    assert "Resolved" not in office.slack.refresh(told).text()
    write_roster(office.folder)
    resolved(office, told, "somebody can decide process_refund again", "after 1 min")


@on_sqlite
def test_nobody_available_until_they_are_back(office: Office) -> None:
    """Everybody is away: told; the reviewer it waits for comes back, and it is over."""
    for user in ("U0ALICE", "U0BOB"):
        office.person(user).command("/sayso", "away")
    thing = office.agent.ask("change_thing", {"thing": "door"})
    told = alarm(office, "Nobody is available")
    office.advance(90)
    office.person(thing["assignee"]).command("/sayso", "back")
    resolved(office, told, "for whom", "is there", "after 2 min")


@on_sqlite
def test_nobody_available_until_it_is_decided(office: Office) -> None:
    """It is over as well when somebody decides all the same."""
    for user in ("U0ALICE", "U0BOB"):
        office.person(user).command("/sayso", "away")
    thing = office.agent.ask("change_thing", {"thing": "door"})
    told = alarm(office, "Nobody is available")
    office.person("U0BOB").click(office.card(thing), "approve")
    resolved(office, told, "is approved")


@on_sqlite
def test_an_unknown_outcome_until_somebody_says_what_happened(office: Office) -> None:
    """The agent's own word about it resolves nothing; that of whoever labels does, with what was said."""
    thing = office.agent.refund(20)
    office.agent.claim(thing)
    office.advance(4000)
    told = alarm(office, "Outcome unknown")
    office.agent.label(thing, "correct")
    for _ in range(3):
        office.advance(1)
    assert "Resolved" not in office.slack.refresh(told).text()
    office.critic.label(thing, "incident")
    resolved(office, told, "critic says what happened: incident")


@on_sqlite
def test_a_channel_that_can_be_used_again(office: Office) -> None:
    """The first message that arrives there ends it, also where another server heard of the trouble."""
    with office.slack.workspace.changing():
        office.slack.workspace.channel("#finance").is_archived = True
    office.agent.refund()
    told = alarm(office, "Channel #finance cannot be used")
    office.server.stop()
    office.open()
    office.advance(1)
    with office.slack.workspace.changing():
        office.slack.workspace.channel("#finance").is_archived = False
    office.card(office.agent.ask("change_thing", {"thing": "door"}), channel="#finance", timeout=20)
    resolved(office, told, "messages arrive there again", "after 1 min: Channel #finance cannot be used")


@on_sqlite
def test_a_policy_file_that_is_good_again(office: Office) -> None:
    """A file that can be read again ends it, also where it was mended while the server was down."""
    good = office.manifest.read_text()
    office.manifest.write_text(good.replace("deny_above_usd: 10000", "deny_above_usd: lots"))
    told = alarm(office, "A policy file cannot be used")
    office.server.stop()
    office.manifest.write_text(good)
    office.open()
    resolved(office, told, "it can be read again")


@on_sqlite
def test_a_level_that_the_owner_gives_back(closed_office: Office) -> None:
    """A later entry in the manifest ends it."""
    office = closed_office

    def granted(since: str) -> None:
        rules = {"start": "hard_approval", "agents": {"demo": {"level": "full_auto", "since": since}}}
        free = PLAIN | {"severity": "low", "approval_required": False, "autonomy": rules, "owner": "me"}
        write_manifest(office.folder, ACTIONS | {"wipe": free})

    granted("2020-01-01")
    office.open()
    for _ in range(2):
        used = office.agent.ask("wipe", {"thing": "door"})
        office.agent.claim(used)
        office.agent.result(used, "failed")
    told = alarm(office, "An agent lost a level")
    office.advance(86_400)
    granted("2099-01-01")
    resolved(office, told, "the manifest gives demo full_auto again")


@on_sqlite
def test_callbacks_that_are_taken_again(closed_office: Office) -> None:
    """The first callback that the host takes ends it."""
    office = closed_office
    with receiving(500) as receiver:
        office.settings |= {"SAYSO_CALLBACK_HOSTS": f"127.0.0.1:{receiver.port}", "SAYSO_CALLBACK_SECRET": SECRET}
        office.open()
        thing = office.agent.refund(callback_url=receiver.url)
        office.agent.cancel(thing)
        receiver.expect(1)
        past = callback_sender.GIVE_UP_AFTER - timedelta(seconds=1)
        office.database.run(
            lambda unit: unit.execute(update(callbacks).values(since=unit.now - past, next_at=unit.now))
        )
        told = alarm(office, "Callbacks to 127.0.0.1")
        office.advance(1)
        receiver.answers = [204]
        office.agent.cancel(office.agent.refund(callback_url=receiver.url))
        resolved(office, told, "takes them again")


@pytest.mark.parametrize("how", ["decided", "expired"])
@on_sqlite
def test_nobody_left_to_ask_until_it_ends(office: Office, how: str) -> None:
    """A request that a person escalated to nobody says when it ended, and how."""
    thing = office.agent.ask("change_thing", {"thing": "door"})
    person = office.person(thing["assignee"])
    person.submit(office.form(thing["assignee"], office.card(thing), "escalate").fill("reason", "no idea"))
    told = alarm(office, "Nobody is left to ask")
    if how == "decided":
        person.click(office.card(thing, has="approve"), "approve")
    else:
        office.advance(3700)
    resolved(office, told, "no longer open", "after")
