"""Names of actions, and patterns of them: `mcp__github__*` stands for every name that begins so, the most specific first."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from policies import patterns

MAX_LENGTH = 255
_CHARACTERS = r"A-Za-z0-9_.:/@+~#$%="
NAME_OR_PATTERN = rf"^[{_CHARACTERS}*-]+$"
ANY = "*"


def is_pattern(name: str) -> bool:
    """Whether an entry of the manifest stands for several names."""
    return ANY in name


def specificity(pattern: str) -> tuple[int, int]:
    """What makes a pattern win over another: how much it spells out, then how few stars it has."""
    return len(pattern.replace(ANY, "")), -pattern.count(ANY)


@lru_cache(maxsize=4096)
def _matcher(pattern: str) -> patterns.Pattern:
    parts = [_quoted(part) for part in pattern.split(ANY)]
    # A star stands for the letters of a name only: no blank or look-alike makes another name of one that is listed.
    return patterns.compiled("^" + f"[{_CHARACTERS}-]*".join(parts) + "$")


def _quoted(text: str) -> str:
    return "".join(char if char.isalnum() or char == "_" else f"\\{char}" for char in text)


def matches(pattern: str, name: str) -> bool:
    """Whether `name` is one of those that `pattern` stands for."""
    return _matcher(pattern).found_in(name)


def found(entries: Iterable[str], name: str) -> str | None:
    """The entry that holds for `name`: itself, else the most specific pattern; None where none does.

    A name that differs from a listed one by capitals only is nobody's: it must not slip into a looser pattern.
    """
    listed = list(entries)
    if name in listed:
        return name if not is_pattern(name) else None
    folded = name.casefold()
    if any(entry.casefold() == folded for entry in listed):
        return None
    return max((entry for entry in listed if is_pattern(entry) and matches(entry, name)), key=specificity, default=None)


def like(pattern: str) -> str:
    r"""The same as a LIKE condition of SQL, whose escape is a backslash."""
    for special in ("\\", "%", "_"):
        pattern = pattern.replace(special, f"\\{special}")
    return pattern.replace(ANY, "%")
