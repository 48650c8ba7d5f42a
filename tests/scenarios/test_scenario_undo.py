"""After the fact: what policy let run can be undone for a while, once, and the agent is told to roll it back."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from support.agent import NONCE
from support.files import PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office

from playground.kit import Card

Json = dict[str, Any]
WINDOW = 600
FREE = PLAIN | {"approval_required": False, "undo_window_seconds": WINDOW}
UNDOABLE = {
    "rotate_key": FREE | {"severity": "high"},  # notify_only
    "tidy": FREE | {"severity": "low"},  # full_auto
    "change_thing": PLAIN | {"undo_window_seconds": WINDOW},
    "remind": PLAIN | {"severity": "low", "approval_required": False},
}
PATIENCE = 20.0


@pytest.fixture
def office(closed_office: Office) -> Office:
    """An office whose actions can be undone for ten minutes."""
    write_manifest(closed_office.folder, UNDOABLE)
    closed_office.open()
    return closed_office


_number = count(1)  # what a person undid asks when it is asked again


def rotated(office: Office, *, claimed: bool = False, done: bool = False, **body: Any) -> tuple[Json, Card]:
    """A key rotated without asking, and the message that tells of it."""
    key = office.agent.ask("rotate_key", {"thing": f"key {next(_number)}"}, **body)
    assert (key["state"], key["level"]) == ("approved", "notify_only")
    card = office.card(key, channel="#finance", contains=["without asking", "Change key"], has="undo", timeout=PATIENCE)
    if claimed or done:
        office.agent.claim(key)
        card = office.slack.expect_update(card, contains="Running", timeout=PATIENCE)
    if done:
        office.agent.result(key, detail="key 7 is in use")
        card = office.slack.expect_update(card, contains=["Done", "key 7"], timeout=PATIENCE)
    return key, card


def undone(office: Office, user: str, card: Card, note: str = "The wrong key") -> Any:
    """Tap Undo, say why."""
    form = office.form(user, card, "undo")
    assert form.callback_id == "undo_modal"
    return office.person(user).submit(form.fill("note", note))


def told_under(office: Office, card: Card, words: str) -> bool:
    """Whether the thread under a card says so."""
    return any(one.thread_ts == card.ts and words in one.text() for one in office.slack.all_messages())


def test_what_ran_is_undone_and_rolled_back(office: Office) -> None:
    """Undo on what ran tells the agent to roll back, with the note; its report closes the story on card and thread."""
    key, card = rotated(office, done=True)
    before = office.agent.see(key)
    assert undone(office, "U0BOB", card).ok
    card = office.slack.expect_update(
        card, contains=["Undone by @bob", "asked to roll back", "The wrong key"], timeout=PATIENCE
    )
    assert not card.has("undo")
    told = office.agent.see(key)
    assert (told["state"], told["undo"]["by"], told["undo"]["note"]) == ("succeeded", "U0BOB", "The wrong key")
    assert told["version"] > before["version"], "whoever waits is woken"
    assert "Roll it back now" in told["feedback"]
    assert "The wrong key" in told["feedback"]
    assert [one["id"] for one in office.agent.listing(undone="open")["approvals"]] == [key["id"]]
    reverted = office.agent.raw(
        "POST", f"/approvals/{key['id']}/label", json={"label": "reverted", "detail": "key 6 again"}
    )
    assert reverted.json()["undo"]["reverted_detail"] == "key 6 again"
    office.slack.expect_update(card, contains=["Rolled back", "reported by the agent", "key 6 again"], timeout=PATIENCE)
    for words in ("Undone by", "key 6 again"):
        office.until(lambda words=words: told_under(office, card, words), f"{words} in the thread", timeout=PATIENCE)
    assert office.agent.listing(undone="open")["approvals"] == []
    assert [one["id"] for one in office.agent.listing(undone="true")["approvals"]] == [key["id"]]
    assert office.events(key) == ["requested", "notified", "resumed", "result", "undone", "labelled"]
    office.intact()


def test_what_was_not_claimed_never_runs(office: Office) -> None:
    """Undone before it was claimed, it is cancelled: no grant is ever given, and there is nothing to roll back."""
    key, card = rotated(office)
    assert undone(office, "U0ALICE", card).ok
    office.slack.expect_update(card, contains=["Undone by @alice", "cancelled before it ran"], timeout=PATIENCE)
    refused = office.agent.claim(key, status=409)
    assert refused["state"] == "cancelled"
    told = office.agent.see(key)
    assert (told["state"], told["undo"]["by"], told["decision"]["by"]) == ("cancelled", "U0ALICE", "U0ALICE")
    assert "before it ran" in told["feedback"]
    assert office.agent.listing(undone="open")["approvals"] == []


@on_sqlite
def test_what_is_claimed_gets_no_grant_again(office: Office) -> None:
    """Undone between claim and result: the lost grant is not given again, and the result still counts, once."""
    key, card = rotated(office, claimed=True)
    assert undone(office, "U0BOB", card).ok
    assert "roll it back" in office.agent.claim(key, status=409)["detail"]
    done = office.agent.result(key)
    assert (done["state"], done["undo"]["by"]) == ("succeeded", "U0BOB")
    assert office.agent.listing(undone="open")["approvals"][0]["id"] == key["id"]


def test_a_waiting_agent_is_woken(office: Office) -> None:
    """A long-poll that names the version it has seen returns with the undoing, though the approval was decided long ago."""
    key, card = rotated(office, done=True)
    seen = office.agent.see(key)

    def wait() -> Json:
        query = {"wait": "30", "after": str(seen["version"])}
        found: Json = office.agent.raw("GET", f"/approvals/{key['id']}", params=query).json()
        return found

    def tap() -> Json:
        office.until(lambda: office.server.app.state.runtime.signals.waiting, "the agent waits", timeout=PATIENCE)
        assert undone(office, "U0BOB", card).ok
        return {}

    woken, _ = office.slack.together(wait, tap)
    assert woken["undo"]["by"] == "U0BOB"
    assert office.agent.raw("GET", f"/approvals/{key['id']}", params={"after": "-1"}).status_code == 422


def test_the_window_ends(office: Office) -> None:
    """When the window is over the button goes by itself; a tap on the stale card is refused with how things stand."""
    key, card = rotated(office, done=True)
    version = office.agent.see(key)["version"]
    office.advance(WINDOW - 5)
    assert office.slack.refresh(card).has("undo")
    office.advance(10)
    office.until(lambda: not office.slack.refresh(card).has("undo"), "the button goes", timeout=PATIENCE)
    office.person("U0BOB").click_stale(card, "undo")
    office.person("U0BOB").expect_ephemeral("cannot be undone")
    assert office.agent.see(key)["undo"] is None
    assert office.agent.see(key)["version"] == version
    assert "undone" not in office.events(key)
    office.intact()


@on_sqlite
def test_a_form_that_was_open_too_long_is_refused(closed_office: Office) -> None:
    """The database's clock decides, whatever the sweep has done: the form says that it is too late."""
    closed_office.settings["SAYSO_SWEEP_SECONDS"] = "300"
    write_manifest(closed_office.folder, UNDOABLE)
    office = closed_office
    office.open()
    key, card = rotated(office, done=True)
    form = office.form("U0BOB", card, "undo")
    office.server.database.shift_seconds = WINDOW + 1
    office.person("U0BOB").submit(form)
    assert "cannot be undone" in office.person("U0BOB").expect_modal("notice_modal").text()
    assert office.agent.see(key)["undo"] is None


