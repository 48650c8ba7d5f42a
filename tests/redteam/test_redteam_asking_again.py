"""An agent shops for a yes: it asks again, otherwise spelled, elsewhere, later, at once, until somebody lenient is drawn."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from support.agent import Agent, Json
from support.files import PLAIN, REFUND, ROSTER, write_manifest, write_roster
from support.marks import on_postgresql, on_sqlite
from support.office import Office
from support.races import at_once

from playground.kit import Card
from store import agents
from store.unit import Unit

ANN: Json = {"customer": "ann@example.com", "amount_usd": 480, "note": "Her parcel was late"}
TYPED = REFUND["params_schema"] | {
    "properties": {"customer": {}, "amount_usd": {"type": ["number", "string"]}, "note": {}, "nonce": {}}
}
REFUNDS = REFUND | {"params_schema": TYPED}
ACTIONS = {
    "process_refund": REFUNDS,
    "change_thing": PLAIN,
    "suggest": PLAIN | {"severity": "low", "on_timeout": "approve", "approval_timeout_seconds": 300},
    "rotate_key": PLAIN | {"approval_required": False, "severity": "high", "undo_window_seconds": 600},
    "slow_thing": PLAIN | {"approval_timeout_seconds": 200_000},
    "run": PLAIN | {"describe": "Run {{ params.command }}"},
}
THREE = ROSTER["roles"] | {"finance": {"members": ["U0ALICE", "U0BOB", "U0DAN"]}}


def opened(office: Office, roles: Json | None = None, **defaults: Any) -> Office:
    write_manifest(office.folder, ACTIONS, **defaults)
    write_roster(office.folder, roles=roles or THREE)
    office.open()
    return office


def asked(agent: Agent, params: Json, action: str = "process_refund", status: int = 201, **body: Any) -> Json:
    """One ask as an agent makes it that shops: under a fresh key, at no step that it names."""
    return agent.ask(action, params, status=status, again=True, **body)


def said_no(office: Office, approval: Json, why: str = "She was paid already", by: str | None = None) -> str:
    """Whoever has it rejects it; who that was."""
    user = by or str(approval["assignee"])
    form = office.form(user, office.card(approval), "reject").fill("reason", why)
    assert office.person(user).submit(form).ok
    assert office.agent.see(approval)["state"] == "rejected"
    return user


SPELLINGS: dict[str, Json] = {
    "the very same": ANN,
    "other order": dict(reversed(ANN.items())),
    "1.0 for 1": ANN | {"amount_usd": 480.0},
    "a number as text": ANN | {"amount_usd": "480.00"},
    "case": ANN | {"customer": "Ann@Example.COM"},
    "blanks": ANN | {"customer": "  ann@example.com ", "note": "Her  parcel\nwas late"},
    "full width": ANN | {"customer": "ａnn@example.com"},
    "hidden characters": ANN | {"customer": "ann\u200b@exam\u00adple.com", "note": "Her parcel\u2060 was late"},
    "an empty value more": ANN | {"nonce": ""},
    "null more": ANN | {"nonce": None},
}


@on_sqlite
@pytest.mark.parametrize("how", list(SPELLINGS))
def test_a_rejected_request_goes_back_to_whoever_rejected_it(closed_office: Office, how: str) -> None:
    """However it is spelled, its card says who said no and why, it waits for them and for no fresh peer, and after the
    second no it is denied in words that the agent understands."""
    office = opened(closed_office)
    first = asked(office.agent, ANN)
    no = said_no(office, first)
    again = asked(office.agent, SPELLINGS[how])
    assert again["assignee"] == no
    card = office.card(again, contains=["Rejected before", "She was paid already"])
    assert f"<@{no}>" in card.mentions()
    assert "the same request was rejected" in " ".join(again["why"])
    assert "She was paid already" in " ".join(again["why"])
    said_no(office, again, "I said no")
    third = asked(office.agent, SPELLINGS[how])
    assert (third["state"], third["route"]) == ("denied", "deny")
    assert "refused 2 times within 24 h" in third["feedback"]
    assert "denied until" in third["feedback"]
    assert office.slack.cards(approval_id=third["id"]) == []
    office.advance(86_401)
    late = asked(office.agent, ANN)
    assert (late["state"], late["why"]) == ("pending", first["why"])
    office.intact()


def test_waiting_brings_no_fresh_peer_either(closed_office: Office) -> None:
    """Overdue, a request that was rejected goes along the path past the peers of whoever rejected it."""
    office = opened(closed_office)
    no = said_no(office, asked(office.agent, ANN))
    again = asked(office.agent, ANN)
    office.card(again, contains="Rejected before")
    seen = [again["assignee"]]
    for _ in range(4):
        office.advance(1000)
        seen.append(office.agent.see(again)["assignee"])
        if office.agent.see(again)["state"] != "pending":
            break
    assert set(seen) == {no, "U0CAROL"}, "the rejecter, then the lead: never another of finance"


@on_sqlite
def test_an_absent_rejecter_is_passed_over_for_the_next_role_only(closed_office: Office) -> None:
    """Away, at lunch or gone from the role: the next role is asked; where there is none, the rejecter all the same."""
    office = opened(closed_office)
    no = said_no(office, asked(office.agent, ANN))
    alone = said_no(office, asked(office.agent, {"thing": "door"}, "change_thing"))
    for user in {no, alone}:
        office.person(user).command("/sayso", "away")
    assert asked(office.agent, ANN)["assignee"] == "U0CAROL"
    waits = asked(office.agent, {"thing": "door"}, "change_thing")
    assert waits["assignee"] == alone
    assert "nobody is available" in waits["assigned_why"]


@on_sqlite
def test_who_left_the_role_is_followed_by_the_next_role(closed_office: Office) -> None:
    """The rejecter holds the role no longer: the lead is asked, not a peer; with no other role a peer is, and is told."""
    office = opened(closed_office)
    no = said_no(office, asked(office.agent, ANN))
    alone = said_no(office, asked(office.agent, {"thing": "door"}, "change_thing"), by=no)
    assert alone == no
    left = [user for user in ("U0ALICE", "U0BOB", "U0DAN") if user != no]
    write_roster(office.folder, roles=THREE | {"finance": {"members": left}})
    office.until(lambda: office.server.world.directory.members(office.server.world.book.roster, "finance") == left, "")
    assert asked(office.agent, ANN)["assignee"] == "U0CAROL"
    peer = asked(office.agent, {"thing": "door"}, "change_thing")
    assert peer["assignee"] in left
    office.card(peer, contains=["Rejected before", "She was paid already"])


@on_sqlite
def test_whoever_said_no_is_not_got_rid_of_by_asking_for_them(closed_office: Office) -> None:
    """Asked again on behalf of whoever rejected it, who may then not decide: the lead gets it, and where there is no
    further role it is denied; a peer is never drawn that way."""
    office = opened(closed_office)
    no = said_no(office, asked(office.agent, ANN))
    alone = said_no(office, asked(office.agent, {"thing": "door"}, "change_thing"))
    assert asked(office.agent, ANN, on_behalf_of=no)["assignee"] == "U0CAROL"
    denied = asked(office.agent, {"thing": "door"}, "change_thing", on_behalf_of=alone)
    assert (denied["state"], denied["assignee"]) == ("denied", None)
    assert f"{alone} said no to it" in denied["feedback"]
    assert asked(office.agent, {"thing": "door"}, "change_thing")["assignee"] == alone


def delegate(office: Office, child: str, parent: str) -> Agent:
    """A child that an operator registered under its parent."""

    def work(unit: Unit) -> str:
        above, _ = agents.add(unit, parent)
        return agents.add(unit, child, parent_id=above.id)[1]

    return Agent(office.server.url, office.database.run(work), child)


ELSEWHERE = ("another token", "another session", "a delegate", "the parent of a delegate", "another key and step")


@on_sqlite
@pytest.mark.parametrize("where", ELSEWHERE)
def test_no_other_place_to_ask_from_gets_a_fresh_reviewer(closed_office: Office, where: str) -> None:
    """The same agent by another token, session or step, and whoever acts for it or it for them, is the same asker."""
    office = opened(closed_office)
    child = delegate(office, "child", "demo")
    asker, other = office.agent, child
    if where == "another token":
        _, token = office.database.run(lambda unit: agents.add(unit, "demo"))
        other = Agent(office.server.url, token)
    elif where == "the parent of a delegate":
        asker, other = child, office.agent
    elif where != "a delegate":
        other = office.agent
    more: Json = {"session_id": "s-2", "completed_steps": ["looked"]} if where == "another session" else {}
    first = asked(asker, ANN, session_id="s-1")
    no = str(first["assignee"])
    form = office.form(no, office.card(first), "reject").fill("reason", "She was paid already")
    assert office.person(no).submit(form).ok
    again = other.ask("process_refund", ANN, **more) if "step" in where else asked(other, ANN, **more)
    assert again["assignee"] == no
    card = office.card(again, contains="Rejected before")
    own = asker.name == other.name
    assert ("asked by" in card.text()) is not own
    assert ("She was paid already" in " ".join(again["why"])) is own, "the reviewer's words are for the one they told"
    for agent in {child, other} - {office.agent}:
        agent.close()


VARIANTS: dict[str, tuple[str, Json, Json, str]] = {
    "a cent": ("process_refund", ANN, ANN | {"amount_usd": 479.99}, "amount_usd"),
    "a letter in the note": ("process_refund", ANN, ANN | {"note": "Her parcels was late"}, "note"),
    "another note": ("process_refund", ANN, ANN | {"note": "Please, she is a very good customer"}, "note"),
    "a letter that looks alike": ("process_refund", ANN, ANN | {"customer": "\u0430nn@example.com"}, "customer"),
    "one more parameter": ("process_refund", ANN, ANN | {"nonce": "a81"}, "nonce"),
    "a comment in a command": ("run", {"command": "rm -rf /srv/data"}, {"command": "rm -rf /srv/data #"}, "command"),
}


@on_sqlite
@pytest.mark.parametrize("how", list(VARIANTS))
def test_a_slightly_changed_request_goes_back_too_and_is_not_denied(closed_office: Office, how: str) -> None:
    """What shoppers change is told with where it differs, and goes to whoever rejected it; corrected honestly as often
    as need be, it is never denied for that."""
    action, was, now, differs = VARIANTS[how]
    office = opened(closed_office)
    no = said_no(office, asked(office.agent, was, action), by="U0BOB")
    for number in range(3):
        again = asked(office.agent, now, action)
        if number < 2:
            assert (again["state"], again["assignee"]) == ("pending", no), number
            office.card(
                again, contains=["imilar request was rejected" if not number else "ejected", "differs in", differs]
            )
            said_no(office, again, by=no)
            now = now | {"note": f"number {number} of them"} if "note" in now else now
    assert again["state"] == ("pending" if "note" in now else "denied")


@on_sqlite
def test_another_request_of_the_same_action_is_nobodys_repeat(closed_office: Office) -> None:
    """A refund to somebody else after a rejection says nothing of it and goes to whoever is least loaded."""
    office = opened(closed_office)
    no = said_no(office, asked(office.agent, ANN))
    other = asked(office.agent, ANN | {"customer": "bob@example.com", "note": "Broken"})
    assert "ejected" not in " ".join(other["why"])
    assert other["assignee"] != no
    assert "ejected" not in office.card(other).text()


@on_sqlite
def test_what_was_undone_or_refused_does_not_run_by_policy(closed_office: Office) -> None:
    """A person undid what policy let run: the same again asks that person, and after a second no it is denied."""
    office = opened(closed_office)
    first = asked(office.agent, {"thing": "key"}, "rotate_key")
    assert first["state"] == "approved"
    card = office.card(first, has="undo")
    form = office.form("U0BOB", card, "undo").fill("note", "Not on a Friday")
    assert office.person("U0BOB").submit(form).ok
    again = asked(office.agent, {"thing": "KEY"}, "rotate_key")
    assert (again["state"], again["level"], again["assignee"]) == ("pending", "hard_approval", "U0BOB")
    office.card(again, contains=["Undone before", "Not on a Friday"])
    said_no(office, again)
    assert asked(office.agent, {"thing": "key"}, "rotate_key")["state"] == "denied"


@on_sqlite
def test_a_yes_makes_earlier_noes_history(closed_office: Office) -> None:
    """Rejected, asked again and allowed: the next time it is an ordinary request."""
    office = opened(closed_office)
    first = asked(office.agent, {"thing": "door"}, "change_thing")
    no = said_no(office, first)
    again = asked(office.agent, {"thing": "door"}, "change_thing")
    office.person(no).click(office.card(again), "approve")
    assert office.agent.see(again)["state"] == "approved"
    assert asked(office.agent, {"thing": "door"}, "change_thing")["why"] == first["why"]


# --- still open -------------------------------------------------------------------------------------------------------


def test_what_is_open_is_not_asked_twice(closed_office: Office) -> None:
    """The same under another key is the same approval, 200; both keys find it ever after, each with its own body."""
    office = opened(closed_office)
    first = asked(office.agent, ANN, key="k-1")
    again = asked(
        office.agent, dict(reversed(ANN.items())) | {"amount_usd": 480.0}, status=200, key="k-2", reason="Now"
    )
    assert (again["id"], again["version"]) == (first["id"], first["version"])
    assert asked(office.agent, ANN, status=200, session_id="s-9")["id"] == first["id"], "another session alone"
    assert asked(office.agent, ANN, status=200, completed_steps=["x"])["id"] == first["id"], "another step alone"
    office.person("U0ADMIN")
    said_no(office, first)
    body = dict(reversed(ANN.items())) | {"amount_usd": 480.0}
    assert asked(office.agent, body, status=200, key="k-2", reason="Now")["id"] == first["id"]
    assert asked(office.agent, ANN, status=200, key="k-1")["state"] == "rejected"
    assert "used before" in asked(office.agent, ANN, status=422, key="k-2", reason="Other")["detail"]
    assert len(office.slack.cards(approval_id=first["id"])) == 1
    office.intact()


@on_sqlite
def test_two_things_that_look_the_same_name_each_other(closed_office: Office) -> None:
    """In another session at another step it is asked for itself, and each card names the other; when one of them is
    rejected, the other's card says so at once."""
    office = opened(closed_office)
    first = asked(office.agent, ANN, session_id="night-run", completed_steps=["one"])
    second = asked(office.agent, ANN, session_id="day-run", completed_steps=["one", "two"])
    assert second["id"] != first["id"]
    office.card(second, contains=["Also asked", "night-run", first["id"]])
    office.card(first, contains=["Also asked", "day-run", second["id"]])
    said_no(office, first)
    twin = office.card(second, contains=["Rejected before", "She was paid already"])
    assert "Also asked" not in twin.text()
    assert office.agent.see(second)["state"] == "pending"
    office.person("U0CAROL").click(twin, "approve")
    assert office.agent.see(second)["state"] in ("approved", "pending")


