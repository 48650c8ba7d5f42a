"""JSON bodies with nothing hidden: no duplicate keys, NaN, NUL or lone surrogates, and within the limits of docs/rules.md: I13."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from policies.errors import InvalidInput, MalformedJson, TooLarge

MAX_BODY = 256 * 1024
MAX_DEPTH = 32
MAX_LEAVES = 1000
MAX_STRING = 64 * 1024
# What a double holds exactly: beyond it two systems read two numbers.
MAX_INTEGER = 2**53 - 1
MAX_DIGITS = 800  # of a decimal: the longest that a double is written out as


@dataclass(frozen=True, slots=True)
class _Malformed:
    """Stands where JSON broke its own rules, so that the check can name the field."""

    message: str
    key: str | None = None


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; raises TooLarge, MalformedJson or InvalidInput naming the field."""
    if len(body) > MAX_BODY:
        raise TooLarge(f"the body is larger than {MAX_BODY} bytes", field="body")
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_constant,
            parse_int=_int,
            parse_float=_float,
        )
    except UnicodeDecodeError:
        raise MalformedJson("the body is not UTF-8", field="body") from None
    except RecursionError:
        raise InvalidInput(f"nested deeper than {MAX_DEPTH}", field="body") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"not JSON: {error.msg} at character {error.pos}", field="body") from None
    if not isinstance(value, dict | _Malformed):
        raise MalformedJson("the body must be a JSON object", field="body")
    check_value(value)
    return cast(dict[str, Any], value)


def check_value(value: Any) -> None:
    """Raise InvalidInput or TooLarge, naming the field, where a JSON value breaks a limit."""
    _check(value, "", 0, 0)


def _check(value: Any, at: str, depth: int, leaves: int) -> int:
    if isinstance(value, dict | list) and value:
        return _check_children(value, at, depth + 1, leaves)
    if leaves >= MAX_LEAVES:
        raise TooLarge(f"more than {MAX_LEAVES} values", field="body")
    if isinstance(value, str):
        _check_text(value, at)
    elif isinstance(value, int | float):
        _check_number(value, at)
    elif isinstance(value, _Malformed):
        name = value.key if value.key is None or not at else f"{at}.{value.key}"
        raise MalformedJson(value.message, field=_shown(at if name is None else name))
    return leaves + 1


def _check_children(value: dict[str, Any] | list[Any], at: str, depth: int, leaves: int) -> int:
    if depth > MAX_DEPTH:
        raise InvalidInput(f"nested deeper than {MAX_DEPTH}", field=_shown(at))
    if isinstance(value, list):
        for index, child in enumerate(value):
            leaves = _check(child, f"{at}[{index}]", depth, leaves)
        return leaves
    for key, child in value.items():
        name = f"{at}.{key}" if at else key
        _check_text(key, name)
        leaves = _check(child, name, depth, leaves)
    return leaves


def _check_text(text: str, at: str) -> None:
    if len(text) > MAX_STRING:
        raise TooLarge(f"longer than {MAX_STRING} characters", field=_shown(at))
    if "\x00" in text:
        raise InvalidInput("holds a NUL character", field=_shown(at))
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput("holds half of a surrogate pair", field=_shown(at))


def _check_number(number: float, at: str) -> None:
    if isinstance(number, float) and not math.isfinite(number):
        raise InvalidInput("the number is too large, or not a number", field=_shown(at))
    if isinstance(number, _Rounded):
        raise InvalidInput("the number has more digits than are kept exactly: send it as a string", field=_shown(at))
    if isinstance(number, int) and abs(number) > MAX_INTEGER:
        raise InvalidInput("the integer is beyond ±(2^53-1): send it as a string", field=_shown(at))


def _shown(at: str) -> str:
    """A field's name that is safe to show: whatever the body held, it is short and holds no control characters."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in at[:200])
    return shown[:200] or "body"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Malformed:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            return _Malformed("the key is given twice", key)
        result[key] = value
    return result


def _constant(word: str) -> _Malformed:
    return _Malformed(f"{word} is not JSON")


class _Rounded(float):
    """Stands for a number of which a double keeps another value than was written."""


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        return value
    # Beyond so many digits the exact value no longer matters, and reading thousands of them costs too much.
    written = Decimal(text) if len(text) <= MAX_DIGITS else None
    kept = written in (Decimal(repr(value)), Decimal(f"{value:.17g}"), Decimal(value))
    return value if kept else _Rounded(value)


def _int(text: str) -> int:
    # Beyond 2^53 the exact value no longer matters, and reading thousands of digits costs too much.
    return int(text[:40])
