"""The agent's side of a decided approval: one grant, one report, and nothing that is not its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from builders import at_once, load
from desk import ACTIONS, NONCE, OTHER, Desk, first
from sqlalchemy import select, update
from support.files import write_manifest
from support.marks import on_postgresql

from bot.service import decide, execute, standing, undo
from bot.service.sweep import sweep
from policies import deadlines
from policies.approval import Approval
from policies.errors import (
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
from policies.lifecycle import State
from store import agents, approvals, audit, sessions
from store.tables import approvals as rows
from store.tables import outbox
from store.unit import Unit


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


def test_what_was_undone_gives_no_grant(desk: Desk) -> None:
    """Undone before the claim or while it runs, no grant is given any more, not even the same again."""
    never = desk.undone(claimed=False)
    with pytest.raises(UndoneMeanwhile, match="cancelled"):
        desk.claim(never)
    running = desk.approved("undoable")
    desk.claim(running)
    undo.undo(desk.world, desk.tap(running, "U0BOB"))
    for nonce in (NONCE, OTHER):
        with pytest.raises(UndoneMeanwhile, match="claimed"):
            desk.claim(running, nonce)
    assert desk.report(running).clock.roll_back_by is not None


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
