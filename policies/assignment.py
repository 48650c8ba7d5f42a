"""Who is asked: by role and least open load, and why them (docs/rules.md: E1-E3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A qualified person: how many approvals wait for them, and whether they can take one more now.

    `absent` says in words why they cannot (away, outside working hours, at capacity); None means available. `back_at`
    is when that ends, where it is known. `last_assigned_at` breaks ties fairly: whoever waited longest is next.
    Who `rests` (quiet hours, a full hour) takes only what presses, and after those who do not.
    A delegate has a second turn: `turn_of` is whose, and `stands_in_for` the same in words.
    """

    user: str
    open: int = 0
    absent: str | None = None
    last_assigned_at: datetime | None = None
    back_at: datetime | None = None
    stands_in_for: str | None = None
    turn_of: str | None = None
    rests: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is asked, in which role, and the reason as it is stored and shown."""

    user: str
    role: str
    why: str
    passed_roles: tuple[str, ...] = field(default=())


def choose_reviewer(
    roles: Sequence[str],
    candidates: Mapping[str, Sequence[Candidate]],
    already: Collection[str] = (),
    *,
    heir: str | None = None,
) -> Choice | None:
    """The next reviewer along `roles`: the first role with somebody available, there the least loaded.

    People in `already` were asked before and are not asked again; None when nobody is left. `heir` stands in for
    whoever was asked last and is away: among the available of that role they come first. `passed_roles` are the roles
    reached on the way, the chosen one included.
    """
    notes: list[str] = []
    for index, role in enumerate(roles):
        people = [person for person in candidates.get(role, ()) if person.user not in already]
        free = [person for person in people if person.absent is None]
        if free:
            best = min(free, key=lambda person: (person.user != heir, *_load_then_patience(person)))
            why = _why(role, best, people, notes, further=index > 0)
            return Choice(best.user, role, why, tuple(roles[: index + 1]))
        notes.append(_nobody(role, candidates.get(role, ()), already))
    return None


def least_loaded(role: str, candidates: Sequence[Candidate]) -> Choice | None:
    """The least loaded of a role whatever their hours: where nobody is available, somebody is still named."""
    if not candidates:
        return None
    best = min(candidates, key=_load_then_patience)
    absent = f" ({best.absent})" if best.absent else ""
    return Choice(best.user, role, f"{role}, {best.open} open; nobody is available now{absent}", (role,))


def unasked(
    roles: Sequence[str], candidates: Mapping[str, Sequence[Candidate]], already: Collection[str]
) -> list[Candidate]:
    """Who could still be asked, though nobody of them is there now."""
    return [person for role in roles for person in candidates.get(role, ()) if person.user not in already]


def lighter_by_two(mine: int, role: str, candidates: Sequence[Candidate], already: Collection[str]) -> Choice | None:
    """Who should take a card from somebody with `mine` open: the least loaded, where that leaves both better off."""
    choice = choose_reviewer([role], {role: candidates}, already)
    if choice is None:
        return None
    theirs = next(person.open for person in candidates if person.user == choice.user)
    return choice if mine - theirs >= 2 else None


def _load_then_patience(person: Candidate) -> tuple[bool, int, float, str]:
    last = person.last_assigned_at
    return person.rests, person.open, last.timestamp() if last else _NEVER, person.turn_of or person.user


def _why(role: str, chosen: Candidate, people: Sequence[Candidate], notes: Sequence[str], *, further: bool) -> str:
    free = {person.user for person in people if person.absent is None}
    among = "the only one available" if len(free) == 1 else f"fewest open of {len(free)} reviewers"
    parts = [role, f"{chosen.open} open", *(["next on the path"] if further else []), among]
    if chosen.stands_in_for:
        parts.append(f"stands in for {chosen.stands_in_for}")
    missing = [person for person in people if person.absent is not None]
    said = [f"{len(missing)} unavailable ({_absences(missing)})"] if missing else []
    return "; ".join([", ".join(parts), *said, *notes])


def _nobody(role: str, people: Sequence[Candidate], already: Collection[str]) -> str:
    if not people:
        return f"{role} has no eligible member"
    left = [person for person in people if person.user not in already]
    if not left:
        return f"{role} was asked already"
    return f"nobody in {role} is available ({_absences(left)})"


def _absences(people: Sequence[Candidate]) -> str:
    return ", ".join(sorted({person.absent or "" for person in people}))
