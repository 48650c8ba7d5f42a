"""Command lines from the corpora of the shell tests, and a short way to judge one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from policies.shell.classes import Verdict
from policies.shell.judge import judge
from policies.shell.places import Places

TREE = "/home/dev/project"
PLACES = Places(TREE, "/home/dev")


def judged(command: str, *, cwd: str = TREE) -> Verdict:
    """What `command` does in the work tree of the tests."""
    return judge(command, PLACES, cwd=cwd)


def corpus(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Each heading of a corpus with its commands; `\\n` in a line with a here-document or a comment is a line break."""
    heading, commands = "", list[str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            if commands:
                yield heading, commands
            heading, commands = line[3:], []
        elif line and not line.startswith("# "):
            commands.append(line.replace("\\n", "\n") if any(mark in line for mark in _LINES) else line)
    yield heading, commands


_LINES = ("EOF", "<<", "\\nrm", "\\n-rf", "\\nm ", "\\n push", "pipefail\\n", "# x\\n", ";#x\\n", "# list")