@on_sqlite
def test_the_whole_window_counts_from_the_result(office: Office) -> None:
    """An agent that claims late and runs long takes nothing of the window from people."""
    key, card = rotated(office)
    office.advance(WINDOW - 5)
    office.agent.claim(key)
    office.advance(WINDOW - 5)
    office.agent.result(key)
    office.advance(WINDOW - 5)
    assert office.slack.refresh(card).has("undo")
    assert undone(office, "U0BOB", office.slack.refresh(card)).ok


@on_sqlite
def test_who_may_not_undo(office: Office) -> None:
    """Strangers to the role, the principal and guests are refused, told so, and kept in the trail; nothing changes."""
    key, card = rotated(office, on_behalf_of="alice@example.com")
    for user, why in (("U0DAN", "Only members"), ("U0ALICE", "own behalf"), ("U0GUEST", "")):
        if user in office.slack.workspace.people:
            office.person(user).click(card, "undo")
            office.person(user).expect_ephemeral(why)
    assert office.agent.see(key)["state"] == "approved"
    assert office.events(key).count("refused") >= 2
    assert undone(office, "U0BOB", card).ok


@on_sqlite
def test_undone_once(office: Office) -> None:
    """The second person is told who undid it and when; the first one's replayed form changes nothing."""
    key, card = rotated(office, done=True)
    late = office.form("U0ALICE", card, "undo")
    first = undone(office, "U0BOB", card)
    assert first.ok
    office.person("U0ALICE").submit(late.fill("note", "mine"))
    assert "Already undone by @bob" in office.person("U0ALICE").expect_modal("notice_modal").text()
    office.slack.replay(first)
    office.person("U0ALICE").click_stale(card, "undo")
    office.person("U0ALICE").expect_ephemeral("Already undone by")
    assert office.agent.see(key)["undo"]["note"] == "The wrong key"
    assert office.events(key).count("undone") == 1


