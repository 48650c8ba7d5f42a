"""A quorum moves on: whoever can still add what is missing holds the turn, each role of a quorum by role at once (docs/rules.md: E5)."""

from __future__ import annotations

from collections.abc import Sequence

from bot.service import ballots, notices, shortage, staffing
from bot.service.advance import Draft
from bot.service.ballots import Standing
from bot.service.context import Context, World
from policies import deadlines
from policies.approval import Approval, Seat
from policies.assignment import Choice
from policies.frozen_values import replace
from policies.messages import Notice


def beside(ctx: Context, approval: Approval, staff: staffing.Staff) -> Approval:
    """A new request with everybody who is asked beside its assignee: somebody of each further role of its quorum."""
    standing = ballots.standing(ctx.world, approval, [])
    seats: list[Seat] = []
    for role in standing.tally.unfilled:
        if role != approval.role:
            choice, _ = staff.adding(approval, [role], standing, [*approval.asked, *(seat.user for seat in seats)])
            seats += [staffing.seated(ctx, approval, choice)] if choice else []
    return replace(approval, seats=tuple(seats), asked=(*approval.asked, *(seat.user for seat in seats)))


def reseated(
    ctx: Context, approval: Approval, because: str, *, role: str | None = None, changed: bool = False
) -> Draft:
    """The approval after a yes that did not settle it: asked are those who can add what is missing, and who is new is told.

    Nobody who said yes is asked any more; where nobody can add anything, operations hear of it. `role` is where to
    look first, the assignee's own unless given; where the request `changed`, whoever is still asked is told too.
    """
    staff = staffing.Staff(ctx)
    ahead = staffing.roles_ahead(approval.policy, role or approval.role)
    standing = ballots.standing(ctx.world, approval, ahead)
    kept = _still_asked(ctx.world, approval, standing)
    chosen, available = _chosen(approval, staff, standing, ahead=ahead, kept=kept)
    moved = _turned(ctx, approval, kept, chosen=chosen, because=because, changed=changed)
    if chosen and not available and not moved.approval.heard_in_time:
        notices.nobody_available(ctx, moved.approval)
    return replace(moved, approval=shortage.marked(ctx, moved.approval))


def _still_asked(world: World, approval: Approval, standing: Standing) -> list[Seat]:
    """Who is asked already and can still add what is missing, the assignee first."""
    own = [Seat(approval.role, approval.assignee, approval.named)] if approval.role and approval.assignee else []
    wanted = standing.tally.unfilled
    return [
        seat
        for seat in [*own, *approval.seats]
        if standing.adds(ballots.person_of(world, seat.user)) and (not wanted or seat.role in wanted)
    ]


def _chosen(
    approval: Approval, staff: staffing.Staff, standing: Standing, *, ahead: Sequence[str], kept: Sequence[Seat]
) -> tuple[list[Choice], bool]:
    """Who is asked besides: one of each role that lacks somebody, or the next who will do; and whether all of them are there."""
    roles = [[role] for role in standing.tally.unfilled if role not in {seat.role for seat in kept}]
    if not standing.tally.unfilled:
        roles = [] if kept else [list(ahead)]
    chosen: list[Choice] = []
    everybody = True
    for wanted in roles:
        holders = [*(seat.user for seat in kept), *(choice.user for choice in chosen)]
        choice, there = staff.adding(approval, wanted, standing, holders)
        if choice is not None:
            chosen.append(choice)
            everybody = everybody and there
    return chosen, everybody


def _turned(
    ctx: Context,
    approval: Approval,
    kept: Sequence[Seat],
    *,
    chosen: Sequence[Choice],
    because: str,
    changed: bool,
) -> Draft:
    """The approval on the desks of those who were kept and chosen; the first holds the turn, with a fresh SLA if it is new."""
    fresh = {choice.user: choice for choice in chosen}
    after = replace(
        approval,
        asked=(*approval.asked, *fresh),
        reached_roles=tuple(
            dict.fromkeys([*approval.reached_roles, *(role for choice in chosen for role in choice.passed_roles)])
        ),
    )
    first = kept[0] if kept else None
    if first is not None and first.user == approval.assignee:
        seats = [*kept[1:], *(staffing.seated(ctx, after, choice) for choice in chosen)]
        new = [seat for seat in [first, *seats] if changed or seat.user in fresh]
        return _told(replace(after, seats=tuple(seats)), new)
    if first is None and not chosen:
        clock = deadlines.exhausted(approval.clock, ctx.now, approval.created_at)
        return Draft(replace(after, assignee=None, assigned_why=None, named=None, seats=(), clock=clock))
    lead = Choice(first.user, first.role, f"{first.role}, asked from the start") if first else chosen[0]
    after = replace(after, assignee=lead.user, role=lead.role, assigned_why=f"{lead.why}; {because}", named=None)
    after = replace(after, clock=staffing.fresh_sla(ctx, after))
    after = staffing.handed(ctx, after)
    others = [staffing.seated(ctx, after, choice) for choice in (chosen if first else chosen[1:])]
    after = replace(after, seats=(*kept[1:], *others))
    new = [] if after.hushed else [Seat(lead.role, lead.user)]
    return _told(after, [*new, *others])


def _told(approval: Approval, new: Sequence[Seat]) -> Draft:
    """With a line under the card that mentions whoever is asked now; who must not be notified hears of it later."""
    whom = [seat.user for seat in new if seat.named is None]
    return Draft(approval, (notices.in_thread(Notice.ASKED, whom=whom),) if whom else ())
