"""The `format` words of a params_schema that are checked; any other is a remark for people."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlsplit

from policies import patterns


def _matches(source: str) -> Callable[[str], bool]:
    return lambda text: patterns.compiled(source).found_in(text)


def _reads(read: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return check


_DAY, _CLOCK = r"\d{4}-\d{2}-\d{2}", r"\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|z|[+-]\d{2}:\d{2})"
_day, _moment, _clock = _matches(f"^{_DAY}$"), _matches(f"^{_DAY}[Tt ]{_CLOCK}$"), _matches(f"^{_CLOCK}$")


_duration = _matches(r"^P(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$")


def _fraction_cut(text: str) -> str:
    """Python reads at most six digits after a second."""
    head, dot, tail = text.partition(".")
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return head + (f".{tail[: min(digits, 6)]}{tail[digits:]}" if dot else "")


def _reference(text: str) -> bool:
    if any(char.isspace() or char in '<>"{}|\\^`' for char in text):
        return False
    return _reads(urlsplit)(text)


def _iri(text: str) -> bool:
    if not _reference(text):
        return False
    parts = urlsplit(text)
    return bool(parts.scheme) and bool(parts.netloc or parts.path or parts.query)


def _uri_template(text: str) -> bool:
    return _reference(_EXPRESSION.sub("x", text))


_EXPRESSION = re.compile(r"\{[+#./;?&]?[\w.%]+(?::\d{1,4}|\*)?(?:,[\w.%]+(?::\d{1,4}|\*)?)*\}")


def _email(text: str) -> bool:
    name, at, host = text.rpartition("@")
    return bool(name and at and host) and not any(char.isspace() for char in text) and "@" not in name.strip('"')


_label = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_host = _matches(rf"^({_label}\.)*{_label}$")


def _hostname(text: str) -> bool:
    return len(text) <= 253 and _host(text)


def _idna(text: str) -> bytes:
    return text.encode("idna")


_TEXTS: dict[str, Callable[[str], bool]] = {
    "date": lambda text: _day(text) and _reads(date.fromisoformat)(text),
    "date-time": lambda text: _moment(text) and _reads(datetime.fromisoformat)(_fraction_cut(text.upper())),
    "time": lambda text: _clock(text) and _reads(time.fromisoformat)(_fraction_cut(text.upper())),
    "duration": lambda text: _duration(text) and text[-1] not in "PT",
    "email": _email,
    "idn-email": _email,
    "hostname": lambda text: _hostname(text),
    "ipv4": _reads(ipaddress.IPv4Address),
    "ipv6": _reads(ipaddress.IPv6Address),
    "idn-hostname": lambda text: _hostname(text.encode("idna").decode()) if _reads(_idna)(text) else False,
    "uri": _iri,
    "url": _iri,
    "iri": _iri,
    "uri-reference": _reference,
    "iri-reference": _reference,
    "uri-template": _uri_template,
    "json-pointer": _matches(r"^(/([^~/]|~[01])*)*$"),
    "relative-json-pointer": _matches(r"^(0|[1-9]\d*)(#|(/([^~/]|~[01])*)*)$"),
    "uuid": _matches(r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"),
    "regex": _reads(patterns.compiled),
    "json": _reads(json.loads),
}
_WHOLE = {"int32": 2**31, "int64": 2**63}


def fits(word: object, value: Any) -> bool:
    """Whether `value` has the form that `word` names; a value of another type, or an unknown word, always does."""
    if not isinstance(word, str):
        return True
    if word in _WHOLE and isinstance(value, int | float) and not isinstance(value, bool):
        return value == int(value) and -_WHOLE[word] <= value < _WHOLE[word]
    return not isinstance(value, str) or word not in _TEXTS or _TEXTS[word](value)
