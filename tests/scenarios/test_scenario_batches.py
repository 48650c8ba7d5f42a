"""Look-alike requests share one screen and one tap; what changed before the tap is left out and named (docs/rules.md: D4)."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from support.files import ACTIONS, PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office

from playground.kit import Card
from store.outbox import backlog
from store.tables import outbox

TIDY: dict[str, Any] = PLAIN | {
    "title": "Tidy up",
    "describe": "Tidy {{ params.what }}",
    "severity": "low",
    "batch": True,
    "escalation_path": ["finance_lead"],
}
FOREVER = 60.0


def tidying(folder: Path, **changed: Any) -> Path:
    known = {**ACTIONS, "tidy": TIDY | changed, "sweep_floor": TIDY | {"title": "Sweep"}}
    return write_manifest(folder, {name: copy.deepcopy(entry) for name, entry in known.items()})


@pytest.fixture
def desk(closed_office: Office) -> Office:
    """An office whose first requests wait for their like until `gathered` says that it is time."""
    closed_office.manifest = tidying(closed_office.folder)
    closed_office.open()
    closed_office.server.world.gather_seconds = FOREVER
    return closed_office


def ask(office: Office, count: int, action: str = "tidy", **more: Any) -> list[dict[str, Any]]:
    return [office.agent.ask(action, {"what": f"room {number}"}, **more) for number in range(count)]


def gathered(office: Office) -> None:
    """The window is over."""
    office.advance(FOREVER + 1)
    office.server.world.signals.outbox_filled()


def batch(office: Office, count: int = 3, **more: Any) -> tuple[list[dict[str, Any]], Card]:
    asked = ask(office, count, **more)
    gathered(office)
    return asked, office.card(asked[0], has="batch_approve", timeout=20)


def states(office: Office, asked: list[dict[str, Any]]) -> list[str]:
    return [office.agent.see(found)["state"] for found in asked]


def redrawn(office: Office, asked: dict[str, Any], *contains: str) -> Card:
    return office.slack.expect_card(approval_id=asked["id"], contains=list(contains), timeout=20)


def test_ten_look_alikes_take_one_screen_and_one_tap(desk: Office) -> None:
    """Ten requests are one card with every parameter on it; one tap approves them, and each has its own audit row."""
    asked, card = batch(desk, 10)
    ids = [found["id"] for found in asked]
    assert card.metadata["event_payload"] == {"approval_ids": ",".join(ids)}
    assert card.options("batch_select") == ids
    assert all(f'"room {number}"' in card.text() for number in range(10))
    whom = "@alice" if asked[0]["assignee"] == "U0ALICE" else "@bob"
    assert f"{whom}, 10 of 10 wait for you" in card.text(), "each is asked in turn, one is mentioned"
    assert len(desk.slack.cards("#finance")) == 1
    desk.person("U0ALICE").click(card, "batch_approve")
    desk.person("U0ALICE").expect_ephemeral("10 approved", timeout=20)
    assert states(desk, asked) == ["approved"] * 10
    done = redrawn(desk, asked[0], "All of these are decided")
    assert done.actions() == []
    for found in asked:
        assert desk.events(found) == ["requested", "gate_presented", "approved"]
        desk.agent.claim(found)
    desk.intact()


def opened(office: Office, user: str, card: Card, found: dict[str, Any]) -> Any:
    """The details of one entry."""
    person = office.person(user)
    person.close(everything=True)
    person.click(card, "details", f"{found['id']}|{found['digest']}")
    return person.expect_modal(contains=found["id"], timeout=20)


def decided(office: Office, user: str, card: Card, found: dict[str, Any], name: str, **values: str) -> None:
    """One entry, decided from its details."""
    form = office.person(user).click(opened(office, user, card, found), name).modal
    for field, value in values.items():
        form.fill(field, value)
    office.person(user).submit(form)


def test_what_changed_before_the_tap_is_left_out_and_named(desk: Office) -> None:
    """Of six on a card one is decided, one asked about, one passed on, one withdrawn: a tap approves the other two."""
    asked, card = batch(desk, 6)
    by_bob, asked_about, passed_on, withdrawn = asked[:4]
    desk.person("U0BOB").click(opened(desk, "U0BOB", card, by_bob), "approve")
    decided(desk, "U0BOB", card, asked_about, "request_info", question="Why?")
    decided(desk, "U0BOB", card, passed_on, "escalate", reason="Not mine")
    desk.agent.cancel(withdrawn)
    desk.person("U0ALICE").click_stale(card, "batch_approve")
    told = desk.person("U0ALICE").expect_ephemeral("2 approved", timeout=20).text()
    assert told.count("was left out") == 4
    for piece in ("room 0 was left out: Already approved by @bob", "room 1 was left out: it waits for the agent"):
        assert piece in told
    assert "room 2 was left out: it now has its own card" in told
    assert "room 3 was left out: Already cancelled" in told
    assert states(desk, asked) == ["approved", "pending", "pending", "cancelled", "approved", "approved"]
    assert [found["decision"]["by"] for found in map(desk.agent.see, (asked[0], asked[4]))] == ["U0BOB", "U0ALICE"]
    old = redrawn(desk, by_bob, "Has a card of its own", "Cancelled", "Nothing here waits")
    assert old.actions() == []
    for apart in (asked_about, passed_on):
        assert "approve" in desk.slack.expect_card(approval_id=apart["id"], has="approve", timeout=20).actions()
        assert "refused" in desk.events(apart)


def test_only_what_is_ticked_is_decided(desk: Office) -> None:
    """With two of four ticked, two are rejected with the one reason; a tick on what is decided meanwhile is named."""
    asked, card = batch(desk, 4)
    alice = desk.person("U0ALICE")
    alice.check(card, "batch_select", [found["id"] for found in asked[:2]])
    form = alice.click(card, "batch_reject").modal
    assert form.callback_id == "batch_reject_modal"
    assert alice.submit(form).errors, "a reason is needed"
    alice.submit(form.fill("reason", "Not on a Sunday"))
    alice.expect_ephemeral("2 rejected", timeout=20)
    assert states(desk, asked) == ["rejected", "rejected", "pending", "pending"]
    assert desk.agent.see(asked[1])["decision"]["note"] == "Not on a Sunday"
    card = redrawn(desk, asked[0], "Not on a Sunday", "2 of 4 wait")
    assert card.options("batch_select") == [found["id"] for found in asked[2:]]


def test_who_may_not_decide_decides_nothing(desk: Office) -> None:
    """A person without the role is told so, for every request, and nothing is decided."""
    asked, card = batch(desk, 2)
    desk.person("U0DAN").click(card, "batch_approve")
    assert "0 approved" in desk.person("U0DAN").expect_ephemeral("was left out", timeout=20).text()
    assert states(desk, asked) == ["pending", "pending"]
    desk.person("U0DAN").click(card, "batch_reject")
    desk.person("U0DAN").expect_ephemeral("0 rejected", timeout=20)


def test_only_the_like_share_a_screen(desk: Office) -> None:
    """Another action of the role shares the card; more urgency, doubt, or parameters that do not fit have their own."""
    like = [*ask(desk, 2), *ask(desk, 1, "sweep_floor")]
    urgent = ask(desk, 1, urgency="high")[0]
    doubted = ask(desk, 1, recommended_review=True)[0]
    large = desk.agent.ask("tidy", {"what": "x" * 600})
    for found in (urgent, doubted):
        assert desk.card(found, has="approve", timeout=20).approval_id == found["id"], "it waits for no other"
    gathered(desk)
    assert desk.card(like[0], has="batch_approve", timeout=20).options("batch_select") == [it["id"] for it in like]
    assert desk.card(large, has="approve", timeout=20).approval_id == large["id"]


def shared(office: Office, asked: list[dict[str, Any]]) -> Card:
    """The one card with all of them."""
    ids = ",".join(found["id"] for found in asked)
    office.until(
        lambda: office.card(asked[0]).metadata["event_payload"].get("approval_ids") == ids, "all are on one card", 30
    )
    return office.card(asked[0])


def posts(office: Office) -> list[Any]:
    return [message for message in office.slack.messages("#finance") if not message.thread_ts]


def test_later_ones_join_the_card_that_is_there(desk: Office) -> None:
    """What is asked later joins the card of the first in place, across actions, agents and sessions: one post, one
    mention. One tap decides all; each was presented once."""
    first = ask(desk, 1, session_id="one")[0]
    gathered(desk)
    alone = desk.card(first, has="approve", timeout=20)
    asked = [first]
    for name, action in (("other", "sweep_floor"), ("third", "tidy"), ("fourth", "tidy")):
        asked.append(desk.agent_called(name).ask(action, {"what": name}, session_id=name))
        gathered(desk)
        card = shared(desk, asked)
        assert card.ts == alone.ts
        assert card.text().count("@") == 1
    assert len(posts(desk)) == 1
    assert "Approve all 4\nReject all 4" in card.text()
    assert card.metadata["event_payload"] == {"approval_ids": ",".join(found["id"] for found in asked)}
    desk.person("U0BOB").click(card, "batch_approve")
    desk.person("U0BOB").expect_ephemeral("4 approved", timeout=20)
    for found in asked:
        assert desk.events(found) == ["requested", "gate_presented", "approved"]
    desk.intact()


def test_a_tap_ends_the_joining(desk: Office) -> None:
    """After the first tap what is asked has a card of its own; so it has after the tenth, and after a first tick."""
    asked, card = batch(desk, 3)
    desk.person("U0ALICE").check(card, "batch_select", [asked[0]["id"]])
    desk.person("U0ALICE").click(card, "batch_approve")
    desk.person("U0ALICE").expect_ephemeral("1 approved", timeout=20)
    late = desk.agent.ask("tidy", {"what": "late"})
    gathered(desk)
    other = desk.card(late, has="approve", timeout=20)
    assert other.ts != card.ts
    more = [late]
    for number in range(9):
        more.append(desk.agent.ask("tidy", {"what": f"hall {number}"}))
    gathered(desk)
    assert shared(desk, more).ts == other.ts
    eleventh = desk.agent.ask("tidy", {"what": "one too many"})
    gathered(desk)
    fresh = desk.card(eleventh, has="approve", timeout=20)
    assert fresh.ts not in (card.ts, other.ts)
    twelfth = desk.agent.ask("tidy", {"what": "the second of them"})
    gathered(desk)
    pair = shared(desk, [eleventh, twelfth])
    desk.person("U0BOB").check(pair, "batch_select", [eleventh["id"]])
    last = desk.agent.ask("tidy", {"what": "while Bob is choosing"})
    gathered(desk)
    assert desk.card(last, has="approve", timeout=20).ts != pair.ts


def test_who_may_not_decide_ends_no_joining(desk: Office) -> None:
    """A tick of somebody without the role leaves the card as it is: the next request still joins."""
    asked, card = batch(desk, 2)
    desk.person("U0DAN").check(card, "batch_select", [asked[0]["id"]])
    asked.append(desk.agent.ask("tidy", {"what": "late"}))
    gathered(desk)
    assert shared(desk, asked).ts == card.ts


@pytest.mark.parametrize("word", ["approve", "reject"])
def test_what_came_between_look_and_tap_is_left_out(desk: Office, word: str) -> None:
    """A tap on what somebody saw decides only that; what joined since is named to them, and waits."""
    asked, card = batch(desk, 2)
    late = desk.agent.ask("tidy", {"what": "the vault"})
    gathered(desk)
    shared(desk, [*asked, late])
    alice = desk.person("U0ALICE")
    done = alice.click_stale(card, f"batch_{word}")
    if word == "reject":
        assert done.modal
        assert "vault" not in done.modal.text()
        alice.submit(done.modal.fill("reason", "No"))
    told = alice.expect_ephemeral("was left out", timeout=20).text()
    assert "Tidy the vault was left out: it came after you looked" in told
    assert told.count("was left out") == 1
    assert states(desk, [*asked, late])[2] == "pending"
    assert "pending" not in states(desk, asked)
    again = redrawn(desk, late, "1 of 3 wait for you")
    assert again.options("batch_select") == [late["id"]]
    desk.person("U0BOB").click(again, "batch_approve")
    assert desk.agent.see(late)["decision"]["by"] == "U0BOB"


def test_the_same_from_twenty_agents_is_one_card(desk: Office) -> None:
    """Twenty agents that ask for the same thing, three seconds apart: one card, one mention, one entry, one tap; each
    has its own decision, and a tick on the entry means all of them."""
    asked = []
    for number in range(20):
        asked.append(desk.agent_called(f"helper{number}").ask("tidy", {"what": "the hall"}))
        desk.advance(3)
    gathered(desk)
    ids = [found["id"] for found in asked]
    card = shared(desk, asked)
    assert len(posts(desk)) == 1
    assert card.options("batch_select") == ids[:1]
    assert "Asked 20 times" in card.text()
    desk.person("U0ALICE").check(card, "batch_select", ids[:1])
    desk.person("U0ALICE").click(card, "batch_approve")
    desk.person("U0ALICE").expect_ephemeral("20 approved", timeout=30)
    for number, found in enumerate(asked):
        assert desk.agent_called(f"helper{number}").see(found)["state"] == "approved"
        assert desk.events(found) == ["requested", "gate_presented", "approved"]
    desk.intact()


def test_what_its_reviewer_may_not_decide_joins_no_card_of_theirs(desk: Office) -> None:
    """A request for the very person whom a card mentions gets a card of its own, which mentions somebody else."""
    first = desk.agent.ask("tidy", {"what": "room 1"})
    gathered(desk)
    alone = desk.card(first, has="approve", timeout=20)
    own = desk.agent.ask("tidy", {"what": "room 2"}, on_behalf_of=first["assignee"])
    gathered(desk)
    card = desk.card(own, has="approve", timeout=20)
    assert card.ts != alone.ts
    assert own["assignee"] != first["assignee"]


def test_what_waits_beside_nothing_joins_nothing(desk: Office) -> None:
    """A card on which nothing waits any more takes nothing: its mention is spent."""
    asked, card = batch(desk, 2)
    for found in asked:
        desk.agent.cancel(found)
    redrawn(desk, asked[0], "All of these are decided")
    late = desk.agent.ask("tidy", {"what": "late"})
    gathered(desk)
    assert desk.card(late, has="approve", timeout=20).ts != card.ts


def test_a_batch_tap_and_a_single_tap_at_once(desk: Office) -> None:
    """Two batch taps and a tap in the details at the same moment decide each request once; the losers are told."""
    asked, card = batch(desk, 3)
    details = opened(desk, "U0BOB", card, asked[0])
    alice, bob, carol = (desk.person(user) for user in ("U0ALICE", "U0BOB", "U0ALICE"))
    desk.slack.together(
        lambda: alice.click_stale(card, "batch_approve"),
        lambda: bob.click(details, "approve"),
        lambda: carol.click_stale(card, "batch_approve"),
        lambda: bob.click_stale(card, "batch_approve"),
    )
    assert states(desk, asked) == ["approved"] * 3
    for found in asked:
        assert desk.events(found).count("approved") == 1
    bob.expect_ephemeral("approved.", timeout=20)
    desk.intact()


def test_the_history_of_an_entry_is_told_under_the_screen(desk: Office) -> None:
    """A reminder about one entry is a line under the batch card."""
    _, card = batch(desk, 2)
    desk.advance(700 - FOREVER)
    reminder = desk.slack.expect_message("#finance", contains="room 0", timeout=20)
    assert reminder.thread_ts in (card.ts, None)
    desk.until(
        lambda: any(message.thread_ts == card.ts for message in desk.slack.messages("#finance")), "told there", 20
    )


def test_a_shared_card_reminds_each_person_once(desk: Office) -> None:
    """Six requests on one card, of two people: a reminder for each of the two, not one for each request."""
    asked, card = batch(desk, 6)
    desk.advance(700 - FOREVER)
    for found in asked:
        desk.until(lambda found=found: "reminded" in desk.events(found), "its reminder was due", 20)
    desk.until(lambda: len(told_under(desk, card)) >= 2, "both are reminded", 20)
    desk.advance(5)
    desk.until(lambda: not desk.database.read(backlog), "all is said", 20)
    said = told_under(desk, card)
    assert len(said) == 2
    assert {"@alice" in line for line in said} == {True, False}
    assert all("requests on this card still wait for you" in line for line in said)


def test_what_is_overdue_together_moves_as_one_card(desk: Office) -> None:
    """Entries of a shared card that are overdue together and go to the same person share a card again, with one mention; each
    is decided by itself, and a tap on the old card decides nothing that was not seen."""
    asked, card = batch(desk, 4)
    desk.advance(920 - FOREVER)
    desk.advance(1)
    by_user: dict[str, list[dict[str, Any]]] = {}
    for found in asked:
        by_user.setdefault(desk.agent.see(found)["assignee"], []).append(found)
    assert sorted(map(len, by_user.values())) == [2, 2]
    moved = {user: shared_anew(desk, card, found) for user, found in by_user.items()}
    for user, now in moved.items():
        assert {name for name in now.mentions() if name.startswith("<@")} == {f"<@{user}>"}
        assert all(found["params"]["what"] in now.text() for found in by_user[user])
    assert len(posts(desk)) == 3, "the first card, and one for each person"
    first, second = by_user
    desk.person(first).click(moved[first], "batch_approve")
    assert states(desk, by_user[first]) == ["approved"] * 2
    assert states(desk, by_user[second]) == ["pending"] * 2
    desk.advance(920)
    desk.advance(1)
    left = [desk.agent.see(found) for found in by_user[second]]
    assert {found["assignee"] for found in left} == {"U0CAROL"}
    lead = shared_anew(desk, moved[second], by_user[second])
    assert {name for name in lead.mentions() if name.startswith("<@")} == {"<@U0CAROL>"}
    desk.person("U0CAROL").click(lead, "batch_reject")
    desk.intact()


def shared_anew(office: Office, before: Card, found: list[dict[str, Any]]) -> Card:
    """The newer card on which all of these can be decided together."""

    def newer() -> Card | None:
        cards = [card for card in office.slack.cards(approval_id=found[0]["id"]) if float(card.ts) > float(before.ts)]
        whole = [card for card in cards if all(one["params"]["what"] in card.text() for one in found)]
        return next((card for card in whole if card.has("batch_approve")), None)

    return office.until(lambda: newer(), "they share a card again", 8)  # type: ignore[return-value]


def told_under(office: Office, card: Card) -> list[str]:
    return [message.text() for message in office.slack.messages("#finance") if message.thread_ts == card.ts]


@pytest.mark.parametrize("together", [1, 3])
def test_what_is_settled_before_it_is_shown_is_not_posted(desk: Office, together: int) -> None:
    """Requests that were decided in the home tab or withdrawn while they gathered are posted nowhere, one or several;
    what became of them later posts nothing either."""
    asked = ask(desk, together)
    for number, found in enumerate(asked):
        if number == 1:
            desk.agent.cancel(found)
        else:
            decided_at_home(desk, found)
    last = desk.agent.refund()
    gathered(desk)
    desk.card(last)
    desk.until(lambda: not desk.database.read(backlog), "all is said", 20)
    desk.agent.claim(asked[0])
    desk.agent.result(asked[0])
    desk.until(lambda: not desk.database.read(backlog), "all is said", 20)
    assert [card.approval_id for card in desk.slack.cards("#finance")] == [last["id"]]


def decided_at_home(office: Office, found: dict[str, Any]) -> None:
    """Whose it is approves it in the home tab."""
    person = office.person(found["assignee"])
    person.click(person.open_home(), "approve", f"{found['id']}|{found['digest']}")
    office.until(lambda: office.agent.see(found)["state"] == "approved", "decided at home", 20)


@on_sqlite
def test_killed_while_it_gathers_and_while_it_is_posted(closed_office: Office) -> None:
    """Killed inside the window and inside the post: one card with all of them, posted once."""
    office = closed_office
    office.manifest = tidying(office.folder)
    office.open_process()
    asked = ask(office, 3)
    office.process.kill()
    server = office.open_process()

    def kill_once_posted(_notice: dict[str, Any]) -> None:
        if office.slack.cards("#finance"):
            server.kill()

    stop_listening = office.slack.workspace.listen(kill_once_posted)
    office.until(lambda: not server.alive, "the server is killed inside the post", timeout=30)
    stop_listening()
    office.database.run(
        lambda unit: unit.execute(update(outbox).where(outbox.c.lease.is_not(None)).values(next_at=unit.now))
    )
    office.open_process()
    office.until(lambda: all("gate_presented" in office.events(found) for found in asked), "known again", timeout=30)
    (card,) = office.slack.cards("#finance")
    office.person("U0ALICE").click(card, "batch_approve")
    office.person("U0ALICE").expect_ephemeral("approved", timeout=20)
    assert states(office, asked) == ["approved"] * 3


def approves(card: Card) -> list[dict[str, Any]]:
    elements = [element for block in card.blocks for element in block.get("elements", ())]
    return [element for element in elements if element.get("action_id") == "approve"]


@on_sqlite
def test_a_burst_is_decidable_in_digests(closed_office: Office) -> None:
    """Sixty requests at once, high and low, at Slack's limits made short: each is on one card, no risk beside another,
    and one of them is decided from its entry with the friction of its own card."""
    office = closed_office
    office.manifest = tidying(office.folder)
    office.open(post_interval=600)
    high = [office.agent.refund(400 + number) for number in range(40)]
    low = ask(office, 20, "change_thing")
    office.server.stop()
    office.slack.limits.enabled, office.slack.limits.message_rate = True, 10.0
    office.open(post_interval=0.11)
    for found in [*high, *low]:
        assert len(office.slack.cards(approval_id=office.card(found, timeout=30).metadata and found["id"])) == 1
    cards = office.slack.cards("#finance")
    assert len(cards) <= 10
    severe = {found["id"] for found in high}
    for card in cards:
        ids = {part for part in str(card.metadata["event_payload"].get("approval_ids", "")).split(",") if part}
        assert ids <= severe or not ids & severe
    card = office.card(high[-1])
    details = opened(office, "U0BOB", card, high[-1])
    assert details.element("approve")["confirm"]["title"]["text"] == "This cannot be undone"
    office.person("U0BOB").click(details, "approve")
    assert office.agent.see(high[-1])["decision"]["by"] == "U0BOB"
    office.person("U0BOB").expect_modal(contains="Approved", timeout=20)
    redrawn(office, high[-1], "Approved by")
    # In the digest itself it is two taps, as on a card of its own: Approve, and the question whether one is sure.
    found = high[-2]
    card = office.card(found)
    offered = [element for element in approves(card) if element["value"] == f"{found['id']}|{found['digest']}"]
    assert [element["confirm"]["title"]["text"] for element in offered] == ["This cannot be undone"]
    assert f"Refund ${found['params']['amount_usd']} to ann@example.com" in offered[0]["confirm"]["text"]["text"]
    office.person("U0BOB").click(card, "approve", offered[0]["value"])
    assert office.agent.see(found)["decision"]["by"] == "U0BOB"
    used = offered[0]["value"]
    office.until(lambda: used not in [one["value"] for one in approves(office.slack.refresh(card))], "it is redrawn")
