"""A shell command by its parts: every command in it on a line of its own, also those within substitutions and loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.render.visible_text import Shown, clip, visible
from policies.hidden import Leaf
from policies.shell.reader import read_script
from policies.shell.tree import Unreadable, commands

NAMES: Final = frozenset({"command", "cmd"})
MOST_CHARS = 4000  # of a command that is read; what is longer is read in full first anyway
MOST_PARTS, PART_CHARS = 8, 120
_JOINS: Final = frozenset(";&|$`\n(")


def command_parts(leaf: Leaf) -> list[Shown]:
    """The commands of a command line, in the order in which they stand there; empty where it is one alone, or cannot be read."""
    text = leaf.value
    if not leaf.path or leaf.path[-1] not in NAMES or not isinstance(text, str) or leaf.secret or leaf.spans:
        return []
    if len(text) > MOST_CHARS or not _JOINS.intersection(text):
        return []
    try:
        found = [one for one in commands(read_script(text)) if one.at is not None and one.text.strip()]
    except (Unreadable, RecursionError):
        return []
    return _numbered([one.text for one in sorted(found, key=lambda one: one.at or 0)])


def _numbered(texts: Sequence[str]) -> list[Shown]:
    if len(texts) < 2:
        return []
    lines = [
        Shown(f"  {at}│ {clip(visible(' '.join(text.split()), exact=True), PART_CHARS)}")
        for at, text in enumerate(texts[:MOST_PARTS], 1)
    ]
    left = len(texts) - len(lines)
    return [*lines, Shown(f"   ┊ and {left} more command{'' if left == 1 else 's'}")] if left > 0 else lines
