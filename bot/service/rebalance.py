"""Dealing open cards out anew after a role changed: by hand, by an admin, and never to whoever had the card before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.service import staffing
from bot.service.advance import Saving, advance
from bot.service.authorization import require_admin
from bot.service.context import Context, World
from bot.service.reassignment import moved_to
from policies.approval import Approval
from policies.assignment import Choice
from policies.frozen_values import replace
from policies.lifecycle import Verb, transition
from policies.permissions import Actor
from store import approvals, turns

MOST = 1000  # cards looked at in one go, those with the most time left first


@dataclass(frozen=True, slots=True)
class Dealt:
    """What was, or would be, moved: why, how often; to whom; and how many cards nobody could take."""

    reasons: Counter[str]
    receivers: Counter[str]
    stuck: int

    @property
    def total(self) -> int:
        """How many cards."""
        return sum(self.reasons.values())


def rebalance(world: World, actor: Actor, *, really: bool) -> Dealt:
    """Move the cards of whoever left the role or is away, and even out loads that differ by two or more.

    Only open cards whose time is not up. Without `really` nothing moves and the counts are those that would be. Raises
    Refused for whoever is no admin.
    """
    require_admin(actor)
    return world.run(lambda ctx: _dealt(ctx, actor, really))


def _dealt(ctx: Context, actor: Actor, really: bool) -> Dealt:
    turns.take_sweep(ctx.unit)
    found = approvals.movable(ctx.unit, MOST)
    staff = staffing.Staff(ctx)
    moves = [*_moves(found, staff.instead, staff)]
    dealt = Dealt(Counter(), Counter(), sum(not staff.holds(one) for one in found) - sum(move.left for move in moves))
    moved = {move.approval.id for move in moves}
    moves += _moves([one for one in found if one.id not in moved and staff.holds(one)], staff.lighter, staff)
    for move in moves:
        dealt.reasons[move.reason] += 1
        dealt.receivers[move.choice.user] += 1
        if really:
            _move(ctx, actor, move)
    return dealt


@dataclass(frozen=True, slots=True)
class _Move:
    approval: Approval
    choice: Choice
    reason: str

    @property
    def left(self) -> bool:
        return self.reason == "left"


def _moves(
    found: list[Approval], choose: Callable[[Approval], Choice | None], staff: staffing.Staff
) -> Iterator[_Move]:
    for approval in found:
        choice = choose(approval)
        if choice is None:
            continue
        holds = staff.holds(approval)
        why = "redistributed" if holds else f"the previous reviewer no longer holds {approval.role}"
        reason = "left" if not holds else "away" if staff.is_away(approval.assignee) else "load"
        staff.moved(approval.assignee, choice.user)
        yield _Move(approval, replace(choice, why=f"{choice.why}; {why}"), reason)


def _move(ctx: Context, actor: Actor, move: _Move) -> None:
    approval, choice = move.approval, move.choice
    outcome = transition(approval.state, Verb.REASSIGN, ctx.now, approval.deadlines)
    moved = moved_to(ctx, approval, choice)
    advance(
        ctx, approval, moved, outcome.event, actor.user, Saving.TOGETHER, decision=choice.user, rationale=choice.why
    )
