"""The agent's side of a decided approval: claim once, report once, answer, cancel, label (docs/rules.md: I8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.service import activity, authority, demotion, integrity, labelling, notices, review, staffing, standing
from bot.service.advance import Draft, Overtaken, advance, until_settled
from bot.service.context import Context, World
from bot.service.standing import Heard
from bot.service.withdrawing import as_it_is, withdraw
from policies import deadlines
from policies.approval import Approval
from policies.digest import fingerprint
from policies.errors import (
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
from policies.frozen_values import replace
from policies.lifecycle import State, Verb, transition
from policies.messages import Notice
from store import approvals, evidence, labels, sessions
from store.agents import Agent
from store.audit import entry_of
from store.evidence import Witnessed
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
    return activity.meets(approval)


def _any(unit: Unit, approval_id: str) -> Approval:
    """Any agent's approval; raises NotFound. A test of a reviewer is no agent's."""
    approval = approvals.load(unit, approval_id)
    if approval is None or approval.planted is not None:
        raise NotFound()
    return approval


def claim(world: World, agent: Agent, approval_id: str, nonce: str, heard: Heard = None) -> Grant:
    """The single-use grant; the same nonce gets the same grant again.

    Raises NotClaimable, UndoneMeanwhile, WrongNonce, TooLate, Stopped while a person holds executions, what
    `authority.require_still` raises where the agent may no longer act, and Tampered where the row is not what the trail
    recorded: what is run must be what was approved. Of what a standing approval let run: what `standing.require_standing` raises.
    """
    try:
        # Where somebody was first, it was perhaps with this very nonce.
        return until_settled(lambda _: world.run(lambda ctx: _claim(ctx, agent, approval_id, nonce, heard)))
    except Tampered as error:
        integrity.tell(world, approval_id, f"agent:{agent.name}", verb=Verb.CLAIM, error=error)
        raise


def _claim(ctx: Context, agent: Agent, approval_id: str, nonce: str, heard: Heard) -> Grant:
    found = evidence.witnessed(ctx.unit, approval_id, agent_id=agent.id)
    approval = found.approval
    authority.require_still(ctx, agent, approval)
    hashed = fingerprint(nonce)
    if approval.undo is not None and approval.state in (State.CANCELLED, State.CLAIMED):
        raise UndoneMeanwhile(state=approval.state.value)
    if approval.state is State.CLAIMED:
        if approval.nonce_hash != hashed:
            raise WrongNonce()
        _require_as_recorded(ctx.unit, found)
        return _grant(approval)
    if approval.state is State.EXPIRED:
        raise TooLate(state=approval.state.value)
    outcome = transition(approval.state, Verb.CLAIM, ctx.now, approval.deadlines)
    _require_as_recorded(ctx.unit, found)
    _require_running(ctx.unit, approval)
    standing.require_standing(ctx, approval, heard)
    claimed = replace(
        approval,
        state=outcome.state,
        claimed_at=ctx.now,
        nonce_hash=hashed,
        clock=deadlines.claimed(ctx.now, approval.policy.execution_seconds, approval.undo_seconds),
    )
    return _grant(advance(ctx, approval, claimed, outcome.event, f"agent:{agent.name}", put_off=True))


def _require_as_recorded(unit: Unit, found: Witnessed) -> None:
    if not evidence.holds(unit, found):
        raise Overtaken


def _grant(approval: Approval) -> Grant:
    assert approval.clock.claim_by is not None
    return Grant(approval, approval.clock.claim_by)


def _require_running(unit: Unit, approval: Approval) -> None:
    session_id = approval.request.session_id
    held = sessions.hold_of(unit, approval.agent_id, session_id)
    if held.stopped_by is not None:
        raise Stopped(reason=f"{held.stopped_by} stopped everything")
    if held.state not in (None, "running"):
        raise Stopped(reason=f"{held.by} set session {session_id} to {held.state}")
    if held.taken_over_by is not None:
        by = held.taken_over_by
        raise Stopped(reason=f"{by} took over in session {session_id}, which only reads until it is handed back")


def result(world: World, agent: Agent, approval_id: str, *, nonce: str, outcome: str, detail: str | None) -> Approval:
    """What happened; the same report again is no error. Raises WrongNonce, OutcomeConflict, Settled, NotClaimable."""
    return world.run(lambda ctx: _result(ctx, agent, approval_id, nonce=nonce, outcome=outcome, detail=detail))


_OUTCOMES = {"succeeded": Verb.SUCCEED, "failed": Verb.FAIL}


def _result(ctx: Context, agent: Agent, approval_id: str, *, nonce: str, outcome: str, detail: str | None) -> Approval:
    approval = own(ctx.unit, agent, approval_id)
    if approval.nonce_hash is None:
        raise NotClaimable("Nothing was claimed, so there is no result to report")
    if approval.nonce_hash != fingerprint(nonce):
        raise WrongNonce()
    if approval.state in (State.SUCCEEDED, State.FAILED):
        if approval.state.value != outcome:
            raise OutcomeConflict()
        return approval
    moved = transition(approval.state, _OUTCOMES[outcome], ctx.now, approval.deadlines)
    finished = replace(
        approval,
        state=moved.state,
        outcome_detail=detail,
        clock=deadlines.finished(approval.clock, ctx.now, approval.undo_seconds if outcome == "succeeded" else 0),
    )
    try:
        return advance(
            ctx,
            approval,
            review.opened(ctx, finished),
            moved.event,
            f"agent:{agent.name}",
            decision=outcome,
            rationale=detail,
            extra=demotion.after_result,
        )
    except Overtaken:
        return _result(
            ctx, agent, approval_id, nonce=nonce, outcome=outcome, detail=detail
        )  # somebody was first: look again


def cancel(world: World, agent: Agent, approval_id: str) -> Approval:
    """The agent no longer needs it; cancelling again is no error. Raises Settled where it is too late for that."""

    def work(ctx: Context) -> Approval:
        approval = own(ctx.unit, agent, approval_id)
        return withdraw(ctx, approval, f"agent:{agent.name}", "The agent no longer needs it.")

    return world.run(work)


def answer_info(world: World, agent: Agent, approval_id: str, text: str) -> Approval:
    """The agent answers a reviewer's question; the clock goes on. Raises Settled where nothing was asked."""
    return world.run(lambda ctx: _answered(ctx, agent, approval_id, text))