OTHER_THINGS: dict[str, tuple[Json, Json]] = {
    "for another person": ({"on_behalf_of": "alice@example.com"}, {}),
    "a path of another case": ({}, {"params": {"thing": "/srv/A"}}),
    "a doubt": ({}, {"evidence": {"tool_errored": True}}),
}


@on_sqlite
@pytest.mark.parametrize("what", list(OTHER_THINGS))
def test_what_is_not_quite_the_same_is_not_given_the_open_one(closed_office: Office, what: str) -> None:
    """For another person, with other bytes, or with a doubt where silence would consent: it is a request of its own."""
    office = opened(closed_office)
    was, now = OTHER_THINGS[what]
    params = {"thing": "/srv/a"}
    first = asked(office.agent, params, "suggest", **was)
    second = asked(
        office.agent, now.get("params", params), "suggest", **{k: v for k, v in now.items() if k != "params"}
    )
    assert second["id"] != first["id"]
    assert second["level"] == "hard_approval" or what != "a doubt" or first["level"] == second["level"]


@on_postgresql
def test_asking_at_once_on_three_servers_makes_one_approval(closed_office: Office) -> None:
    """Twelve times the same under twelve keys at the same moment on three servers: one approval, one card."""
    office = opened(closed_office)
    servers = [office.server, office.open(), office.open()]
    callers = [office.agent_called("demo", url=server.url) for server in servers]

    def one(number: int) -> tuple[int, str, str]:
        key = f"race-{number}"
        body = {"action": "process_refund", "params": ANN | {"amount_usd": [480, 480.0][number % 2]}}
        answer = callers[number % 3].raw("POST", "/approvals", json=body, headers={"Idempotency-Key": key})
        return answer.status_code, str(answer.json()["id"]), key

    answers = at_once([lambda number=number: one(number) for number in range(12)])  # type: ignore[misc]
    assert sorted(status for status, _, _ in answers) == [200] * 11 + [201]
    (made,) = {approval_id for _, approval_id, _ in answers}
    again = [callers[number % 3].raw("GET", f"/approvals/{made}").json()["version"] for number in range(3)]
    assert again == [1, 1, 1]
    office.card({"id": made})
    assert len(office.slack.cards(approval_id=made)) == 1


