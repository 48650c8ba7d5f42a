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
