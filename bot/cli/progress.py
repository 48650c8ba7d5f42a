"""How far a long command is, for whoever watches it in a terminal; into a pipe or a file goes nothing of it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
Tell = Callable[[int], None]
_AT_ONCE = 500  # a bar that moved with each of a million would be most of the work


@contextlib.contextmanager
def shown(what: str, total: int | None = None) -> Iterator[Tell]:
    """Show `what` on a terminal until this is over; the given function hears how much more is done of `total`."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    known = [BarColumn(), TaskProgressColumn(), TimeRemainingColumn()] if total is not None else []
    columns = [SpinnerColumn(), TextColumn("{task.description}"), *known]
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.advance(task, done)


def counted(things: Iterable[T], tell: Tell) -> Iterator[T]:
    """The same things, and every few hundred it is told how many have gone by."""
    for number, thing in enumerate(things, 1):
        yield thing
        if number % _AT_ONCE == 0:
            tell(_AT_ONCE)