def _answered(ctx: Context, agent: Agent, approval_id: str, text: str) -> Approval:
    approval = own(ctx.unit, agent, approval_id)
    outcome = transition(approval.state, Verb.ANSWER_INFO, ctx.now, approval.deadlines)
    asked = approval.info_request
    if asked is None:
        raise Settled("Nobody is waiting for an answer")
    hours = staffing.sla_hours(ctx.world, approval.policy, approval.assignee)
    answered = replace(
        approval,
        info_request=None,
        exchange=(*approval.exchange, (asked.text, text)),
        clock=deadlines.resumed(approval.clock, ctx.now, hours),
    )
    answered = staffing.hushed(ctx.world, answered, staffing.quiet_until(ctx, answered))
    told = Draft(answered, (notices.in_thread(Notice.INFO_ANSWERED, asked_by=asked.by),))
    try:
        return advance(ctx, approval, told, outcome.event, f"agent:{agent.name}", rationale=text)
    except Overtaken:
        return _answered(ctx, agent, approval_id, text)


def label(world: World, agent: Agent, approval_id: str, *, word: str, detail: str | None) -> Approval:
    """Later truth about an outcome (docs/rules.md: F2); the same label again is no error.

    An agent labels its own, and its own labels are kept apart; a token that was made to label does it for any. What did not
    run cannot be `correct` (NeverRan). `reverted`
    also reports that what a person undid is rolled back: then the card says so.
    """
    return world.run(lambda ctx: _labelled(ctx, agent, approval_id, word=word, detail=detail))


def _labelled(ctx: Context, agent: Agent, approval_id: str, *, word: str, detail: str | None) -> Approval:
    approval = _any(ctx.unit, approval_id) if agent.labels else own(ctx.unit, agent, approval_id)
    labelling.require_possible(approval, word)
    by = labels.said_by(agent, approval)
    owed = word == "reverted" and not agent.labels and approval.roll_back_owed
    kept = labels.keep(ctx.unit, approval, word, by=by, detail=detail)
    if owed:
        rolled_back = _rolled_back(ctx, approval, by, detail)
        if rolled_back is not None:
            return rolled_back
        approval = as_it_is(ctx.unit, approval)
    if kept:
        extra = labelling.followed(ctx, approval, word, by=by, detail=detail)
        ctx.unit.record(entry_of(approval, "labelled", ctx.now, by, decision=word, rationale=detail, extra=extra))
    return approval


def _rolled_back(ctx: Context, approval: Approval, by: str, detail: str | None) -> Approval | None:
    """The approval with its roll-back reported; None where that was reported meanwhile."""
    if approval.undo is None or not approval.roll_back_owed:
        return None
    undo = replace(approval.undo, reverted_at=ctx.now, reverted_detail=detail)
    after = replace(approval, undo=undo, clock=replace(approval.clock, roll_back_by=None))
    told = Draft(after, (notices.in_thread(Notice.REVERTED),))
    extra = {"moved": True}
    try:
        return advance(ctx, approval, told, "labelled", by, decision="reverted", rationale=detail, extra=extra)
    except Overtaken:
        return _rolled_back(ctx, as_it_is(ctx.unit, approval), by, detail)
