"""Whose yes counts today, and what it adds up to: asked again at every vote, since people leave roles and workspaces."""

from __future__ import annotations

from collections.abc import Iterable

from bot.world import World
from policies.approval import Approval, Meant, Vote
from policies.permissions import Actor
from policies.principals import by_person
from policies.quorum import Tally


def tally(world: World, approval: Approval, meant: Meant = (None, None), actor: Actor | None = None) -> Tally:
    """Every person who said yes to the same thing and may still decide; `actor` says so right now."""
    assert approval.policy is not None
    may = deciders(world, approval)
    yes = {vote.user: may[vote.user] for vote in saying(approval.votes, meant) if vote.user in may}
    if actor is not None:
        yes[actor.user] = actor.roles
    last = approval.edits[-1] if approval.edits else None
    return Tally(
        approvers=approval.policy.approvers,
        any_of=frozenset(approval.roles_that_decide),
        yes=by_person(world.directory.register(world.book.roster), yes),
        proposer=person_of(world, last.by) if last and not last.alone else None,
    )


def saying(votes: Iterable[Vote], meant: Meant) -> list[Vote]:
    """The votes that are a yes to this very choice or answer."""
    return [vote for vote in votes if vote.meant == meant]


def deciders(world: World, approval: Approval, *more_roles: str) -> dict[str, frozenset[str]]:
    """Every account that may decide it as it stands, with the roles by which it may; `more_roles` could be reached yet."""
    held: dict[str, set[str]] = {}
    for role in dict.fromkeys([*approval.roles_that_decide, *more_roles]):
        for user in world.directory.could_decide(world.book.roster, role, approval.principals):
            held.setdefault(user, set()).add(role)
    return {user: frozenset(roles) for user, roles in held.items()}


def person_of(world: World, user: str) -> str:
    """The person behind an account."""
    return world.directory.register(world.book.roster).of(user).name
