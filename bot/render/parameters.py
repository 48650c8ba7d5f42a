"""An action's parameters as a reviewer reads them: every leaf with its path and typed value, or counted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.render.command_parts import command_parts
from bot.render.line_diff import Diff, entries
from bot.render.redaction import covered, fingerprint, witness
from bot.render.visible_text import Shown, clip, json_size, visible
from policies.approval import Approval
from policies.hidden import Leaf, leaves

# Of one leaf on a card, in bytes, so that one long text does not push all others off it.
NAME_BYTES, VALUE_BYTES = 250, 650
DIFF_LINES, DIFF_BYTES = 16, 1800  # of one change on a card; a longer one is read in full first
MAX_LINES = 40  # of leaves on a card; a longer list is read in Details
MAX_COLUMN = 24  # widest path that is lined up
# A letter beside one of a look-alike alphabet: аlice with a Cyrillic а.
_MIXED: Final = re.compile("[A-Za-z][\u0370-\u03ff\u0400-\u052f]|[\u0370-\u03ff\u0400-\u052f][A-Za-z]")
_SIMPLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class Listing:
    """Parameters on a card: `text` for a monospaced block; `hidden` leaves are not on it and `cut` only in part."""

    text: Shown
    total: int
    hidden: int = 0
    cut: int = 0

    @property
    def complete(self) -> bool:
        """Whether every leaf is there, whole."""
        return not self.hidden and not self.cut

    @property
    def remainder(self) -> str | None:
        """What is missing, in words; None where nothing is."""
        parts = []
        if self.hidden:
            parts.append(f"and {self.hidden} more {'value' if self.hidden == 1 else 'values'}")
        if self.cut:
            parts.append(f"{self.cut} {'value is' if self.cut == 1 else 'values are'} shown in part")
        return f"{'; '.join(parts)} — open Details for everything" if parts else None


def remainder(approval: Approval, listed: Listing) -> str | None:
    """What is missing of the parameters, and how much is hidden of the request; None where nothing is."""
    return "\n".join(filter(None, (listed.remainder, witness(approval)))) or None


def path_text(path: tuple[str | int, ...]) -> Shown:
    """A path as it would be written in code; a name that is no plain word stands in brackets and quotes."""
    parts = []
    for part in path:
        if isinstance(part, int):
            parts.append(f"[{part}]")
        elif _SIMPLE.match(part):
            parts.append(f".{part}" if parts else part)
        else:
            parts.append(f'["{visible(part, exact=True)}"]')
    return Shown("".join(parts) or "(no parameters)")


def value_text(leaf: Leaf) -> Shown:
    """A value with its type to be seen: text in quotes, and true, null, 1, "", [] and {} as JSON writes them.

    Line breaks stay, each continued line behind a bar, so that no text can pose as another parameter.
    """
    if leaf.secret:
        return Shown(fingerprint(leaf.value))
    if isinstance(leaf.value, str):
        text = visible(covered(leaf.value, leaf.spans), lines=True, exact=True)
        shown = '"' + text.replace("\n", "\n  │ ") + '"'
        mixed = not shown.isascii() and _MIXED.search(shown)
        return Shown(f"{shown} (mixes alphabets)" if mixed else shown)
    return Shown(json.dumps(leaf.value))


def listing(found: Sequence[Leaf], room: int, beside: Sequence[Leaf] = ()) -> Listing:
    """As many leaves as fit into `room` bytes of JSON, in order; the rest is counted. `beside` are leaves told elsewhere."""
    if not found or (len(found) == 1 and not found[0].path):
        return Listing(Shown("(no parameters)"), 0)
    column = _column(found)
    lines: list[str] = []
    used = cut = shown = 0
    for entry in entries(found, beside):
        counted = entry.leaves if isinstance(entry, Diff) else 1
        line, whole = _diff(entry) if isinstance(entry, Diff) else _line(entry, column)
        used += json_size(line) + 2
        if used > room or len(lines) >= MAX_LINES:
            break
        lines.append(line)
        parts = "\n".join([] if isinstance(entry, Diff) else command_parts(entry))
        if (
            parts and used + json_size(parts) + 2 <= room
        ):  # they repeat the command, so none is missed where they do not fit
            used += json_size(parts) + 2
            lines.append(parts)
        shown += counted
        cut += 0 if whole else counted
    return Listing(Shown("\n".join(lines) or "…"), len(found), len(found) - shown, cut)


def _diff(entry: Diff) -> tuple[str, bool]:
    """A change by line on a card, and whether all of it is there."""
    kept: list[str] = []
    room = DIFF_BYTES
    for line in entry.lines:
        room -= json_size(line) + 2
        if room < 0 or len(kept) == DIFF_LINES:
            break
        kept.append(line)
    left = len(entry.lines) - len(kept)
    tail = [f" ┊ and {left} more line{'' if left == 1 else 's'}"] if left else []
    return "\n".join([_heading(entry), *kept, *tail]), not left


def _heading(entry: Diff) -> str:
    place = f"{path_text(entry.path)}." if entry.path else ""
    return f"{place}{entry.name}: {entry.summary}"


def _column(found: Sequence[Leaf]) -> int:
    """The width to which paths are padded; 0 where there are too many to line up."""
    if len(found) > 20:
        return 0
    return min(MAX_COLUMN, max(len(path_text(leaf.path)) for leaf in found))


def _line(leaf: Leaf, column: int) -> tuple[str, bool]:
    """One leaf on a card, and whether it is there whole."""
    name = path_text(leaf.path)
    short_name = clip(name, 200, NAME_BYTES)
    value, rest = _beginning(leaf)
    line = f"{short_name}:".ljust(column + 1) + f" {value}"
    return line + (f" (+{rest:,} characters)" if rest else ""), not rest and short_name == name


def _beginning(leaf: Leaf) -> tuple[Shown, int]:
    """A value or its beginning, and how many characters of it are missing."""
    raw = leaf.value
    if leaf.secret or not isinstance(raw, str) or (len(raw) * 12 < VALUE_BYTES and not leaf.spans):
        return value_text(leaf), 0
    # No more is made readable than can be shown: VALUE_BYTES hold at most so many characters.
    whole = covered(raw, leaf.spans)
    text = value_text(Leaf(leaf.path, whole[: VALUE_BYTES + 1]))
    if len(whole) <= VALUE_BYTES and json_size(text) <= VALUE_BYTES:
        return text, 0
    shown = clip(Shown(text[:-1]), VALUE_BYTES - 1, VALUE_BYTES)
    return shown, max(1, len(whole) - len(shown) + 2)


def pages(found: Sequence[Leaf], chunk: int) -> Iterator[Shown]:
    """Everything, in pieces of at most `chunk` characters, for Details."""
    yield from in_pieces(
        (
            line
            for entry in entries(found)
            for line in (
                [_heading(entry), *entry.lines] if isinstance(entry, Diff) else [_in_full(entry), *command_parts(entry)]
            )
        ),
        chunk,
    )


def in_pieces(lines: Iterable[str], chunk: int) -> Iterator[Shown]:
    """Lines in pieces of at most `chunk` characters; a longer line goes on in the next."""
    piece: list[str] = []
    used = 0
    for line in (part for text in lines for part in _pieces(text, chunk)):
        if used + len(line) + 1 > chunk and piece:
            yield Shown("\n".join(piece))
            piece, used = [], 0
        piece.append(line)
        used += len(line) + 1
    if piece:
        yield Shown("\n".join(piece))


def _in_full(leaf: Leaf) -> str:
    return f"{path_text(leaf.path)}: {value_text(leaf)}"


def _pieces(text: str, chunk: int) -> Iterator[str]:
    """A leaf as lines of at most `chunk` characters; continued ones are marked."""
    limit = chunk
    while len(text) > limit:
        yield text[:limit]
        text, limit = f"  ┊ {text[limit:]}", chunk
    yield text


@dataclass(frozen=True, slots=True)
class Change:
    """One leaf before and after an edit, as shown; None where it was not there."""

    path: Shown
    before: Shown | None
    after: Shown | None


ABSENT: Final = object()


def changes(
    before: dict[str, Any], after: dict[str, Any], redact: Sequence[str] = (), reveal: Sequence[str] = ()
) -> list[Change]:
    """Every leaf that differs, in order; secrets as fingerprints."""
    old = {leaf.path: leaf for leaf in leaves(before, redact, reveal)}
    new = {leaf.path: leaf for leaf in leaves(after, redact, reveal)}
    found = []
    for path in [*old, *(path for path in new if path not in old)]:
        one, other = old.get(path), new.get(path)
        if one and other and json.dumps(one.value) == json.dumps(other.value):
            continue
        found.append(Change(path_text(path), value_text(one) if one else None, value_text(other) if other else None))
    return found
