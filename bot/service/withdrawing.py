"""What is open is withdrawn: by its agent, or because somebody ended what it rests on."""

from __future__ import annotations

from bot.service.advance import Overtaken, advance
from bot.service.context import Context
from policies import deadlines
from policies.approval import Approval, Decided, Decision
from policies.frozen_values import replace
from policies.lifecycle import State, Verb, transition
from store import approvals
from store.unit import Unit


def withdraw(ctx: Context, approval: Approval, by: str, note: str) -> Approval:
    """The approval withdrawn by `by`, or as it is when it was withdrawn already; raises Settled."""
    if approval.state is State.CANCELLED:
        return approval
    outcome = transition(approval.state, Verb.CANCEL, ctx.now, approval.deadlines)
    latency = approvals.latency_ms(approval, ctx.now)
    ended = replace(
        approval,
        state=outcome.state,
        clock=deadlines.Clock(),
        info_request=None,
        decision=Decision(kind=Decided.CANCELLED, by=by, at=ctx.now, note=note, latency_ms=latency),
    )
    try:
        return advance(ctx, approval, ended, outcome.event, by, rationale=note, latency_ms=latency)
    except Overtaken:
        return withdraw(ctx, as_it_is(ctx.unit, approval), by, note)


def as_it_is(unit: Unit, approval: Approval) -> Approval:
    """The same approval as the database has it now."""
    found = approvals.load(unit, approval.id)
    assert found is not None, "approvals are never deleted"
    return found
