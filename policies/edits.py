"""What a person changed in the parameters, and how much of it one person may change alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from policies import paths
from policies.digest import canonical
from policies.errors import InvalidInput
from policies.files.limits import amount_named
from policies.files.policy import Policy

MOST = 20  # edits of one approval: each keeps the parameters that it found
ABSENT: Final = object()
Place = tuple[str | int, ...]
"""Where a value stands in the parameters: names and list indexes, from the outside in."""
_DECIMAL: Final = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?")


@dataclass(frozen=True, slots=True)
class Edit:
    """One person's edit: the parameters it found, and whether that person may change so much `alone`."""

    by: str
    at: datetime
    note: str | None
    before: dict[str, Any]
    alone: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs; `before` or `after` is ABSENT where it was added or taken out."""

    place: Place
    before: Any
    after: Any

    @property
    def path(self) -> str:
        """The place as the manifest writes paths: params.items[0].qty."""
        return "params" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.place)


def changes(before: Any, after: Any, place: Place = ()) -> Iterator[Change]:
    """Every value that differs, as deep as both have it. Where a list grew or shrank, it is the list that differs."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            yield from changes(before.get(name, ABSENT), after.get(name, ABSENT), (*place, name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from changes(old, new, (*place, index))
    elif type(before) is not type(after) or _differ(before, after):
        yield Change(place, before, after)


def _differ(before: Any, after: Any) -> bool:
    """Whether two values of one type are not the very same; 0.0 and -0.0 are not."""
    return repr(before) != repr(after) if isinstance(before, float) else bool(before != after)


def differ(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether anything differs, types included: 1 and 1.0 do."""
    # What is written alike is alike, in whatever order its names came; mostly it is, and a walk takes ten times as long.
    return (
        before is not after and canonical(before) != canonical(after) and next(changes(before, after), None) is not None
    )


def base(edits: Sequence[Edit], params: dict[str, Any], mine: Callable[[str], bool]) -> dict[str, Any]:
    """The parameters that somebody changes now: those before all that they changed since another last had a hand in it.

    Several small edits of one person are one edit; `mine` says whether an account is theirs.
    """
    found = params
    for edit in reversed(edits):
        if not mine(edit.by):
            break
        found = edit.before
    return found


def check_room(edits: Sequence[Edit]) -> None:
    """Raise InvalidInput where it was edited as often as one approval can be."""
    if len(edits) >= MOST:
        raise InvalidInput(f"it was changed {MOST} times already: approve, reject or take over", field="params")


def alone(policy: Policy, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether one person may change this: within the action's `editable` paths.

    Where the action names none: anything, but of what is irreversible only the amount, and only to less.
    """
    return all(reaches(policy, change) for change in changes(before, after))


def reaches(policy: Policy, change: Change) -> bool:
    """Whether one person may make this very change."""
    if policy.editable is not None:
        return any(paths.covers(paths.steps(path), change.place) for path in policy.editable)
    if not policy.irreversible:
        return True
    if not any(paths.covers(paths.steps(path), change.place) for path in amount_paths(policy)):
        return False
    was, now = number(change.before), number(change.after)
    alike = isinstance(change.before, str) is isinstance(change.after, str)
    return alike and was is not None and now is not None and 0 <= now < was


class Reach(StrEnum):
    """How far one person may change a parameter."""

    ALL = "all"
    LESS = "less"
    PART = "part"
    NONE = "none"


def reach(policy: Policy, name: str) -> Reach:
    """How far one person may change the parameter of this name."""
    if policy.editable is None and not policy.irreversible:
        return Reach.ALL
    listed = amount_paths(policy) if policy.editable is None else policy.editable
    if any(paths.covers(paths.steps(path), (name,)) for path in listed):
        return Reach.LESS if policy.editable is None else Reach.ALL
    return Reach.PART if any(paths.steps(path)[0] == name for path in listed) else Reach.NONE


def amount_paths(policy: Policy) -> list[str]:
    """Where the action's amount stands."""
    named = amount_named(policy.amount)
    return [named.path] if named else []


def number(value: Any) -> Decimal | None:
    """A number, or a plain decimal written as text; None where it is neither."""
    if isinstance(value, str):
        return Decimal(value) if _DECIMAL.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    found = Decimal(str(value))
    return found if found.is_finite() else None
