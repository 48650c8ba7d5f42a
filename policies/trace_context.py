"""The `traceparent` of W3C Trace Context: in which trace somebody asks, and from where in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class Traceparent:
    """Lower-case hexadecimal digits, as they are sent."""

    trace_id: str
    span_id: str
    flags: str

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def traceparent(text: str | None) -> Traceparent | None:
    """What a header says; None where it says nothing that can be used, and then it counts as not sent."""
    found = _FORM.fullmatch(text.strip()) if text and len(text) <= 200 else None
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return Traceparent(trace_id, span_id, flags)


def trace_id(text: str | None) -> str | None:
    """The trace of a kept `traceparent`."""
    found = traceparent(text)
    return found.trace_id if found else None
