"""The figures of a tree, each as a line with its value."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.house import citations, code


def measured(root: Path) -> dict[str, str]:
    """Every figure of the tree at `root`, in the order in which they are told."""
    modules = code.modules(root)
    rooms, arrows, functions = code.rooms(modules), code.arrows(modules), code.functions(modules)
    imported, count = code.fan_in(modules)[0]
    function = max(functions, key=lambda found: found.lines)
    file = max(modules, key=lambda module: module.lines)
    return {
        "modules": str(len(modules)),
        "rooms": str(len(rooms)),
        "most modules in a room": _largest(rooms),
        "arrows between rooms": str(len(arrows)),
        "of them both ways": str(len(code.backward(arrows))),
        "longest chain of imports": f"{code.depth(modules)} modules",
        "most imported": f"{imported} ({count})",
        "functions": str(len(functions)),
        "their length at the median": f"{code.median([found.lines for found in functions])} lines",
        "longest function": f"{function.name} ({function.lines} lines)",
        "longest file": f"{file.name} ({file.lines} lines)",
        "five or more arguments by position": f"{sum(found.positional >= 5 for found in functions)} functions",
        "public names twice in a room": str(len(code.named_twice(modules))),
        "citations that lead nowhere": str(len(citations.dangling(root))),
    }


def _largest(rooms: dict[str, list[str]]) -> str:
    room = max(rooms, key=lambda name: len(rooms[name]))
    return f"{len(rooms[room])} ({room})"


@contextmanager
def unpacked(root: Path, commit: str) -> Iterator[Path]:
    """The tree of a commit, as long as it is looked at."""
    packed = subprocess.run(["git", "archive", commit], cwd=root, capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)
