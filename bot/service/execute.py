"""The agent's side of a decided approval: claim once, report once, answer, cancel, label (docs/rules.md: I8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bot.service import authority, demotion, integrity, labels, notices, review, staffing
from bot.service.context import World
from bot.service.waking import wake
from policies import deadlines
from policies.approval import Approval, Decision
from policies.digest import fingerprint
from policies.errors import (
    InvalidInput,
    NotClaimable,
    NotFound,
    OutcomeConflict,
    Settled,
    Stopped,
    Tampered,
    TooLate,
    UndoneMeanwhile,
    WrongNonce,
)
from policies.lifecycle import State, Verb, transition
from store import approvals, evidence, outbox, sessions
from store.agents import Agent
from store.audit import Entry, entry_of
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to run exactly this, once. `idempotency_key` is for the executor's own downstream calls."""

    approval: Approval
    claim_expires_at: datetime

    @property
    def idempotency_key(self) -> str:
        """The same for every try of this one execution."""
        return f"sayso-{self.approval.id}-{self.approval.digest[:16]}"


def own(unit: Unit, agent: Agent, approval_id: str) -> Approval:
    """The agent's own approval; raises NotFound, also for another agent's."""
    approval = approvals.load(unit, approval_id, agent_id=agent.id)
    if approval is None:
        raise NotFound()
    return approval


def _any(unit: Unit, approval_id: str) -> Approval:
    """Anybody's approval; raises NotFound."""
    approval = approvals.load(unit, approval_id)
    if approval is None:
        raise NotFound()
    return approval


def claim(world: World, agent: Agent, approval_id: str, nonce: str) -> Grant:
    """The single-use grant; the same nonce gets the same grant again.

    Raises NotClaimable, UndoneMeanwhile, WrongNonce, TooLate, Stopped while a person holds executions, what
    `authority.require_still` raises where the agent may no longer act, and Tampered where the row is not what the trail
    recorded: what is run must be what was approved.
    """
    try:
        return world.database.run(lambda unit: _claim(world, unit, agent, approval_id, nonce))
    except Tampered as error:
        integrity.tell(world, approval_id, f"agent:{agent.name}", Verb.CLAIM, error)
        raise


def _claim(world: World, unit: Unit, agent: Agent, approval_id: str, nonce: str) -> Grant:
    approval = own(unit, agent, approval_id)
    authority.require_still(world, unit, agent, approval)
    hashed = fingerprint(nonce)
    if approval.undo is not None and approval.state in (State.CANCELLED, State.CLAIMED):
        raise UndoneMeanwhile(state=approval.state.value)
    if approval.state is State.CLAIMED:
        if approval.nonce_hash != hashed:
            raise WrongNonce()
        return _grant(approval) if evidence.holds(unit, approval) else _claim(world, unit, agent, approval_id, nonce)
    if approval.state is State.EXPIRED:
        raise TooLate(state=approval.state.value)
    outcome = transition(approval.state, Verb.CLAIM, unit.now, approval.deadlines)
    if not evidence.holds(unit, approval):
        return _claim(world, unit, agent, approval_id, nonce)
    _require_running(unit, approval)
    assert approval.policy is not None
    claimed = replace(
        approval,
        state=outcome.state,
        version=approval.version + 1,
        updated_at=unit.now,
        claimed_at=unit.now,
        nonce_hash=hashed,
        clock=deadlines.claimed(unit.now, approval.policy.execution_seconds, approval.undo_seconds),
    )
    if not approvals.save(unit, approval, claimed):
        return _claim(world, unit, agent, approval_id, nonce)  # somebody was first: perhaps this very nonce
    _moved(world, unit, claimed, entry_of(claimed, outcome.event, unit.now, f"agent:{agent.name}"))
    return _grant(claimed)


def _grant(approval: Approval) -> Grant:
    assert approval.clock.claim_by is not None
    return Grant(approval, approval.clock.claim_by)


def _require_running(unit: Unit, approval: Approval) -> None:
    by = sessions.stopped_by(unit)
    if by is not None:
        raise Stopped(reason=f"{by} stopped everything")
    session_id = approval.request.session_id
    session = sessions.get(unit, approval.agent_id, session_id) if session_id else None
    if session is not None and session.state != "running":
        raise Stopped(reason=f"{session.by} set session {session.id} to {session.state}")
    by = approvals.taken_over_by(unit, approval.agent_id, session_id) if session_id else None
    if by is not None:
        raise Stopped(reason=f"{by} took over in session {session_id}, which only reads until it is handed back")


def result(world: World, agent: Agent, approval_id: str, nonce: str, outcome: str, detail: str | None) -> Approval:
    """What happened; the same report again is no error. Raises WrongNonce, OutcomeConflict, Settled, NotClaimable."""
    return world.database.run(lambda unit: _result(world, unit, agent, approval_id, nonce, outcome, detail))


_OUTCOMES = {"succeeded": Verb.SUCCEED, "failed": Verb.FAIL}


def _result(
    world: World, unit: Unit, agent: Agent, approval_id: str, nonce: str, outcome: str, detail: str | None
) -> Approval:
    approval = own(unit, agent, approval_id)
    if approval.nonce_hash is None:
        raise NotClaimable("Nothing was claimed, so there is no result to report")
    if approval.nonce_hash != fingerprint(nonce):
        raise WrongNonce()
    if approval.state in (State.SUCCEEDED, State.FAILED):
        if approval.state.value != outcome:
            raise OutcomeConflict()
        return approval
    moved = transition(approval.state, _OUTCOMES[outcome], unit.now, approval.deadlines)
    finished = replace(
        approval,
        state=moved.state,
        version=approval.version + 1,
        updated_at=unit.now,
        outcome_detail=detail,
        clock=deadlines.finished(approval.clock, unit.now, approval.undo_seconds if outcome == "succeeded" else 0),
    )
    finished = review.opened(world, unit, finished)
    if not approvals.save(unit, approval, finished):
        return _result(world, unit, agent, approval_id, nonce, outcome, detail)  # somebody was first: look again
    actor, extra = f"agent:{agent.name}", demotion.after_result(world, unit, finished)
    entry = entry_of(finished, moved.event, unit.now, actor, decision=outcome, rationale=detail, extra=extra)
    _moved(world, unit, finished, entry)
    return finished