@on_postgresql
def test_asking_at_once_gets_no_way_around_two_noes(closed_office: Office) -> None:
    """Twelve tries at the same moment, each at a step of its own, after two noes: every one is denied."""
    office = opened(closed_office)
    for _ in range(2):
        said_no(office, asked(office.agent, ANN))
    servers = [office.server, office.open(), office.open()]
    callers = [office.agent_called("demo", url=server.url) for server in servers]
    found = at_once([lambda n=n: callers[n % 3].ask("process_refund", ANN) for n in range(12)])  # type: ignore[misc]
    assert {one["state"] for one in found} == {"denied"}


# --- cancelled, expired -------------------------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize(
    "change", [{}, {"amount_usd": 479.5}, {"note": "Her parcel was very late"}, {"customer": "ANN@example.com"}]
)
def test_cancelling_draws_no_other_reviewer(closed_office: Office, change: Json) -> None:
    """Asked, cancelled and asked again, also a little otherwise, ten times: it is always the same person's."""
    office = opened(closed_office)
    drawn = set()
    for number in range(10):
        refund = asked(office.agent, ANN | (change if number % 2 else {}))
        drawn.add(refund["assignee"])
        office.agent.cancel(refund)
    assert len(drawn) == 1
    last = asked(office.agent, ANN)
    assert "ancelled before" in office.card(last).text()
    assert "was cancelled" in " ".join(last["why"])


