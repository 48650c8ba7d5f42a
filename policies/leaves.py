"""The values of a request's parameters one by one, with what is hidden of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from policies import credentials, paths
from policies.credentials import Promise
from policies.private_keys import Span


class By(StrEnum):
    """On whose word something is hidden."""

    MANIFEST = "manifest"
    PATTERN = "pattern"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of the parameters; an empty container counts as one. `path` is raw.

    `by` says who hides something of it: the manifest all of it, a pattern the `spans` of a text or a whole number.
    """

    path: tuple[str | int, ...]
    value: Any
    by: By | None = None
    spans: tuple[Span, ...] = ()

    @property
    def secret(self) -> bool:
        """Whether nothing of it is shown."""
        return self.by is not None and self.spans in ((), ((0, len(str(self.value))),))

    @property
    def text(self) -> str:
        """A text itself, everything else as JSON."""
        return self.value if isinstance(self.value, str) else json.dumps(self.value)

    @property
    def hidden_texts(self) -> tuple[str, ...]:
        """The pieces of it that are hidden."""
        if self.by is None:
            return ()
        return tuple(self.text[start:end] for start, end in self.spans) or (self.text,)

    @property
    def open_text(self) -> str:
        """What is shown of it."""
        if self.by is None:
            return self.text
        return cut(self.text, self.spans, "\0") if self.spans else ""


def cut(text: str, spans: Sequence[Span], put: str) -> str:
    """`text` with `put` where the `spans` are."""
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(text)]
    return put.join(text[end:start] for end, start in zip(ends, starts, strict=True))


def leaves(params: Any, redact: Iterable[str] = (), reveal: Iterable[str] = ()) -> list[Leaf]:
    """Every leaf in order, with what is hidden of it: `redact` wins over `reveal`, and `reveal` over patterns."""
    hidden, shown = [paths.steps(path) for path in redact], [paths.steps(path) for path in reveal]
    found: list[_Found] = []
    _gather(params, (), None, found)
    # One look at all of it: of most requests no value has to be searched by itself.
    hinted = credentials.hinted([value for _, value, _ in found if isinstance(value, str)])
    return [
        _open(at, value, shown, kind, hinted=hinted)
        if not _covered(hidden, at, value)
        else Leaf(at, value, By.MANIFEST)
        for at, value, kind in found
    ]


# Where a value stands, the value, and what the names above it promise.
_Found = tuple[tuple[str | int, ...], Any, Promise | None]


def _gather(value: Any, at: tuple[str | int, ...], kind: Promise | None, into: list[_Found]) -> None:
    if isinstance(value, dict) and value:
        for key, child in value.items():
            own = credentials.kind_of(key)
            # What stands under `credentials` need not be one: only what looks drawn is taken for it.
            _gather(child, (*at, key), own or (Promise.TOKEN if kind else None), into)
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            _gather(child, (*at, index), kind, into)
    else:
        into.append((at, value, kind))


def _covered(by: list[paths.Steps], at: tuple[str | int, ...], value: Any) -> bool:
    """Whether a path names this value; nothing is nothing, whoever names it."""
    return bool(by) and not _empty(value) and any(paths.covers(steps, at) for steps in by)


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _open(
    at: tuple[str | int, ...], value: Any, shown: list[paths.Steps], kind: Promise | None, *, hinted: bool
) -> Leaf:
    """The leaf of a value that the manifest does not hide: a pattern may."""
    if isinstance(value, str):
        if (not hinted and kind is None) or not value or _covered(shown, at, value):
            return Leaf(at, value)
        spans = credentials.in_value(kind, value)
        return Leaf(at, value, By.PATTERN, spans) if spans else Leaf(at, value)
    if kind is None or isinstance(value, bool) or _empty(value) or _covered(shown, at, value):
        return Leaf(at, value)
    return Leaf(at, value, By.PATTERN) if credentials.in_number(kind, value) else Leaf(at, value)
