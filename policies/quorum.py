"""How many people must say yes, and whether they have (E5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

Approvers = int | Mapping[str, int]


def roles_needed(approvers: Approvers, role: str) -> dict[str, int]:
    """How many distinct people each role must bring."""
    return {role: approvers} if isinstance(approvers, int) else dict(approvers)


def total(approvers: Approvers) -> int:
    """How many distinct people there must be in all."""
    return approvers if isinstance(approvers, int) else sum(approvers.values())


def met(approvers: Approvers, voters: Mapping[str, Collection[str]], any_of: Collection[str]) -> bool:
    """Whether the `voters` (person to roles held) fill every seat.

    A number is filled by distinct holders of `any_of`. Seats by role are filled so that somebody who holds two roles
    takes whichever seat is left, and never blocks it.
    """
    if isinstance(approvers, int):
        return sum(bool(set(any_of).intersection(roles)) for roles in voters.values()) >= approvers
    seats = [role for role, count in approvers.items() for _ in range(count)]
    return _seated(seats, voters) == len(seats)


def fillable(approvers: Approvers, people: Mapping[str, Collection[str]], any_of: Collection[str]) -> bool:
    """Whether these people, all voting yes, could ever fill every seat."""
    return met(approvers, people, any_of)


def missing(approvers: Approvers, voters: Mapping[str, Collection[str]], any_of: Collection[str]) -> int:
    """How many people are still needed."""
    if isinstance(approvers, int):
        yes = sum(bool(set(any_of).intersection(roles)) for roles in voters.values())
        return max(0, approvers - yes)
    seats = [role for role, count in approvers.items() for _ in range(count)]
    return len(seats) - _seated(seats, voters)


def _seated(seats: Sequence[str], voters: Mapping[str, Collection[str]]) -> int:
    """The most seats that distinct people can fill: a maximum matching by augmenting paths."""
    seat_of: dict[int, str] = {}
    return sum(_seat(person, seats, voters, seat_of, set()) for person in voters)


def _seat(
    person: str, seats: Sequence[str], voters: Mapping[str, Collection[str]], seat_of: dict[int, str], tried: set[int]
) -> bool:
    for index, role in enumerate(seats):
        if role not in voters[person] or index in tried:
            continue
        tried.add(index)
        if index not in seat_of or _seat(seat_of[index], seats, voters, seat_of, tried):
            seat_of[index] = person
            return True
    return False
