"""The agent's side of a decided approval: one grant, one report, and nothing that is not its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from builders import at_once, load
from sqlalchemy import select, update
from support.files import PLAIN, write_manifest, write_roster
from support.marks import on_postgresql

from bot.service import decide, execute, standing, submit, undo
from bot.service.authorization import Tap
from bot.service.context import Book, Directory, PersonFacts, World
from bot.service.sweep import sweep
from policies import deadlines
from policies.approval import Approval
from policies.errors import (
    NeverRan,
    NotClaimable,
    NotFound,
    OutcomeConflict,
    Refused,
    Revoked,
    Settled,
    Stopped,
    Tampered,
    TooLate,
    UndoneMeanwhile,
    WrongNonce,
)
from policies.files.manifest import load_manifest
from policies.files.roster import load_roster
from policies.lifecycle import State
from store import agents, approvals, audit, sessions, verification
from store.agents import Agent, Scope, token_hash
from store.engine import Database
from store.tables import approvals as rows
from store.tables import labels, outbox
from store.unit import Unit

Json = dict[str, Any]
NONCE, OTHER = "nonce-one", "nonce-two"
ACTIONS: dict[str, Json] = {
    "change": PLAIN | {"execution_seconds": 600},
    "undoable": PLAIN | {"execution_seconds": 600, "undo_window_seconds": 300},
    "earned": PLAIN | {"autonomy": {"start": "soft_approval"}},
}


@dataclass
class Bell:
    """Hears who is woken after a commit."""

    rung: list[object] = field(default_factory=list)

    def approval_changed(self, approval_id: str) -> None:
        self.rung.append(approval_id)

    def outbox_filled(self) -> None:
        self.rung.append("outbox")

    def deadline_set(self, moment: datetime) -> None:
        self.rung.append(moment)


class Desk:
    """An agent and a reviewer at the use cases, on one database."""

    def __init__(self, database: Database, folder: Path) -> None:
        manifest = load_manifest(write_manifest(folder, ACTIONS).read_text())
        roster = load_roster(write_roster(folder).read_text())
        met = {"U0ALICE": "alice@example.com", "U0BOB": "bob@example.com", "U0ADMIN": "admin@example.com"}
        people = {user: PersonFacts(user, user, team="T0PLAY", email=email) for user, email in met.items()}
        self.bell = Bell()
        self.world = World(database, Book(manifest, roster), Directory(people, home_team="T0PLAY"), signals=self.bell)
        self.database, self.asked = database, 0
        self.agent, self.token = self.joined("demo")

    def joined(self, name: str) -> tuple[Agent, str]:
        agent, token = self.database.run(lambda unit: agents.add(unit, name))
        return agent, token

    def ask(self, action: str = "change", **more: object) -> Approval:
        self.asked += 1
        body = {"action": action, "params": {"thing": f"door {self.asked}"}, **more}
        made = submit.submit(self.world, token_hash(self.token), f"key-{self.asked}", json.dumps(body).encode())
        return made.approval

    def tap(self, approval: Approval, user: str = "U0ALICE", note: str | None = None) -> Tap:
        actor = self.world.directory.actor(self.world.book.roster, user, team="T0PLAY")
        return Tap(approval.id, load(self.database, approval).digest, actor, note)

    def approved(self, action: str = "change", **more: object) -> Approval:
        return decide.approve(self.world, self.tap(self.ask(action, **more)))

    def claim(self, approval: Approval, nonce: str = NONCE, agent: Agent | None = None) -> execute.Grant:
        return execute.claim(self.world, agent or self.agent, approval.id, nonce)

    def report(self, approval: Approval, outcome: str = "succeeded", nonce: str = NONCE) -> Approval:
        return execute.result(self.world, self.agent, approval.id, nonce=nonce, outcome=outcome, detail="So it went.")

    def label(self, approval: Approval, word: str = "reverted") -> Approval:
        return execute.label(self.world, self.agent, approval.id, word=word, detail="Put back.")

    def last(self, approval: Approval) -> Json:
        """The last row of its trail."""
        return self.trail(approval)[-1]

    def trail(self, approval: Approval) -> list[Json]:
        return self.database.read(lambda unit: list(audit.lines(unit, approval_id=approval.id)))

    def wanted(self, approval: Approval) -> int:
        """The revision that its card should show."""
        query = select(outbox.c.wanted).where(outbox.c.approval_id == approval.id, outbox.c.kind == "card")
        return int(self.database.read(lambda unit: unit.execute(query).scalar_one()))

    def notices(self, approval: Approval) -> list[str]:
        query = select(outbox.c.facts).where(outbox.c.approval_id == approval.id, outbox.c.kind == "notice")
        found = self.database.read(lambda unit: unit.execute(query.order_by(outbox.c.id)).scalars().all())
        return [facts["notice"] for facts in found]

    def told(self, approval: Approval, wake: datetime | None = None) -> None:
        """Whoever waits was woken once, and the sweep knows the next moment."""
        rung = [approval.id, "outbox", *([wake] if wake else [])]
        assert self.bell.rung == rung
        self.bell.rung.clear()


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def first(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Between the next reading of an approval and its writing, somebody else's whole transaction takes place."""
    read, waiting = approvals.load_with, [work]

    def load_late(*args: Any, **kwargs: Any) -> object:
        found = read(*args, **kwargs)
        if waiting:
            waiting.pop()()
        return found

    monkeypatch.setattr(approvals, "load_with", load_late)