def cancel(world: World, agent: Agent, approval_id: str) -> Approval:
    """The agent no longer needs it; cancelling again is no error. Raises Settled where it is too late for that."""

    def work(unit: Unit) -> Approval:
        approval = own(unit, agent, approval_id)
        return cancelled(world, unit, approval, f"agent:{agent.name}", "The agent no longer needs it.")

    return world.database.run(work)


def cancelled(world: World, unit: Unit, approval: Approval, by: str, note: str) -> Approval:
    """The approval withdrawn by `by`, or as it is when it was withdrawn already; raises Settled."""
    if approval.state is State.CANCELLED:
        return approval
    outcome = transition(approval.state, Verb.CANCEL, unit.now, approval.deadlines)
    latency = approvals.latency_ms(approval, unit.now)
    ended = replace(
        approval,
        state=outcome.state,
        version=approval.version + 1,
        updated_at=unit.now,
        clock=deadlines.Clock(),
        info_request=None,
        decision=Decision(kind="cancelled", by=by, at=unit.now, note=note, latency_ms=latency),
    )
    if not approvals.save(unit, approval, ended):
        return cancelled(world, unit, _as_it_is(unit, approval), by, note)
    _moved(world, unit, ended, entry_of(ended, outcome.event, unit.now, by, rationale=note, latency_ms=latency))
    return ended


def _as_it_is(unit: Unit, approval: Approval) -> Approval:
    found = approvals.load(unit, approval.id)
    assert found is not None, "approvals are never deleted"
    return found


def answer_info(world: World, agent: Agent, approval_id: str, text: str) -> Approval:
    """The agent answers a reviewer's question; the clock goes on. Raises Settled where nothing was asked."""

    def work(unit: Unit) -> Approval:
        approval = own(unit, agent, approval_id)
        outcome = transition(approval.state, Verb.ANSWER_INFO, unit.now, approval.deadlines)
        if approval.info_request is None:
            raise Settled("Nobody is waiting for an answer")
        assert approval.policy is not None
        answered = replace(
            approval,
            version=approval.version + 1,
            updated_at=unit.now,
            info_request=None,
            exchange=(*approval.exchange, (approval.info_request.text, text)),
            clock=deadlines.resumed(
                approval.clock, unit.now, staffing.sla_hours(world, approval.policy, approval.assignee)
            ),
        )
        answered = staffing.hushed(world, answered, staffing.quiet_until(world, unit, answered))
        if not approvals.save(unit, approval, answered):
            return work(unit)
        notices.in_thread(unit, answered, "info_answered", asked_by=approval.info_request.by)
        _moved(
            world, unit, answered, entry_of(answered, outcome.event, unit.now, f"agent:{agent.name}", rationale=text)
        )
        return answered

    return world.database.run(work)


def label(world: World, agent: Agent, approval_id: str, word: str, detail: str | None) -> Approval:
    """Later truth about an outcome (docs/rules.md: F2); the same label again is no error.

    An agent labels its own, and its own labels are kept apart; a token that was made to label does it for any. `reverted`
    also reports that what a person undid is rolled back: then the card says so.
    """

    def work(unit: Unit) -> Approval:
        approval = _any(unit, approval_id) if agent.labels else own(unit, agent, approval_id)
        by = labels.said_by(agent, approval)
        owed = word == "reverted" and not agent.labels and approval.roll_back_owed
        kept = labels.keep(unit, approval, word, by, detail)
        rolled_back = _rolled_back(world, unit, approval, detail) if owed else None
        told = rolled_back or (_as_it_is(unit, approval) if owed else approval)
        if not kept and rolled_back is None:
            return told
        extra = {"moved": True} if rolled_back else {}
        extra |= demotion.after_label(world, unit, told, word)
        unit.record(entry_of(told, "labelled", unit.now, by, decision=word, rationale=detail, extra=extra))
        return told

    return world.database.run(work)


def _rolled_back(world: World, unit: Unit, approval: Approval, detail: str | None) -> Approval | None:
    """The approval with its roll-back reported; None where that was reported meanwhile."""
    if approval.undo is None or not approval.roll_back_owed:
        return None
    undo = replace(approval.undo, reverted_at=unit.now, reverted_detail=detail)
    clock = replace(approval.clock, roll_back_by=None)
    told = replace(approval, undo=undo, clock=clock, version=approval.version + 1, updated_at=unit.now)
    if not approvals.save(unit, approval, told):
        return _rolled_back(world, unit, _as_it_is(unit, approval), detail)
    outbox.refresh(unit, told.id, told.version)
    notices.in_thread(unit, told, "reverted")
    unit.after_commit(lambda: wake(world, told))
    return told


def _moved(world: World, unit: Unit, approval: Approval, entry: Entry) -> None:
    notices.outcome(world, unit, approval)
    outbox.refresh(unit, approval.id, approval.version)
    unit.record(entry)
    unit.after_commit(lambda: wake(world, approval))


def check_nonce(nonce: object) -> str:
    """A nonce as it must be: 8 to 200 characters of text."""
    if not isinstance(nonce, str) or not 8 <= len(nonce) <= 200:
        raise InvalidInput("must be 8 to 200 characters of text", field="nonce")
    return nonce
