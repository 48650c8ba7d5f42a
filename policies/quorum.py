"""How many people must say yes, and whether they have (docs/rules.md: E5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

Approvers = int | Mapping[str, int]
Held = Mapping[str, Collection[str]]
"""People and the roles that they hold."""


def roles_needed(approvers: Approvers, role: str) -> dict[str, int]:
    """How many distinct people each role must bring."""
    return {role: approvers} if isinstance(approvers, int) else dict(approvers)


def total(approvers: Approvers) -> int:
    """How many distinct people there must be in all."""
    return approvers if isinstance(approvers, int) else sum(approvers.values())


def met(approvers: Approvers, voters: Held, any_of: Collection[str]) -> bool:
    """Whether the `voters` (person to roles held) fill every seat.

    A number is filled by distinct holders of `any_of`. Seats by role are filled so that somebody who holds two roles
    takes whichever seat is left, and never blocks it.
    """
    return missing(approvers, voters, any_of) == 0


def fillable(approvers: Approvers, people: Held, any_of: Collection[str]) -> bool:
    """Whether these people, all voting yes, could ever fill every seat."""
    return met(approvers, people, any_of)


def missing(approvers: Approvers, voters: Held, any_of: Collection[str]) -> int:
    """How many people are still needed."""
    if isinstance(approvers, int):
        return max(0, approvers - len(_counting(voters, any_of)))
    return sum(unfilled(approvers, voters).values())


def unfilled(approvers: Mapping[str, int], voters: Held) -> dict[str, int]:
    """How many people each role still has to bring; roles that are filled are left out."""
    seats = _seats(approvers)
    taken = _seated(seats, voters)
    left: dict[str, int] = {}
    for index, role in enumerate(seats):
        if index not in taken:
            left[role] = left.get(role, 0) + 1
    return left


@dataclass(frozen=True, slots=True)
class Tally:
    """Who said yes to the same thing, and what that is worth: `yes` names distinct people with the roles they hold today.

    `proposer` is who changed it beyond what one person may change alone: then one of the others has to agree.
    """

    approvers: Approvers
    any_of: frozenset[str]
    yes: Held
    proposer: str | None = None

    @property
    def met(self) -> bool:
        """Whether enough distinct people said yes."""
        return self.missing == 0

    @property
    def missing(self) -> int:
        """How many people are still needed."""
        return max(missing(self.approvers, self.yes, self.any_of), 0 if self._confirmed else 1)

    @property
    def unfilled(self) -> dict[str, int]:
        """Roles of a quorum by role that still have to bring somebody; empty where any role will do."""
        return {} if isinstance(self.approvers, int) else unfilled(self.approvers, self.yes)

    @property
    def _confirmed(self) -> bool:
        return self.proposer is None or any(person != self.proposer for person in _counting(self.yes, self.any_of))

    def with_yes(self, people: Held) -> Tally:
        """The same after these people said yes too."""
        return replace(self, yes={**self.yes, **people})

    def adds(self, person: str, roles: Collection[str]) -> bool:
        """Whether a yes of this person would bring it nearer."""
        return person not in self.yes and self.with_yes({person: roles}).missing < self.missing


def _counting(voters: Held, any_of: Collection[str]) -> list[str]:
    return [person for person, roles in voters.items() if set(any_of).intersection(roles)]


def _seats(approvers: Mapping[str, int]) -> list[str]:
    return [role for role, count in approvers.items() for _ in range(count)]


def _seated(seats: Sequence[str], voters: Held) -> dict[int, str]:
    """Who sits where, so that the most seats are filled by distinct people: a maximum matching by augmenting paths."""
    seat_of: dict[int, str] = {}
    for person in voters:
        _seat(person, seats, voters, seat_of=seat_of, tried=set())
    return seat_of


def _seat(person: str, seats: Sequence[str], voters: Held, *, seat_of: dict[int, str], tried: set[int]) -> bool:
    for index, role in enumerate(seats):
        if role not in voters[person] or index in tried:
            continue
        tried.add(index)
        if index not in seat_of or _seat(seat_of[index], seats, voters, seat_of=seat_of, tried=tried):
            seat_of[index] = person
            return True
    return False
