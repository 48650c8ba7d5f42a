"""Paths into an action's parameters: `params.customer.id`, and through lists `params.items[*].price`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,63}"
_PATH = re.compile(rf"params(?:\.{_NAME}){{1,10}}")
_REACHING = re.compile(rf"params\.{_NAME}(?:\.{_NAME}|\[(?:\*|[0-9]{{1,4}})\]){{0,19}}")
_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\*|[0-9]+)\]")
ABSENT = object()
Steps = tuple[str | int | None, ...]
"""A path in pieces: a name, a place in a list, or None for every place."""


def checked(path: str) -> str:
    """`path` itself; raises ValueError where it is not of the form params.name.name."""
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is not a path like params.amount_usd")
    return path


def reaching(path: str) -> str:
    """`path` itself; raises ValueError where it is not of the form params.name[*].name (also [0] for one place)."""
    if not _REACHING.fullmatch(path):
        raise ValueError(f"{path!r} is not a path like params.card_number or params.cards[*].number")
    return path


@lru_cache(maxsize=4096)
def steps(path: str) -> Steps:
    """The pieces of a path."""
    found = (match.groups() for match in _STEP.finditer(path))
    return tuple(name if name else None if place == "*" else int(place) for name, place in found)


def covers(reach: Steps, at: tuple[str | int, ...]) -> bool:
    """Whether the value at `at` is what the path reaches, or lies inside it."""
    return len(reach) <= len(at) and all(map(_fits, reach, at))


def _fits(step: str | int | None, key: str | int) -> bool:
    return isinstance(key, int) if step is None else step == key


def overlap(one: str, other: str) -> bool:
    """Whether two paths can name the same place, or one something that holds the other's."""
    pairs = zip(steps(one), steps(other), strict=False)
    return all(a == b or (None in (a, b) and not isinstance(a or b, str)) for a, b in pairs)


def value_at(path: str, params: dict[str, Any]) -> Any:
    """The value at a path that names one place, or ABSENT."""
    return next(iter(values_at(path, params)), ABSENT)


def values_at(path: str, params: dict[str, Any]) -> list[Any]:
    """Every value that `path` reaches; ABSENT in the place of each that is missing, or where there is no list to enter."""
    found: list[Any] = [params]
    for step in steps(path):
        found = [inner for value in found for inner in _entered(value, step)]
    return found


def _entered(value: Any, step: str | int | None) -> list[Any]:
    if isinstance(step, str):
        return [value[step]] if isinstance(value, dict) and step in value else [ABSENT]
    if not isinstance(value, list):
        return [ABSENT]
    return value if step is None else value[step : step + 1] or [ABSENT]


def walk(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a JSON value with its path; an empty container is a leaf too."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from walk(child, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            yield from walk(child, f"{at}[{index}]")
    else:
        yield at, value
