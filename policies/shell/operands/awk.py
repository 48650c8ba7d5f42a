"""Whether an awk program only computes and prints: it can also run commands, and write files."""

from __future__ import annotations

import re

_RUNS = re.compile(r"\b(?:system|getline|close|fflush|nextfile|ENVIRON|PROCINFO|ARGV|ARGC)\b|@\w+|@\s*[A-Za-z\"]")
_WRITES = re.compile(r"\bprintf?\b[^;{}\n]*>")
_BEFORE_REGEX = frozenset("~!({,;&|=?:\n")


def awk_problem(program: str) -> str | None:
    """Why `program` may do more than print, as a clause; None where it only prints."""
    bare = _without_texts(program)
    if bare is None:
        return "a text or pattern that does not end"
    if found := _RUNS.search(bare):
        return f"{found.group()} reaches beyond its input"
    if re.search(r"(?<!\|)\|(?!\|)", bare) or "|&" in bare:
        return "a pipe runs a program"
    if _WRITES.search(bare):
        return "it may write files"
    return None


def _without_texts(program: str) -> str | None:
    """The program with its texts, patterns and comments taken out."""
    kept: list[str] = []
    last, at = "", 0  # `last` is the last character that is no blank
    while at < len(program):
        char = program[at]
        if char == "#":
            line_end = program.find("\n", at)
            at = len(program) if line_end < 0 else line_end
            continue
        regex = char == "/" and (not last or last in _BEFORE_REGEX)
        if char == '"' or regex:
            end = _end(program, at + 1, char)
            # A slash within brackets ends a pattern for some awks and not for others.
            if end is None or (regex and program.rfind("[", at, end) > program.rfind("]", at, end)):
                return None
            kept.append("0")
            last, at = "0", end
            continue
        kept.append(char)
        last = last if char in " \t" else char
        at += 1
    return "".join(kept)


def _end(program: str, at: int, delimiter: str) -> int | None:
    while at < len(program):
        if program[at] == "\\":
            at += 2
        elif program[at] == delimiter:
            return at + 1
        elif program[at] == "\n":
            return None
        else:
            at += 1
    return None