def test_a_grant_is_what_was_approved(desk: Desk) -> None:
    """The grant holds the approval as decided, until its time runs out; the claim is on record, and its card follows."""
    approval = desk.approved()
    desk.bell.rung.clear()
    grant = desk.claim(approval)
    claimed = load(desk.database, approval)
    assert grant.approval == claimed
    assert (claimed.state, claimed.version) == (State.CLAIMED, approval.version + 1)
    assert (claimed.params, claimed.digest) == (approval.params, approval.digest)
    assert claimed.claimed_at == claimed.updated_at > approval.updated_at
    assert grant.claim_expires_at == claimed.claimed_at + timedelta(seconds=600) == claimed.clock.claim_by
    assert claimed.clock == deadlines.Clock(claim_by=grant.claim_expires_at)
    assert grant.idempotency_key == f"sayso-{approval.id}-{approval.digest[:16]}"
    last = desk.last(approval)
    assert (last["event"], last["actor"], last["digest"]) == ("resumed", "agent:demo", approval.digest)
    assert last["at"] == audit.rfc3339(claimed.claimed_at)
    assert desk.wanted(approval) == claimed.version
    desk.told(approval, grant.claim_expires_at)


def test_the_nonce_is_not_kept(desk: Desk) -> None:
    """What is stored of a nonce does not give it away."""
    approval = desk.approved()
    stored = desk.claim(approval).approval.nonce_hash
    assert stored is not None
    assert NONCE not in stored
    assert len(stored) == 64


def test_a_lost_grant_can_be_asked_for_again(desk: Desk) -> None:
    """The same nonce gets the very same grant and leaves no second row; another one gets none."""
    approval = desk.approved()
    grant = desk.claim(approval)
    assert desk.claim(approval) == grant
    with pytest.raises(WrongNonce):
        desk.claim(approval, OTHER)
    assert [line["event"] for line in desk.trail(approval)].count("resumed") == 1


def test_only_what_is_approved_can_be_claimed(desk: Desk) -> None:
    """Nothing pending, rejected or done is claimed; the answer names the state."""
    with pytest.raises(NotClaimable, match="pending"):
        desk.claim(desk.ask())
    rejected = decide.reject(desk.world, desk.tap(desk.ask(), note="No."))
    with pytest.raises(NotClaimable, match="rejected"):
        desk.claim(rejected)
    done = desk.approved()
    desk.claim(done)
    desk.report(done)
    with pytest.raises(NotClaimable, match="succeeded"):
        desk.claim(done)


def test_who_may_act_no_more_claims_nothing(desk: Desk, tmp_path: Path) -> None:
    """A grant waits neither for an agent that was revoked since, nor for one that the manifest blocks now."""
    approval = desk.approved()
    blocking = write_manifest(tmp_path, {"change": ACTIONS["change"] | {"blocked_agents": ["demo"]}})
    kept = desk.world.book
    desk.world.book = replace(kept, manifest=load_manifest(blocking.read_text()))
    with pytest.raises(Refused, match="block list"):
        desk.claim(approval)
    desk.world.book = kept
    desk.database.run(lambda unit: agents.revoke(unit, "demo"))
    with pytest.raises(Revoked):
        desk.claim(approval)
    assert load(desk.database, approval) == approval


