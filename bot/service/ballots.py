"""Whose yes counts today, and what it adds up to: asked again at every vote, since people leave roles and workspaces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.service.context import World
from policies.approval import Approval, Meant, Vote
from policies.permissions import Actor
from policies.principals import by_person
from policies.quorum import Held, Tally


def tally(world: World, approval: Approval, meant: Meant = (None, None), actor: Actor | None = None) -> Tally:
    """Every person who said yes to the same thing and may still decide; `actor` says so right now."""
    may = deciders(world, approval, approval.roles_that_decide)
    yes = {vote.user: may[vote.user] for vote in saying(approval.votes, meant) if vote.user in may}
    if actor is not None:
        yes[actor.user] = actor.roles
    return _tally(world, approval, approval.roles_that_decide, yes)


def saying(votes: Iterable[Vote], meant: Meant) -> list[Vote]:
    """The votes that are a yes to this very choice or answer."""
    return [vote for vote in votes if vote.meant == meant]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a request has come: `tally` is of those who agree most, `voted` everybody who said yes to anything, and
    `people` everybody who may decide it or could be reached, with their roles."""

    tally: Tally
    voted: frozenset[str]
    people: Held

    def adds(self, person: str) -> bool:
        """Whether this person could bring it nearer, and has not said yes already."""
        return person not in self.voted and self.tally.adds(person, self.people.get(person, frozenset()))

    @property
    def hopeless(self) -> Tally | None:
        """What would still be missing if everybody who can decide said yes to one thing; None where nothing would."""
        all_of_them = self.tally.with_yes(self.people)
        return None if all_of_them.met else all_of_them

    @property
    def divided(self) -> bool:
        """Whether all have spoken, and only somebody who changes their mind could bring it together."""
        return not self.tally.met and not any(self.adds(person) for person in self.people)


def standing(world: World, approval: Approval, ahead: Sequence[str]) -> Standing:
    """How far it has come, with the roles `ahead` counting as if they were reached."""
    roles = list(dict.fromkeys([*approval.roles_that_decide, *ahead]))
    may = deciders(world, approval, roles)
    groups = dict.fromkeys(vote.meant for vote in approval.votes) or {(None, None): None}
    tallies = [
        _tally(
            world, approval, roles, {one.user: may[one.user] for one in saying(approval.votes, each) if one.user in may}
        )
        for each in groups
    ]
    return Standing(
        tally=min(tallies, key=lambda found: found.missing),
        voted=frozenset(person_of(world, vote.user) for vote in approval.votes),
        people=by_person(world.directory.register(world.book.roster), may),
    )


def _tally(world: World, approval: Approval, roles: Iterable[str], yes: Held) -> Tally:
    last = approval.edits[-1] if approval.edits else None
    return Tally(
        approvers=approval.policy.approvers,
        any_of=frozenset(roles),
        yes=by_person(world.directory.register(world.book.roster), yes),
        proposer=person_of(world, last.by) if last and not last.alone else None,
    )


def deciders(world: World, approval: Approval, roles: Iterable[str]) -> dict[str, frozenset[str]]:
    """Every account that may decide it by one of `roles`, with those by which it may."""
    held: dict[str, set[str]] = {}
    for role in dict.fromkeys(roles):
        for user in world.directory.could_decide(world.book.roster, role, approval.principals):
            held.setdefault(user, set()).add(role)
    return {user: frozenset(roles) for user, roles in held.items()}


def person_of(world: World, user: str) -> str:
    """The person behind an account."""
    return world.directory.register(world.book.roster).of(user).name
