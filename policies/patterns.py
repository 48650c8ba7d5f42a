"""Regular expressions of a params_schema, run by an engine whose time is linear in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

MAX_LENGTH = 1000
_OPTIONS: Any = re2.Options()
_OPTIONS.log_errors = False
# `^(?!…)` and `^(?=…)` at the very start are read as conditions of their own: linear engines have no look-ahead.
_AHEAD = re.compile(r"\^?\(\?([!=])")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: what has to be found, and what must or must not begin the text."""

    body: Any
    wanted: tuple[Any, ...] = ()
    refused: tuple[Any, ...] = ()

    def found_in(self, text: str) -> bool:
        """Whether `text` matches somewhere, as JSON Schema has it."""
        return (
            self.body.search(text) is not None
            and all(one.search(text) is not None for one in self.wanted)
            and not any(one.search(text) is not None for one in self.refused)
        )


@lru_cache(maxsize=1024)
def compiled(source: str) -> Pattern:
    """The pattern; raises ValueError in one line where it cannot be run in linear time."""
    if len(source) > MAX_LENGTH:
        raise ValueError(f"the pattern is longer than {MAX_LENGTH} characters")
    conditions: dict[str, list[Any]] = {"!": [], "=": []}
    rest, anchored = source, source.startswith("^")
    while (ahead := _AHEAD.match(rest)) and (anchored or ahead[0].startswith("^")):
        end = _closing(rest, ahead.end())
        conditions[ahead[1]].append(_engine(f"^(?:{rest[ahead.end() : end]})", source))
        rest = "^" + rest[end + 1 :]
    return Pattern(_engine(rest, source), tuple(conditions["="]), tuple(conditions["!"]))


def _closing(source: str, start: int) -> int:
    """Where the group that began before `start` ends."""
    depth, at, in_class = 1, start, False
    while at < len(source):
        char = source[at]
        if char == "\\":
            at += 2
            continue
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return at
        at += 1
    raise ValueError(f"the pattern {source[:80]!r} does not close a group")


def _engine(source: str, whole: str) -> Any:
    # JavaScript's \Z-less dialect and the engine's agree but for two spellings that tools write.
    spelled = re.sub(r"\\u([0-9A-Fa-f]{4})", r"\\x{\1}", source)
    try:
        return re2.compile(spelled, options=_OPTIONS)
    except re2.error as error:
        said = error.args[0] if error.args else error
        told = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"the pattern {whole[:80]!r} cannot be run in linear time: {told}") from None