def test_undo_against_undo(office: Office) -> None:
    """Two people at the same moment: one undoing is kept, with its own note, and the other person is told."""
    key, card = rotated(office, done=True)
    forms = {user: office.form(user, card, "undo").fill("note", user) for user in ("U0ALICE", "U0BOB")}
    office.slack.together(*(lambda user=user: office.person(user).submit(forms[user]) for user in forms))
    kept = office.agent.see(key)["undo"]
    assert kept["note"] == kept["by"]
    assert office.events(key).count("undone") == 1
    loser = next(user for user in forms if user != kept["by"])
    assert "Already undone by" in office.person(loser).expect_modal("notice_modal").text()


def test_undo_against_claim(office: Office) -> None:
    """Undo and claim at the same moment, again and again: either no grant is given, or the agent has to roll back."""
    ways = set()
    for _ in range(6):
        key, card = rotated(office)
        form = office.form("U0BOB", card, "undo")
        claim, _ = office.slack.together(
            lambda key=key: office.agent.raw("POST", f"/approvals/{key['id']}/claim", json={"nonce": NONCE}),
            lambda form=form: office.person("U0BOB").submit(form),
        )
        now = office.agent.see(key)
        assert now["undo"]["by"] == "U0BOB"
        assert (claim.status_code, now["state"]) in {(200, "claimed"), (409, "cancelled")}
        owed = [one["id"] for one in office.agent.listing(undone="open")["approvals"]]
        assert (key["id"] in owed) == (now["state"] == "claimed")
        ways.add(now["state"])
    assert ways


def test_undo_against_the_end_of_the_window(office: Office) -> None:
    """An undoing and the sweep that closes the window, at the same moment: it is undone, or it is too late; never half."""
    for _ in range(4):
        key, card = rotated(office, done=True)
        form = office.form("U0BOB", card, "undo")
        office.server.database.shift_seconds += WINDOW - 0.05
        office.slack.together(
            lambda form=form: office.person("U0BOB").submit(form), office.server.sweep, lambda: office.advance(0.1)
        )
        now, events = office.agent.see(key), office.events(key)
        assert (now["undo"] is not None) == (events.count("undone") == 1)
        assert now["undo_until"] is None or now["undo"] is None
        office.until(lambda card=card: not office.slack.refresh(card).has("undo"), "the button goes", timeout=PATIENCE)
    office.intact()


@on_sqlite
def test_operations_hear_where_no_roll_back_is_reported(office: Office) -> None:
    """An agent that was asked to roll back and says nothing for as long as an execution may take: operations are told, once."""
    key, card = rotated(office, done=True)
    assert undone(office, "U0BOB", card).ok
    office.advance(3601)
    office.slack.expect_card(channel="#ops", contains=["not rolled back", "Change key"], timeout=PATIENCE)
    office.advance(3601)
    assert office.events(key).count("reminded") == 1
    office.agent.label(key, "reverted")
    assert office.agent.see(key)["undo"]["reverted_at"]
    office.intact()


@on_sqlite
def test_what_a_person_approved_can_be_undone_too(office: Office) -> None:
    """An action with a window offers Undo whoever let it run; one without a window never does."""
    thing = office.agent.ask("change_thing", {"thing": "door"})
    card = office.card(thing, timeout=PATIENCE)
    office.person("U0BOB").click(card, "approve")
    card = office.slack.expect_update(card, contains="Approved", timeout=PATIENCE)
    assert card.has("undo")
    assert not card.has("approve")
    assert undone(office, "U0ALICE", card).ok
    assert office.agent.see(thing)["state"] == "cancelled"
    tidy = office.agent.ask("tidy", {"thing": "room"})
    assert tidy["level"] == "full_auto"
    assert office.card(tidy, has="undo", timeout=PATIENCE)
    remind = office.agent.ask("remind", {"thing": "bob"})
    assert remind["undo_until"] is None
    office.slack.expect_no_card(approval_id=remind["id"])
