"""Paths into an action's parameters: `params.customer.id`, the one notation of the manifest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

_PATH = re.compile(r"params(?:\.[A-Za-z_][A-Za-z0-9_-]{0,63}){1,10}")
_REACHING = re.compile(r"params(?:\.[A-Za-z_][A-Za-z0-9_-]{0,63}|\[(?:\*|[0-9]{1,4})\]){1,20}")
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


def value_at(path: str, params: dict[str, Any]) -> Any:
    """The value at `path`, or ABSENT."""
    node: Any = params
    for part in path.split(".")[1:]:
        if not isinstance(node, dict) or part not in node:
            return ABSENT
        node = node[part]
    return node


def amount_at(path: str | None, params: dict[str, Any]) -> Decimal | None:
    """The amount at `path` in dollars; None where it is absent, not a number, or negative.

    A negative amount is no small amount: it must never slip below a limit.
    """
    if path is None:
        return None
    value = value_at(path, params)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    amount = Decimal(value) if isinstance(value, int) else Decimal(str(value))
    return amount if amount.is_finite() and amount >= 0 else None


def leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a JSON value with its path; an empty container is a leaf too."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from leaves(child, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            yield from leaves(child, f"{at}[{index}]")
    else:
        yield at, value
