"""Finding the person who is asked: qualified, available, least loaded (E1-E3)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from bot.world import World
from policies.approval import Approval
from policies.assignment import Candidate, Choice, choose_reviewer, least_loaded
from policies.errors import NobodyCanDecide
from policies.manifest import Policy
from policies.quorum import fillable, roles_needed
from policies.request import Request
from store import approvals
from store.unit import Unit


def require_somebody(world: World, policy: Policy, request: Request, roles: Sequence[str]) -> None:
    """Raise NobodyCanDecide, naming the role, where nobody could ever decide this (E2)."""
    seats = roles_needed(policy.approvers, roles[0])
    any_of = list(dict.fromkeys([*roles, *seats]))
    people: dict[str, set[str]] = {}
    for role in any_of:
        for user in world.directory.could_decide(world.book.roster, role, request.on_behalf_of):
            people.setdefault(user, set()).add(role)
    if not fillable(policy.approvers, people, any_of):
        lacking = next((role for role in seats if not any(role in held for held in people.values())), roles[0])
        raise NobodyCanDecide(role=lacking, field="action")


def first_reviewer(world: World, unit: Unit, request: Request, roles: Sequence[str]) -> tuple[Choice | None, bool]:
    """Who is asked first, and whether they are available: where nobody is, the least loaded is named all the same."""
    candidates = _candidates(world, unit, request, roles)
    choice = choose_reviewer(roles, candidates)
    if choice is not None:
        return choice, True
    staffed = next((role for role in roles if candidates[role]), None)
    return (least_loaded(staffed, candidates[staffed]) if staffed else None), False


def next_reviewer(world: World, unit: Unit, approval: Approval, roles: Sequence[str]) -> Choice | None:
    """Who is asked next: nobody twice, each other available person of the role, then the next role (E3)."""
    already: Collection[str] = {*approval.asked, *(vote.user for vote in approval.votes)}
    return choose_reviewer(roles, _candidates(world, unit, approval.request, roles), already)


def roles_ahead(policy: Policy, role: str | None) -> list[str]:
    """The present role and those that follow it on the escalation path."""
    path = [policy.role, *policy.escalation_path]
    return path[path.index(role) :] if role in path else path


def _candidates(world: World, unit: Unit, request: Request, roles: Sequence[str]) -> dict[str, list[Candidate]]:
    by_role = {role: world.directory.could_decide(world.book.roster, role, request.on_behalf_of) for role in roles}
    loads = approvals.loads(unit, {user for users in by_role.values() for user in users})
    return {
        role: [approvals.candidate(user, loads[user], _absent(world, user, loads[user], unit.now)) for user in users]
        for role, users in by_role.items()
    }


def _absent(world: World, user: str, load: approvals.Load, now: datetime) -> str | None:
    person = world.book.roster.person(user)
    if load.away:
        return f"away until {load.away_until:%d %b %H:%M} UTC" if load.away_until else "away"
    if not world.book.roster.working(user, now):
        return "outside working hours"
    if person.max_open is not None and load.open >= person.max_open:
        return f"at capacity with {load.open} open"
    return None
