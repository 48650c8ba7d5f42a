"""Undo: after the fact, within its window, a person asks for what was allowed to be taken back (docs/rules.md: A14)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bot.service import notices, resubmission
from bot.service.advance import Draft, Saving, advance, until_settled
from bot.service.authorization import Lost, Outdated, Tap, authorise, check_note, record_refusal
from bot.service.context import Context, World
from policies import deadlines
from policies.approval import Approval, Decided, Decision, Undo
from policies.errors import NotAllowed, NotFound, Settled, Stale
from policies.frozen_values import replace
from policies.lifecycle import State, Verb, transition
from policies.messages import Notice
from store import approvals
from store.unit import Unit


class NotUndoable(Lost):
    """This cannot be undone here any more."""


def load_to_undo(world: World, tap: Tap) -> Approval:
    """The approval for somebody who wants to undo it; raises NotFound, NotAllowed, NotUndoable and Outdated."""

    def work(unit: Unit) -> Approval:
        approval = _asked_about(unit, tap)
        _require_offered(unit, approval, tap)
        return approval

    return _refusals_recorded(world, tap, lambda: world.database.read(work))


def undo(world: World, tap: Tap) -> Approval:
    """Ask for it to be undone: what was not claimed never runs, what was is for the agent to roll back.

    Once: the first who asks is kept with their note; their own second tap changes nothing. Raises as `load_to_undo` does.
    """
    check_note(tap)

    def once(_look: int) -> Approval:
        return world.run(lambda ctx: _undone(ctx, tap))

    return _refusals_recorded(world, tap, lambda: until_settled(once))


def _undone(ctx: Context, tap: Tap) -> Approval:
    approval = _asked_about(ctx.unit, tap)
    if approval.undo is not None and approval.undo.by == tap.actor.user:
        return approval
    _require_offered(ctx.unit, approval, tap)
    outcome = transition(approval.state, Verb.UNDO, ctx.now, approval.deadlines)
    after = replace(
        _taken_back(ctx.unit, approval, tap) if outcome.state is State.CANCELLED else _to_roll_back(ctx.unit, approval),
        state=outcome.state,
        undo=Undo(tap.actor.user, ctx.now, _note(tap)),
    )
    told_of = partial(resubmission.tell_others, by=tap.actor.user)
    return advance(
        ctx,
        approval,
        Draft(after, (told_of, notices.in_thread(Notice.UNDONE))),
        outcome.event,
        tap.actor.user,
        Saving.WITHIN_WINDOW,
        decision=after.state.value,
        rationale=_note(tap),
        latency_ms=approvals.latency_ms(approval, ctx.now),
        extra={"team": tap.actor.team},
    )


def _taken_back(unit: Unit, approval: Approval, tap: Tap) -> Approval:
    """Nothing ran yet: it is withdrawn, and can never be claimed."""
    latency = approvals.latency_ms(approval, unit.now)
    decision = Decision(Decided.CANCELLED, tap.actor.user, unit.now, note=_note(tap), latency_ms=latency)
    return replace(approval, decision=decision, clock=deadlines.Clock())


def _to_roll_back(unit: Unit, approval: Approval) -> Approval:
    """It runs or ran: the agent has as long as an execution may take to report that it rolled back."""
    return replace(approval, clock=deadlines.undone(approval.clock, unit.now, approval.policy.execution_seconds))


def _asked_about(unit: Unit, tap: Tap) -> Approval:
    approval = approvals.load(unit, tap.approval_id)
    if approval is None:
        raise NotFound()
    authorise(approval, tap.actor)
    return approval


def _require_offered(unit: Unit, approval: Approval, tap: Tap) -> None:
    until = approval.clock.undo_until
    if approval.undo is not None or until is None or unit.now >= until:
        raise NotUndoable(approval)
    if tap.digest != approval.digest:
        raise Outdated(approval)


def _refusals_recorded(world: World, tap: Tap, work: Callable[[], Approval]) -> Approval:
    try:
        return work()
    except (NotAllowed, Settled, Stale) as error:
        record_refusal(world, tap, Verb.UNDO, str(error))
        raise


def _note(tap: Tap) -> str | None:
    return tap.note.strip() if tap.note and tap.note.strip() else None
