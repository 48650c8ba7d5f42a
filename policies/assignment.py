"""Who is asked: by role and least open load, and why them (E1-E3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A qualified person: how many approvals wait for them, and whether they can take one more now.

    `absent` says in words why they cannot (away, outside working hours, at capacity); None means available.
    `last_assigned_at` breaks ties fairly: whoever waited longest is next.
    """

    user: str
    open: int = 0
    absent: str | None = None
    last_assigned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is asked, in which role, and the reason as it is stored and shown."""

    user: str
    role: str
    why: str
    passed_roles: tuple[str, ...] = field(default=())


def choose_reviewer(
    roles: Sequence[str], candidates: Mapping[str, Sequence[Candidate]], already: Collection[str] = ()
) -> Choice | None:
    """The next reviewer along `roles`: the first role with somebody available, there the least loaded.

    People in `already` were asked before and are not asked again; None when nobody is left. `passed_roles` are the
    roles reached on the way, the chosen one included.
    """
    notes: list[str] = []
    for index, role in enumerate(roles):
        people = [person for person in candidates.get(role, ()) if person.user not in already]
        free = [person for person in people if person.absent is None]
        if free:
            best = min(free, key=_load_then_patience)
            return Choice(best.user, role, _why(role, best, len(free), notes), tuple(roles[: index + 1]))
        notes.append(_nobody(role, candidates.get(role, ()), already))
    return None


def least_loaded(role: str, candidates: Sequence[Candidate]) -> Choice | None:
    """The least loaded of a role whatever their hours: where nobody is available, somebody is still named."""
    if not candidates:
        return None
    best = min(candidates, key=_load_then_patience)
    absent = f" ({best.absent})" if best.absent else ""
    return Choice(best.user, role, f"{role}, {best.open} open; nobody is available now{absent}", (role,))


def _load_then_patience(person: Candidate) -> tuple[int, float, str]:
    last = person.last_assigned_at
    return person.open, last.timestamp() if last else _NEVER, person.user


def _why(role: str, chosen: Candidate, free: int, notes: Sequence[str]) -> str:
    among = "the only one available" if free == 1 else f"the least loaded of {free}"
    return "; ".join([f"{role}, {chosen.open} open, {among}", *notes])


def _nobody(role: str, people: Sequence[Candidate], already: Collection[str]) -> str:
    if not people:
        return f"{role} has no eligible member"
    asked = sum(person.user in already for person in people)
    if asked == len(people):
        return f"{role} was asked already"
    reasons = sorted({person.absent or "" for person in people if person.user not in already})
    return f"nobody of {role} is available ({', '.join(reasons)})"
