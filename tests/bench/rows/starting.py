"""Starting, importing, and what 100,000 pending approvals weigh."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from statistics import median

from tests.bench import material
from tests.bench.stack import ROOT, Stack
from tests.bench.table import Row

RUNS = 5
PENDING = int(os.environ.get("BENCH_PENDING", "100000"))
WATCH_SECONDS = 5.0


def start(stack: Stack) -> list[Row]:
    """From the command to a ready server; the floor is an interpreter that does nothing."""
    seconds = []
    for _ in range(3):
        server = stack.serve(stack.sqlite())
        seconds.append(server.ready_after)
        server.stop()
    bare = _python("pass")
    imported = _python("import sayso")
    return [
        Row(
            "start to ready, SQLite",
            2.0,
            median(seconds),
            "s",
            False,
            f"python alone {bare * 1000:.0f} ms",
            f"{median(seconds):.2f} s",
        ),
        Row(
            "import sayso",
            150.0,
            (imported - bare) * 1000,
            "ms",
            False,
            f"python alone {bare * 1000:.0f} ms",
            f"with python {imported * 1000:.0f} ms",
        ),
    ]


def _python(code: str) -> float:
    def once() -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        return time.perf_counter() - begun

    once()
    return median(once() for _ in range(RUNS))


def memory(stack: Stack) -> list[Row]:
    """A server with many approvals pending, none of their cards posted yet."""
    empty = stack.serve(stack.sqlite())
    time.sleep(1.0)
    floor = empty.memory_mb
    empty.stop()
    database = stack.sqlite()
    template = material.one_pending(material.world_on(database), material.agent_token(database))
    material.copies(database, template, "apr_m", PENDING)
    server = stack.serve(database)
    time.sleep(WATCH_SECONDS)
    weight, cpu = server.memory_mb, server.cpu_seconds
    server.stop()
    return [
        Row(
            f"memory with {PENDING:,} pending",
            150.0,
            weight,
            "MB",
            False,
            f"{floor:.0f} MB with none",
            f"{weight:.0f} MB, {cpu:.1f} s CPU",
        )
    ]