def test_what_is_not_as_approved_is_not_claimed(desk: Desk) -> None:
    """A row that somebody changed beside Sayso gives no grant, the first time and again, and its trail says who asked."""
    fresh, granted = desk.approved(), desk.approved()
    desk.claim(granted)
    for approval in (fresh, granted):
        desk.database.run(partial(_change, approval))
        with pytest.raises(Tampered):
            desk.claim(approval)
        assert (desk.last(approval)["event"], desk.last(approval)["actor"]) == ("refused", "agent:demo")


def _change(approval: Approval, unit: Unit) -> None:
    unit.execute(update(rows).where(rows.c.id == approval.id).values(params='{"thing":"vault"}'))


def test_what_is_anothers_is_not_there(desk: Desk) -> None:
    """Another agent's approval is not found, whatever it wants of it."""
    approval, (stranger, _) = desk.approved(), desk.joined("other")
    with pytest.raises(NotFound):
        desk.claim(approval, agent=stranger)
    with pytest.raises(NotFound):
        execute.result(desk.world, stranger, approval.id, nonce=NONCE, outcome="succeeded", detail=None)
    with pytest.raises(NotFound):
        execute.cancel(desk.world, stranger, approval.id)
    with pytest.raises(NotFound):
        execute.answer_info(desk.world, stranger, approval.id, "x")
    with pytest.raises(NotFound):
        execute.label(desk.world, stranger, approval.id, word="correct", detail=None)
    assert load(desk.database, approval) == approval


def test_a_grant_is_not_waited_for_for_ever(desk: Desk) -> None:
    """What nobody claimed in time is too late, before the sweep has seen it and after."""
    approval = desk.approved()
    desk.database.shift_seconds += 901
    with pytest.raises(TooLate, match="expired"):
        desk.claim(approval)
    sweep(desk.world)
    assert load(desk.database, approval).state is State.EXPIRED
    with pytest.raises(TooLate, match="expired"):
        desk.claim(approval)


def test_one_of_many_claims_wins(desk: Desk) -> None:
    """Of six claims at once with six nonces one gets the grant; six with the same nonce get the same one."""
    approval = desk.approved()

    def claim(nonce: str) -> str:
        try:
            desk.claim(approval, nonce)
        except WrongNonce:
            return "wrong"
        return "granted"

    assert sorted(at_once([lambda n=n: claim(f"nonce-{n:03}") for n in range(6)])) == ["granted"] + ["wrong"] * 5  # type: ignore[misc]
    same = desk.approved()
    grants = at_once([lambda: desk.claim(same)] * 6)
    assert all(grant == grants[0] for grant in grants)
    assert [line["event"] for line in desk.trail(same)].count("resumed") == 1


