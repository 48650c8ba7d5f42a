"""Paths into an action's parameters: `params.customer.id`, the one notation of the manifest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

_PATH = re.compile(r"params(?:\.[A-Za-z_][A-Za-z0-9_-]{0,63}){1,10}")
ABSENT = object()


def checked(path: str) -> str:
    """`path` itself; raises ValueError where it is not of the form params.name.name."""
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is not a path like params.amount_usd")
    return path


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
