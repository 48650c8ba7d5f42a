"""Plain JSON: what survives a round trip, its canonical text and its fingerprint."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from sayso.errors import NotRestorable

MAX_DEPTH = 100


def plain(value: Any, path: str = "checkpoint") -> Any:
    """`value` itself when JSON gives it back unchanged; raises NotRestorable naming the culprit's path (docs/rules.md: B5)."""
    _check(value, path, 0)
    return value


def canonical(value: Any) -> str:
    """One text per JSON value: keys sorted, no spaces, ASCII only, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def fingerprint(value: Any) -> str:
    """SHA-256 of the canonical text, 64 hex digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _check(value: Any, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise NotRestorable(f"{path.split('.')[0]} is nested too deeply, or contains itself")
    if value is None or isinstance(value, (bool, int)):
        return
    if isinstance(value, float):
        _check_float(value, path)
    elif isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, f"{path}[{index}]", depth + 1)
    elif isinstance(value, dict):
        _check_dict(value, path, depth)
    else:
        raise NotRestorable(f"{path} is a {type(value).__name__}, which JSON does not give back")


def _check_float(value: float, path: str) -> None:
    if not math.isfinite(value):
        raise NotRestorable(f"{path} is {value}, which JSON cannot hold")


def _check_text(value: str, path: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NotRestorable(f"{path} holds half a character (a lone surrogate)") from None


def _check_dict(value: dict[Any, Any], path: str, depth: int) -> None:
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotRestorable(f"{path} has the key {key!r}, a {type(key).__name__}; JSON keys are strings")
        _check_text(key, path)
        _check(item, f"{path}.{key}", depth + 1)
