"""What a tool writes into a file, by line: what goes, what comes and what stays, each line exactly as it is.

Hosts of coding agents send a change as two texts in one object (`old_string` and `new_string`, or what other tools call
them), and a whole file as its content beside a path. Nothing is left out: lines that stay are shown too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from bot.render.visible_text import Shown, visible
from policies.hidden import Leaf

BEFORE: Final = {"old_string": "new_string", "old_str": "new_str", "old_text": "new_text", "oldText": "newText"}
CONTENTS: Final = frozenset({"content", "contents", "file_text", "new_source"})
PATHS: Final = frozenset({"file_path", "path", "filepath", "notebook_path", "filename"})
_LINED: Final = BEFORE.keys() | CONTENTS
MOST_LINES = 1200  # of either side; longer ones are shown one after the other, since comparing them takes too long
_TAB: Final = "⇥"


@dataclass(frozen=True, slots=True)
class Diff:
    """One change: the leaves that it stands for, their name, and its lines with `-`, `+` or a blank in front."""

    path: tuple[str | int, ...]
    name: str
    leaves: int
    lines: tuple[Shown, ...]
    summary: str


def entries(found: Sequence[Leaf], beside: Sequence[Leaf] = ()) -> list[Leaf | Diff]:
    """The leaves in order, with a Diff in place of those that are a change of lines; `beside` are more leaves of the request."""
    if not any(leaf.path and leaf.path[-1] in _LINED for leaf in found):
        return list(found)
    by_path = {leaf.path: leaf for leaf in found}
    folders = {leaf.path[:-1] for leaf in (*found, *beside) if leaf.path and leaf.path[-1] in PATHS}
    entered: list[Leaf | Diff] = []
    gone: set[tuple[str | int, ...]] = set()
    for leaf in found:
        if leaf.path in gone:
            continue
        after = _after(leaf, by_path)
        if after is not None:
            gone.add(after.path)
            entered.append(_changed(leaf, after))
        elif leaf.path and leaf.path[-1] in CONTENTS and leaf.path[:-1] in folders and _several(leaf):
            entered.append(_written(leaf))
        else:
            entered.append(leaf)
    # Where the new text comes first, the pair stands in its place.
    return [entry for entry in entered if isinstance(entry, Diff) or entry.path not in gone]


def _after(leaf: Leaf, by_path: dict[tuple[str | int, ...], Leaf]) -> Leaf | None:
    """The text that takes the place of this one; None where this is no text that is replaced."""
    name = BEFORE.get(str(leaf.path[-1])) if leaf.path else None
    after = by_path.get((*leaf.path[:-1], name)) if name else None
    if after is None or not (_plain(leaf) and _plain(after)):
        return None
    lines = max(str(leaf.value).count("\n"), str(after.value).count("\n"))
    return after if lines < MOST_LINES else None


def _plain(leaf: Leaf) -> bool:
    """Whether it is a text of which nothing is hidden."""
    return isinstance(leaf.value, str) and not leaf.secret and not leaf.spans


def _several(leaf: Leaf) -> bool:
    return _plain(leaf) and "\n" in str(leaf.value)


def _changed(before: Leaf, after: Leaf) -> Diff:
    old, new = str(before.value).split("\n"), str(after.value).split("\n")
    lines = tuple(_lines(old, new))
    removed, added = (sum(line.startswith(sign) for line in lines) for sign in "-+")
    name = f"{before.path[-1]} → {after.path[-1]}"
    return Diff(before.path[:-1], name, 2, lines, f"{_count(removed)} out, {_count(added)} in")


def _written(leaf: Leaf) -> Diff:
    lines = tuple(_line("+", line) for line in str(leaf.value).split("\n"))
    return Diff(leaf.path[:-1], str(leaf.path[-1]), 1, lines, f"{_count(len(lines))} written")


def _count(lines: int) -> str:
    return f"{lines} line{'' if lines == 1 else 's'}"


def _lines(old: list[str], new: list[str]) -> Iterator[Shown]:
    for kind, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (_line(" ", line) for line in old[start:end])
            continue
        yield from (_line("-", line) for line in old[start:end])
        yield from (_line("+", line) for line in new[new_start:new_end])


def _line(sign: str, text: str) -> Shown:
    """A line behind a bar, so that none can pose as another parameter; tabs as arrows, which no text can pretend."""
    shown = visible(text, exact=True).replace(_TAB, "‹U+21E5›").replace("‹U+0009›", f"{_TAB} ")
    return Shown(f"{sign}│ {shown}")


AROUND = 2  # lines that stay, shown beside a change
_LONG, _BESIDE = 400, 80  # characters of a line from which on only what changed of it is shown, and so many around that


@dataclass(frozen=True, slots=True)
class TextChange:
    """A text before and after, and whose it is."""

    label: str
    before: str
    after: str

    @property
    def lines(self) -> list[Shown]:
        """What goes and what comes, whole, with a little of what stays around it; the rest of that is counted."""
        old, new = self.before.split("\n"), self.after.split("\n")
        top = _common(old, new)
        end = _common(old[top:][::-1], new[top:][::-1])
        gone, come = old[top : len(old) - end], new[top : len(new) - end]
        first, last = max(0, top - AROUND), len(old) - max(0, end - AROUND)
        return [
            *_staying(first),
            *(_line(" ", line) for line in old[first:top]),
            *_between(gone, come),
            *(_line(" ", line) for line in old[len(old) - end : last]),
            *_staying(len(old) - last),
        ]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines both begin with."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


def _staying(count: int) -> list[Shown]:
    return [Shown(f"… {_count(count)} as before")] if count else []


def _between(gone: list[str], come: list[str]) -> Iterator[Shown]:
    if max(len(gone), len(come)) > MOST_LINES:
        yield from (_line("-", line) for line in gone)
        yield from (_line("+", line) for line in come)
        return
    for kind, start, end, new_start, new_end in SequenceMatcher(None, gone, come, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from _kept(gone[start:end])
        elif end - start == new_end - new_start == 1:
            yield from _one_line(gone[start], come[new_start])
        else:
            yield from (_line("-", line) for line in gone[start:end])
            yield from (_line("+", line) for line in come[new_start:new_end])


def _kept(lines: list[str]) -> Iterator[Shown]:
    if len(lines) <= 2 * AROUND + 1:
        yield from (_line(" ", line) for line in lines)
        return
    yield from (_line(" ", line) for line in lines[:AROUND])
    yield from _staying(len(lines) - 2 * AROUND)
    yield from (_line(" ", line) for line in lines[-AROUND:])


def _one_line(before: str, after: str) -> Iterator[Shown]:
    """A line that became another; of a long one what differs, with a little around it."""
    front, back = 0, 0
    if max(len(before), len(after)) > _LONG:
        front = max(0, _common(before, after) - _BESIDE)
        back = max(0, _common(before[front:][::-1], after[front:][::-1]) - _BESIDE)
    for sign, line in (("-", before), ("+", after)):
        shown = _line(sign, line[front : len(line) - back])
        yield Shown(f"{shown[:3]}{_left_out(front)}{shown[3:]}{_left_out(back)}") if front or back else shown


def _left_out(count: int) -> str:
    return f"…({count} characters as before)…" if count else ""
