"""An approval goes to another reviewer."""

from __future__ import annotations

from collections.abc import Callable

from bot.service import notices, showing, staffing
from bot.service.advance import Draft
from bot.service.context import Context
from policies import deadlines
from policies.approval import Approval, Seat
from policies.assignment import Choice
from policies.frozen_values import replace


def reassigned(
    ctx: Context,
    approval: Approval,
    roles: list[str],
    staff: staffing.Staff,
    because: str = "",
    *,
    going: Callable[[Seat], bool] = lambda _: True,
) -> Draft:
    """The approval with its next reviewer, told by a new card; where nobody is left, operations hear of it (docs/rules.md: E3).

    Those who are asked beside the assignee and are `going` make room for the next of their role, where there is one.
    Where those who are left are only not there now, they are looked for again when they are back.
    """
    choice = staff.next(approval, roles) if roles else None
    seats = tuple(_seat_moved(ctx, approval, seat, staff) if going(seat) else seat for seat in approval.seats)
    fresh, approval = seats != approval.seats, replace(approval, seats=seats)
    if choice is None and fresh and approval.assignee is not None and approval.role is not None:
        # Who holds the turn keeps it, for there is nobody else; who was asked beside them has changed.
        same = Choice(approval.assignee, approval.role, approval.assigned_why or approval.role)
        return moved_to(ctx, approval, same)
    if choice is not None:
        why = f"{choice.why}; {because}" if because else choice.why
        staff.moved(approval.assignee, choice.user)
        return moved_to(ctx, approval, replace(choice, why=why))
    again = staff.soonest(approval, roles) if roles else None
    clock, now, since = approval.clock, ctx.now, approval.created_at
    after = deadlines.asked_again(clock, again, now, since) if again else deadlines.exhausted(clock, now, since)
    left = replace(approval, clock=after)
    notices.nobody_left(ctx, left)
    return Draft(left)


def _seat_moved(ctx: Context, approval: Approval, seat: Seat, staff: staffing.Staff) -> Seat:
    """The next of its role for an overdue seat beside the assignee's; the same where nobody is left to ask."""
    choice = staff.instead_of(approval, seat)
    return staffing.seated(ctx, approval, choice) if choice else seat


def moved_to(ctx: Context, approval: Approval, choice: Choice) -> Draft:
    """The approval on somebody else's desk, with a fresh SLA: a new card for them, and the old one says where it went."""
    moved = replace(
        approval,
        assignee=choice.user,
        role=choice.role,
        reached_roles=tuple(dict.fromkeys([*approval.reached_roles, *choice.passed_roles])),
        asked=(
            *approval.asked,
            choice.user,
            *(seat.user for seat in approval.seats if seat.user not in approval.asked),
        ),
        assigned_why=choice.why,
    )
    moved = staffing.handed(ctx, replace(moved, clock=staffing.fresh_sla(ctx, moved)))
    return Draft(moved, (showing.next_card,))
