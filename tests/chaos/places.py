"""Where a harness runs, and how it says what it saw."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import postgres

from store import schema
from store.engine import Database

KINDS = ("sqlite", "postgresql")


@dataclass
class Report:
    """Figures and violations of one run."""

    name: str
    figures: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def require(self, true: bool, words: str) -> None:
        """Note a violation unless `true`."""
        if not true:
            self.violations.append(words)

    def told(self) -> int:
        """Print one line of figures and one of JSON; the exit status says whether anything was violated."""
        words = ", ".join(f"{name} {value}" for name, value in self.figures.items() if not isinstance(value, dict))
        print(f"{self.name}: {words}, violations {len(self.violations)}")
        print(json.dumps({"name": self.name, **self.figures, "violations": self.violations[:50]}))
        return 1 if self.violations else 0


@contextmanager
def database_url(kind: str, folder: Path, *, empty: bool = False) -> Iterator[str]:
    """The address of a fresh database at the newest schema, or an empty one; PostgreSQL is a real server."""
    if kind == "sqlite":
        url = f"sqlite:///{folder}/{'empty' if empty else 'sayso'}-{time.monotonic_ns()}.db"
        if not empty:
            database = Database(url, pool_size=1)
            schema.upgrade(database)
            database.close()
        yield url
        return
    with postgres.running().fresh(empty=empty) as url:
        yield url


@contextmanager
def run_of_its_own() -> Iterator[Path]:
    """A folder, and a PostgreSQL that is stopped afterwards, for a harness that runs outside pytest."""
    postgres.begin_run()
    try:
        with tempfile.TemporaryDirectory(prefix="sayso-chaos-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    finally:
        postgres.end_run()


def command_line(
    work: Callable[[argparse.Namespace, Path], Report], *, n: int, databases: bool = True, **more: Any
) -> None:
    """Run a harness from the command line: --n, --seed, and --database where it has a choice."""
    parser = argparse.ArgumentParser(description=(sys.modules[work.__module__].__doc__ or "").partition("\n")[0])
    parser.add_argument("--n", type=int, default=int(os.environ.get("N") or n), help=f"how many (default {n})")
    parser.add_argument("--seed", type=int, default=1)
    if databases:
        parser.add_argument("--database", choices=KINDS, default="postgresql")
    for name, default in more.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    arguments = parser.parse_args()
    begun = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends, too
    with run_of_its_own() as folder:
        report = work(arguments, folder)
    report.figures |= {"seed": arguments.seed, "seconds": round(time.monotonic() - begun)}
    sys.exit(report.told())
