"""Undo: after the fact, within its window, a person asks for what was allowed to be taken back (docs/rules.md: A14)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.service import notices, resubmission
from bot.service.authorization import Lost, Outdated, Tap, authorise, check_note, record_refusal
from bot.service.context import World
from bot.service.decision_transaction import Overtaken, until_settled
from bot.service.waking import wake
from policies import deadlines
from policies.approval import Approval, Decision, Undo
from policies.errors import NotAllowed, NotFound, Settled, Stale
from policies.lifecycle import State, Verb, transition
from store import approvals, outbox
from store.audit import entry_of
from store.unit import Unit


class NotUndoable(Lost):
    """This cannot be undone here any more."""


def look(world: World, tap: Tap) -> Approval:
    """The approval for somebody who wants to undo it; raises NotFound, NotAllowed, NotUndoable and Outdated."""

    def work(unit: Unit) -> Approval:
        approval = _asked_about(unit, tap)
        _require_offered(unit, approval, tap)
        return approval

    return _refusals_recorded(world, tap, lambda: world.database.read(work))


def undo(world: World, tap: Tap) -> Approval:
    """Ask for it to be undone: what was not claimed never runs, what was is for the agent to roll back.

    Once: the first who asks is kept with their note; their own second tap changes nothing. Raises as `look` does.
    """
    check_note(tap)

    def once(_look: int) -> Approval:
        return world.database.run(lambda unit: _undone(world, unit, tap))

    return _refusals_recorded(world, tap, lambda: until_settled(once))


def _undone(world: World, unit: Unit, tap: Tap) -> Approval:
    approval = _asked_about(unit, tap)
    if approval.undo is not None and approval.undo.by == tap.actor.user:
        return approval
    _require_offered(unit, approval, tap)
    outcome = transition(approval.state, Verb.UNDO, unit.now, approval.deadlines)
    after = replace(
        _taken_back(unit, approval, tap) if outcome.state is State.CANCELLED else _to_roll_back(unit, approval),
        state=outcome.state,
        undo=Undo(tap.actor.user, unit.now, _note(tap)),
        version=approval.version + 1,
        updated_at=unit.now,
    )
    if not approvals.save(unit, approval, after, within_window=True):
        raise Overtaken
    outbox.refresh(unit, after.id, after.version)
    resubmission.settled(world, unit, after, tap.actor.user)
    notices.in_thread(unit, after, "undone")
    notices.outcome(world, unit, after)
    extra = {"team": tap.actor.team}
    unit.record(
        entry_of(
            after,
            outcome.event,
            unit.now,
            tap.actor.user,
            decision=after.state.value,
            rationale=_note(tap),
            latency_ms=approvals.latency_ms(approval, unit.now),
            extra=extra,
        )
    )
    unit.after_commit(lambda: wake(world, after))
    return after


def _taken_back(unit: Unit, approval: Approval, tap: Tap) -> Approval:
    """Nothing ran yet: it is withdrawn, and can never be claimed."""
    latency = approvals.latency_ms(approval, unit.now)
    decision = Decision("cancelled", tap.actor.user, unit.now, note=_note(tap), latency_ms=latency)
    return replace(approval, decision=decision, clock=deadlines.Clock())


def _to_roll_back(unit: Unit, approval: Approval) -> Approval:
    """It runs or ran: the agent has as long as an execution may take to report that it rolled back."""
    assert approval.policy is not None
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
