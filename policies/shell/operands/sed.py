"""Whether a sed script only edits text: `e` runs commands, `w` and `r` open files."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[0-9]+(?:~[0-9]+)?|\$")
_PLAIN = re.compile(r"[pPdDgGhHnNxl=zF]")
_LABEL = re.compile(r"[bt:]\s*[A-Za-z0-9_.-]*")
_QUIT = re.compile(r"[qQ]\s*[0-9]*")
_FLAGS = re.compile(r"[gpiIMm0-9]*")


def sed_problem(script: str) -> str | None:
    """Why `script` may do more than edit text, as a clause; None where it only edits."""
    at = 0
    while at < len(script):
        if script[at] in " \t\n;{}!":
            at += 1
            continue
        if script[at] == "#":
            end = script.find("\n", at)
            at = len(script) if end < 0 else end
            continue
        after = _address(script, at)
        if after is None:
            return "an address that is not read"
        if after > at:
            at = after
            continue
        after = _command(script, at)
        if after is None:
            return f"the command {script[at]}, which may run programs or open files"
        at = after
    return None


def _address(script: str, at: int) -> int | None:
    """Where the address that begins at `at` ends; `at` itself where none does, None where it cannot be read."""
    if script[at] in ",+~":
        return at + 1
    if found := _ADDRESS.match(script, at):
        return found.end()
    if script[at] == "/":
        end = _delimited(script, at + 1, "/")
    elif script[at] == "\\" and at + 1 < len(script):
        end = _delimited(script, at + 2, script[at + 1])
    else:
        return at
    if end is None:
        return None
    while end < len(script) and script[end] in "IM":
        end += 1
    return end


def _delimited(script: str, at: int, delimiter: str, *, pattern: bool = True) -> int | None:
    """Where what ends with `delimiter` ends, behind it; None where that is not certain: sed and we must read the same."""
    while at < len(script):
        if script[at] == "\\":
            at += 2
        elif script[at] == delimiter:
            return at + 1
        elif script[at] == "[" and pattern:
            end = _bracket(script, at)
            if end is None or delimiter in script[at:end]:
                return None
            at = end
        else:
            at += 1
    return None


_BRACKET = re.compile(r"\[\^?\]?(?:\[:[a-z]+:\]|\[=.=\]|\[\..\.\]|[^\]\[\\\n])*\]")


def _bracket(script: str, at: int) -> int | None:
    """Where a set of characters such as `[^a-z]` ends; None for one with a backslash or a bracket of its own."""
    found = _BRACKET.match(script, at)
    return found.end() if found else None


def _command(script: str, at: int) -> int | None:
    letter = script[at]
    if letter in "sy" and at + 1 < len(script) and script[at + 1] not in "\\\n":
        middle = _delimited(script, at + 2, script[at + 1], pattern=letter == "s")
        end = _delimited(script, middle, script[at + 1], pattern=False) if middle is not None else None
        if end is None:
            return None
        flags = _FLAGS.match(script, end) if letter == "s" else None
        end = flags.end() if flags else end
        return end if _ends(script, end) else None
    if letter in "aic":
        end = script.find("\n", at)
        while end > 0 and script[end - 1] == "\\":
            end = script.find("\n", end + 1)
        return len(script) if end < 0 else end
    for pattern in (_PLAIN, _LABEL, _QUIT):
        found = pattern.match(script, at)
        if found and _ends(script, found.end()):
            return found.end()
    return None


def _ends(script: str, at: int) -> bool:
    rest = script[at:].lstrip(" \t")
    return not rest or rest[0] in ";\n}#"