@on_sqlite
def test_what_expired_says_so(closed_office: Office) -> None:
    """Nobody decided it in time; asked again, the card says that too."""
    office = opened(closed_office)
    first = asked(office.agent, ANN)
    office.advance(3601)
    assert office.agent.see(first)["state"] == "expired"
    again = asked(office.agent, ANN)
    office.card(again, contains="Expired before, undecided")


# --- pings --------------------------------------------------------------------------------------------------------------


def pings(office: Office, user: str) -> list[Card]:
    return [card for card in office.slack.all_messages() if f"<@{user}>" in card.mentions()]


def test_create_and_cancel_does_not_ping_again(closed_office: Office) -> None:
    """Sixty times created and cancelled, each shown before it is cancelled: the reviewer is mentioned at most three
    times, and hears of what is really left when the hour is over, with a whole SLA before them."""
    office = opened(closed_office, roles=ROSTER["roles"] | {"finance": {"members": ["U0ALICE"]}})
    for number in range(12):
        door = asked(office.agent, {"thing": f"door {number}"}, "change_thing", urgency="high")
        office.card(door, contains=f"door {number}")
        office.agent.cancel(door)
    assert len(pings(office, "U0ALICE")) <= 3
    left = asked(office.agent, {"thing": "the gate"}, "slow_thing")
    card = office.card(left, contains=["the gate", "told"], has="approve")
    assert card.mentions() == []
    assert left["due_at"] is None
    before = len(pings(office, "U0ALICE"))
    office.advance(3601)
    office.server.sweep()
    office.slack.expect_message("#finance", contains=["this waits for you", "the gate"])
    assert len(pings(office, "U0ALICE")) > before
    assert office.agent.see(left)["due_at"] is not None
    soon = asked(office.agent, {"thing": "the roof"}, "change_thing")
    assert office.card(soon, contains="the roof").mentions(), "an hour later it is as if nothing had been"
    office.intact()


