"""The patches of coding agents: `*** Begin Patch`, and for each file what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FILE = re.compile(r"^\s*\*\*\* (Add|Update|Delete) File: (.+)$|^\s*\*\*\* Move to: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Patched:
    """One file of a patch."""

    path: str
    deleted: bool


def patched(text: str) -> Iterator[Patched]:
    """Each file that a patch names, in its order."""
    for one in _FILE.finditer(text):
        yield Patched((one[2] or one[3]).strip(), deleted=one[1] == "Delete")
