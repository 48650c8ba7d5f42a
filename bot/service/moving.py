"""An approval goes to another reviewer."""

from __future__ import annotations

from dataclasses import replace

from bot.service import notices, showing, staffing
from bot.world import World
from policies import deadlines
from policies.approval import Approval
from policies.assignment import Choice
from store.unit import Unit


def reassigned(
    world: World, unit: Unit, approval: Approval, roles: list[str], staff: staffing.Staff, because: str = ""
) -> Approval:
    """The approval with its next reviewer, told by a new card; where nobody is left, operations hear of it (E3).

    Where those who are left are only not there now, they are looked for again when they are back. The caller saves it:
    the version here is the one before.
    """
    choice = staff.next(approval, roles) if roles else None
    if choice is not None:
        why = f"{choice.why}; {because}" if because else choice.why
        staff.moved(approval.assignee, choice.user)
        return moved_to(world, unit, approval, replace(choice, why=why))
    again = staff.soonest(approval, roles) if roles else None
    clock, now, since = approval.clock, unit.now, approval.created_at
    after = deadlines.asked_again(clock, again, now, since) if again else deadlines.exhausted(clock, now, since)
    left = replace(approval, clock=after)
    notices.nobody_left(world, unit, left)
    return left


def moved_to(world: World, unit: Unit, approval: Approval, choice: Choice) -> Approval:
    """The approval on somebody else's desk, with a fresh SLA: a new card for them, and the old one says where it went."""
    moved = replace(
        approval,
        assignee=choice.user,
        role=choice.role,
        reached_roles=tuple(dict.fromkeys([*approval.reached_roles, *choice.passed_roles])),
        asked=(*approval.asked, choice.user),
        assigned_why=choice.why,
    )
    moved = staffing.handed(world, unit, replace(moved, clock=staffing.fresh_sla(world, unit, moved)))
    showing.next_card(unit, replace(moved, version=approval.version + 1))
    return moved