@on_postgresql
def test_a_claim_that_comes_second_is_no_claim(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that was overtaken between reading and writing gets no grant of its own."""
    approval = desk.approved()
    asked, waiting = standing.require_standing, [lambda: desk.claim(approval, OTHER)]

    def require_late(*args: Any) -> None:
        """The last that is asked before the claim is written."""
        asked(*args)
        if waiting:
            waiting.pop()()

    monkeypatch.setattr(standing, "require_standing", require_late)
    with pytest.raises(WrongNonce):
        desk.claim(approval)
    assert desk.claim(approval, OTHER)


def test_nothing_is_claimed_while_somebody_does_the_session_by_hand(desk: Desk) -> None:
    """A takeover holds the rest of its session's claims and says whose it is; other sessions and a hand-back go on."""
    approval, other = desk.approved(session_id="run"), desk.approved(session_id="another")
    by_hand = desk.ask(session_id="run")
    decide.take_over(desk.world, desk.tap(by_hand, "U0BOB"))
    with pytest.raises(Stopped, match="U0BOB took over in session run"):
        desk.claim(approval)
    assert desk.claim(other)
    decide.hand_back(desk.world, desk.tap(by_hand, "U0BOB"), ["did it"])
    assert desk.claim(approval)


def test_nothing_is_claimed_while_all_is_stopped(desk: Desk) -> None:
    """The stop and the pause of its session hold a claim, and say who; another session's pause does not."""
    approval = desk.approved(session_id="run")
    desk.database.run(lambda unit: sessions.stop(unit, "U0ADMIN"))
    with pytest.raises(Stopped, match="U0ADMIN stopped everything"):
        desk.claim(approval)
    desk.database.run(sessions.start)
    for name in ("run", "another"):
        desk.database.run(lambda unit, name=name: sessions.beat(unit, desk.agent.id, name, None))
    desk.database.run(lambda unit: sessions.steer(unit, "run", "paused", "U0BOB"))
    with pytest.raises(Stopped, match="U0BOB set session run to paused"):
        desk.claim(approval)
    desk.database.run(lambda unit: sessions.steer(unit, "run", "running", "U0BOB"))
    desk.database.run(lambda unit: sessions.steer(unit, "another", "paused", "U0BOB"))
    assert desk.claim(approval)
    assert desk.claim(desk.approved())
    assert desk.claim(desk.approved(session_id="never heard of"))


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_result_is_reported_once(desk: Desk, outcome: str) -> None:
    """The report ends the execution; the same again changes nothing, another one is refused."""
    approval = desk.approved("undoable")
    desk.claim(approval)
    desk.bell.rung.clear()
    done = desk.report(approval, outcome)
    assert done == load(desk.database, approval)
    assert (done.state.value, done.outcome_detail, done.version) == (outcome, "So it went.", approval.version + 2)
    undone_until = done.updated_at + timedelta(seconds=300) if outcome == "succeeded" else None
    assert done.clock == deadlines.Clock(undo_until=undone_until)
    last = desk.last(approval)
    assert (last["event"], last["actor"], last["decision"]) == ("result", "agent:demo", outcome)
    assert (last["rationale"], last["at"]) == ("So it went.", audit.rfc3339(done.updated_at))
    assert desk.wanted(approval) == done.version
    desk.told(approval, undone_until)
    assert desk.report(approval, outcome) == done
    with pytest.raises(OutcomeConflict):
        desk.report(approval, "failed" if outcome == "succeeded" else "succeeded")
    assert len(desk.trail(approval)) == last["seq"] - desk.trail(approval)[0]["seq"] + 1
    assert desk.last(approval) == last


def test_the_row_of_a_result_says_what_it_cost(desk: Desk) -> None:
    """The second failure within a day takes a level from the agent, and the row of that result says which is left."""
    levels = []
    for _ in range(2):
        approval = desk.approved("earned")
        desk.claim(approval)
        desk.report(approval, "failed")
        levels.append(desk.last(approval).get("demoted_to"))
    assert levels == [None, "hard_approval"]


def test_only_who_claimed_reports(desk: Desk) -> None:
    """Without a claim, with another nonce, or after its time there is nothing to report."""
    approval = desk.approved()
    with pytest.raises(NotClaimable, match=r"^Nothing was claimed, so there is no result to report$"):
        desk.report(approval)
    desk.claim(approval)
    with pytest.raises(WrongNonce):
        desk.report(approval, nonce=OTHER)
    assert load(desk.database, approval).state is State.CLAIMED
    desk.database.shift_seconds += 601
    sweep(desk.world)
    with pytest.raises(Settled, match="outcome_unknown"):
        desk.report(approval)


@on_postgresql
def test_two_reports_at_once_are_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that was overtaken by another outcome is refused, by the same one is no error."""
    approval, again = desk.approved(), desk.approved()
    for one in (approval, again):
        desk.claim(one)
    first(monkeypatch, lambda: desk.report(approval, "failed"))
    with pytest.raises(OutcomeConflict):
        desk.report(approval)
    monkeypatch.undo()
    first(monkeypatch, lambda: desk.report(again))
    assert desk.report(again).state is State.SUCCEEDED
    assert [line["event"] for line in desk.trail(again)].count("result") == 1


def test_what_is_not_needed_is_withdrawn(desk: Desk) -> None:
    """The agent withdraws what is open or granted, once; what runs is not withdrawn."""
    approval = desk.ask()
    asked = decide.request_info(desk.world, desk.tap(approval), "Why?")
    desk.bell.rung.clear()
    gone = execute.cancel(desk.world, desk.agent, approval.id)
    assert gone == load(desk.database, approval)
    assert (gone.state, gone.version, gone.info_request) == (State.CANCELLED, asked.version + 1, None)
    assert gone.clock == deadlines.Clock()
    decision = gone.decision
    assert decision is not None
    assert (decision.kind, decision.by, decision.note) == ("cancelled", "agent:demo", "The agent no longer needs it.")
    assert decision.at == gone.updated_at > asked.updated_at
    assert decision.latency_ms == approvals.latency_ms(approval, gone.updated_at)
    last = desk.last(approval)
    assert (last["event"], last["actor"], last["rationale"]) == ("cancelled", "agent:demo", decision.note)
    assert (last["latency_ms"], last["at"]) == (decision.latency_ms, audit.rfc3339(gone.updated_at))
    assert desk.wanted(approval) == gone.version
    desk.told(approval)
    assert execute.cancel(desk.world, desk.agent, approval.id) == gone
    assert desk.last(approval) == last
    granted = desk.approved()
    assert execute.cancel(desk.world, desk.agent, granted.id).state is State.CANCELLED
    with pytest.raises(NotClaimable, match="cancelled"):
        desk.claim(granted)
    running = desk.approved()
    desk.claim(running)
    with pytest.raises(Settled, match="claimed"):
        execute.cancel(desk.world, desk.agent, running.id)


@on_postgresql
def test_a_withdrawal_that_comes_second_looks_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Overtaken by a decision it withdraws what was granted; overtaken by a claim it is refused."""
    approval, running = desk.ask(), desk.approved()
    first(monkeypatch, lambda: decide.approve(desk.world, desk.tap(approval)))
    gone = execute.cancel(desk.world, desk.agent, approval.id)
    assert (gone.state, gone.version) == (State.CANCELLED, approval.version + 2)
    assert [line["event"] for line in desk.trail(approval)][-2:] == ["approved", "cancelled"]
    monkeypatch.undo()
    first(monkeypatch, lambda: desk.claim(running))
    with pytest.raises(Settled, match="claimed"):
        execute.cancel(desk.world, desk.agent, running.id)


def test_an_answer_starts_the_clock_again(desk: Desk) -> None:
    """The answer is kept beside the question, the reviewer is told, and every deadline moves by the time it took."""
    approval = desk.ask()
    asked = decide.request_info(desk.world, desk.tap(approval), "Why?")
    desk.bell.rung.clear()
    desk.database.shift_seconds += 100
    going = execute.answer_info(desk.world, desk.agent, approval.id, "Because.")
    assert going == load(desk.database, approval)
    assert (going.state, going.version, going.info_request) == (State.PENDING, asked.version + 1, None)
    assert going.exchange == (("Why?", "Because."),)
    assert asked.clock.paused_at is not None
    assert asked.clock.expires_at is not None
    assert asked.clock.due_at is not None
    paused = going.updated_at - asked.clock.paused_at
    assert paused >= timedelta(seconds=100)
    assert going.clock.expires_at == asked.clock.expires_at + paused
    assert going.clock.due_at == asked.clock.due_at + paused
    last = desk.last(approval)
    assert (last["event"], last["actor"], last["rationale"]) == ("info_answered", "agent:demo", "Because.")
    assert last["at"] == audit.rfc3339(going.updated_at)
    assert desk.notices(approval)[-1] == "info_answered"
    query = select(outbox.c.facts).where(outbox.c.approval_id == approval.id, outbox.c.kind == "notice")
    notice = desk.database.read(lambda unit: unit.execute(query.order_by(outbox.c.id.desc())).scalars().first())
    assert notice is not None
    assert notice["asked_by"] == "U0ALICE"
    assert desk.wanted(approval) == going.version
    desk.told(approval, going.clock.wake_at)


def test_only_a_question_is_answered(desk: Desk) -> None:
    """Where nobody asked, or all is over, an answer is refused and leaves nothing."""
    approval = desk.ask()
    with pytest.raises(Settled, match=r"^Nobody is waiting for an answer$"):
        execute.answer_info(desk.world, desk.agent, approval.id, "Because.")
    done = desk.approved()
    with pytest.raises(Settled, match="approved"):
        execute.answer_info(desk.world, desk.agent, done.id, "Because.")
    assert load(desk.database, approval) == approval


@on_postgresql
def test_an_answer_that_comes_second_looks_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that a decision overtook is refused: nobody waits for it any more."""
    approval = desk.ask()
    decide.request_info(desk.world, desk.tap(approval), "Why?")
    first(monkeypatch, lambda: decide.approve(desk.world, desk.tap(approval)))
    with pytest.raises(Settled, match="approved"):
        execute.answer_info(desk.world, desk.agent, approval.id, "Because.")
    assert load(desk.database, approval).exchange == ()


def test_a_label_is_kept_once(desk: Desk) -> None:
    """A label is recorded with its words once, moves nothing, and another one stands beside it."""
    approval = desk.approved()
    desk.claim(approval)
    done = desk.report(approval)
    desk.bell.rung.clear()
    for _ in range(2):
        assert desk.label(approval, "correct") == done
    assert desk.label(approval, "reverted") == done
    query = select(labels.c.label, labels.c.detail, labels.c.by, labels.c.approval_id).order_by(labels.c.id)
    kept = [tuple(row) for row in desk.database.read(lambda unit: unit.execute(query).all())]
    assert kept == [(word, "Put back.", "agent:demo", approval.id) for word in ("correct", "reverted")]
    noted = [line for line in desk.trail(approval) if line["event"] == "labelled"]
    assert [(line["decision"], line["rationale"], line["actor"]) for line in noted] == [
        ("correct", "Put back.", "agent:demo"),
        ("reverted", "Put back.", "agent:demo"),
    ]
    assert not any("moved" in line for line in noted)
    assert desk.bell.rung == []
    assert load(desk.database, approval) == done


def undone(desk: Desk, *, claimed: bool) -> Approval:
    """Approved, perhaps claimed and done, and undone by Bob."""
    approval = desk.approved("undoable")
    if claimed:
        desk.claim(approval)
        desk.report(approval)
    return undo.undo(desk.world, desk.tap(approval, "U0BOB", "The wrong door."))


def test_a_token_made_to_label_labels_what_any_agent_ran(desk: Desk) -> None:
    """Whoever checks afterwards labels anybody's approval, kept apart from the agent's own word; not a test, and not nothing."""
    checker, _ = desk.database.run(lambda unit: agents.add(unit, "checker", scopes=frozenset({Scope.LABEL})))
    ran, test = desk.approved(), desk.ask()
    desk.claim(ran)
    desk.report(ran)
    label = partial(execute.label, desk.world, checker, word="incident", detail=None)
    assert label(ran.id).id == ran.id
    assert desk.last(ran)["actor"] == "labeller:checker"
    planted = update(rows).where(rows.c.id == test.id)
    values = {"planted": {"tell": "it asks twice", "seeming_agent_id": test.agent_id}}
    desk.database.run(lambda unit: unit.execute(planted.values(values)))
    for other in (test.id, "apr_none"):
        with pytest.raises(NotFound):
            label(other)


def test_what_never_ran_was_not_correct(desk: Desk) -> None:
    """`correct` is refused for what did not run; nothing is kept of it."""
    approval = desk.approved()
    with pytest.raises(NeverRan):
        desk.label(approval, "correct")
    assert desk.last(approval)["event"] != "labelled"
    assert desk.database.read(lambda unit: unit.execute(select(labels)).all()) == []


def test_what_was_undone_gives_no_grant(desk: Desk) -> None:
    """Undone before the claim or while it runs, no grant is given any more, not even the same again."""
    never = undone(desk, claimed=False)
    with pytest.raises(UndoneMeanwhile, match="cancelled"):
        desk.claim(never)
    running = desk.approved("undoable")
    desk.claim(running)
    undo.undo(desk.world, desk.tap(running, "U0BOB"))
    for nonce in (NONCE, OTHER):
        with pytest.raises(UndoneMeanwhile, match="claimed"):
            desk.claim(running, nonce)
    assert desk.report(running).clock.roll_back_by is not None


def test_a_roll_back_is_reported_once(desk: Desk) -> None:
    """The label `reverted` ends what is owed after Undo: in one version more the card says so, and its thread."""
    before = undone(desk, claimed=True)
    desk.bell.rung.clear()
    told = desk.label(before)
    assert told == load(desk.database, before)
    assert told.undo is not None
    assert told.undo.reverted_at == told.updated_at > before.updated_at
    assert told.undo.reverted_detail == "Put back."
    assert (told.clock.roll_back_by, told.version, told.roll_back_owed) == (None, before.version + 1, False)
    assert replace(told.undo, reverted_at=None, reverted_detail=None) == before.undo
    last = desk.last(before)
    assert (last["event"], last["decision"], last["moved"]) == ("labelled", "reverted", True)
    assert last["at"] == audit.rfc3339(told.updated_at)
    assert desk.notices(before)[-1] == "reverted"
    assert desk.wanted(before) > 0
    desk.told(before)
    assert desk.label(before) == told
    assert desk.last(before) == last


def test_a_label_given_too_early_does_not_count_as_the_roll_back(desk: Desk) -> None:
    """Who labelled it before Undo reports the roll-back with the same word again; other words report nothing."""
    approval = desk.approved("undoable")
    desk.claim(approval)
    desk.report(approval)
    desk.label(approval)
    undo.undo(desk.world, desk.tap(approval, "U0BOB"))
    assert desk.label(approval, "incident").roll_back_owed
    assert not desk.label(approval).roll_back_owed
    assert [line["event"] for line in desk.trail(approval)].count("labelled") == 3


@on_postgresql
def test_of_two_reports_of_a_roll_back_one_counts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same report a moment later finds it done: one row, one move, and the answer is what is."""
    before = undone(desk, claimed=True)
    first(monkeypatch, lambda: desk.label(before))
    assert desk.label(before) == load(desk.database, before)
    noted = [line for line in desk.trail(before) if line["event"] == "labelled"]
    assert [line["moved"] for line in noted] == [True]
    assert desk.database.snapshot(verification.verify).told == []


def test_whoever_it_was_asked_for_sees_how_it_ends(desk: Desk) -> None:
    """The message that told them the decision is drawn again once it is done."""
    approval = desk.ask(on_behalf_of="alice@example.com")
    decide.approve(desk.world, desk.tap(approval, "U0BOB"))
    theirs = outbox.c.channel == "U0ALICE"
    desk.database.run(
        lambda unit: unit.execute(update(outbox).where(theirs).values(shown=outbox.c.wanted, next_at=None))
    )
    due = select(outbox.c.next_at).where(theirs)
    desk.claim(approval)
    assert desk.database.read(lambda unit: unit.execute(due).scalar_one()) is None
    desk.report(approval)
    assert desk.database.read(lambda unit: unit.execute(due).scalar_one()) is not None


@on_postgresql
def test_a_roll_back_that_comes_second_looks_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of the roll-back that the result overtook is kept all the same, and the result too."""
    approval = desk.approved("undoable")
    desk.claim(approval)
    undo.undo(desk.world, desk.tap(approval, "U0BOB"))
    first(monkeypatch, lambda: desk.report(approval))
    assert desk.label(approval).state is State.SUCCEEDED
    found = load(desk.database, approval)
    assert (found.state, found.roll_back_owed) == (State.SUCCEEDED, False)
    assert found.clock == deadlines.Clock()


def test_the_card_is_drawn_again_when_it_was_shown(desk: Desk) -> None:
    """A roll-back keeps the version, and its card is drawn anew although it shows that version already."""
    before = undone(desk, claimed=True)
    shown = update(outbox).where(outbox.c.approval_id == before.id, outbox.c.kind == "card")
    desk.database.run(lambda unit: unit.execute(shown.values(shown=outbox.c.wanted, next_at=None)))
    desk.label(before)
    query = select(outbox.c.next_at).where(outbox.c.approval_id == before.id, outbox.c.kind == "card")
    assert desk.database.read(lambda unit: unit.execute(query).scalar_one()) is not None