@on_sqlite
def test_the_same_thing_cancelled_and_asked_again_is_shown_and_not_rung(closed_office: Office) -> None:
    """Cancelled a moment ago: the new card is there to decide and mentions nobody; five minutes later it would."""
    office = opened(closed_office)
    first = asked(office.agent, {"thing": "door"}, "change_thing")
    assert office.card(first).mentions()
    office.agent.cancel(first)
    again = asked(office.agent, {"thing": "door"}, "change_thing")
    card = office.card(again, contains="ancelled before", has="approve")
    assert card.mentions() == []
    office.person(str(again["assignee"])).click(card, "approve")
    assert office.agent.see(again)["state"] == "approved"


@on_sqlite
def test_silence_consents_to_nothing_that_nobody_was_pinged_of(closed_office: Office) -> None:
    """Pings are used up by cancelling, then a request is asked that silence would let run: it waits for a yes."""
    office = opened(closed_office, roles=ROSTER["roles"] | {"finance": {"members": ["U0ALICE"]}})
    for number in range(3):
        office.agent.cancel(asked(office.agent, {"thing": f"door {number}"}, "suggest"))
    quiet = asked(office.agent, {"thing": "the vault"}, "suggest")
    assert quiet["level"] == "hard_approval"
    assert "silence does not consent" in " ".join(quiet["why"])
    office.advance(301)
    office.server.sweep()
    assert office.agent.see(quiet)["state"] == "expired"
    assert "approved" not in office.events(quiet)


@on_sqlite
def test_what_is_cancelled_before_it_is_shown_is_never_shown(closed_office: Office) -> None:
    """A card whose request was withdrawn before Slack had it is not posted any more."""
    office = opened(closed_office)
    office.slack.faults.inject("chat.postMessage", "ratelimited", times=1, seconds=2)
    first = asked(office.agent, {"thing": "door"}, "change_thing")
    office.agent.cancel(first)
    second = asked(office.agent, {"thing": f"gate {secrets.token_hex(4)}"}, "change_thing")
    office.card(second)
    assert office.slack.cards(approval_id=first["id"]) == []
