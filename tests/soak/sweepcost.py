"""A sweep with nothing due costs the same among 1,000 rows and among 1,000,000, a tenth of them pending.

`python -m tests.soak.sweepcost` fills two tables, counts what a sweep reads in each and times whole sweeps in turns.
What is read is counted by the database: pages on PostgreSQL, steps of its virtual machine on SQLite. No load changes that.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import event

from bot.service.context import World
from bot.service.sweep import sweep
from store.engine import Database
from store.unit import Unit
from tests.bench import material
from tests.chaos.places import Report, command_line, database_url

Statement = tuple[str, Any]
FEW = 1_000
TURNS = 200
MOST = 1.5  # times the cost among few rows
# Of ten rows one is pending and is due tomorrow; the others are over.
MIXED = {
    "state": "CASE WHEN n % 10 = 0 THEN 'pending' ELSE 'expired' END",
    "wake_at": "CASE WHEN n % 10 = 0 THEN wake_at END",
}


def filled(url: str, count: int) -> World:
    """A world on a database with so many rows."""
    database = Database(url, pool_size=2)
    world = material.world_on(database)
    template = material.one_pending(world, material.agent_token(database))
    material.many(database, template, "apr_c", count, changed=MIXED)
    return world


def read_by(world: World) -> tuple[int, str]:
    """What one sweep reads, all its statements together, and their plans."""
    asked = _asked(world)
    return world.database.run(lambda unit: _pages(unit, asked) if _on_postgresql(unit) else _steps(unit, asked))


def _on_postgresql(unit: Unit) -> bool:
    return unit.connection.dialect.name == "postgresql"


def _pages(unit: Unit, asked: list[Statement]) -> tuple[int, str]:
    plans = []
    for sql, values in asked:
        answer = unit.connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", values)
        plans.append(answer.scalar_one()[0]["Plan"])
    return sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans), json.dumps(plans)


def _steps(unit: Unit, asked: list[Statement]) -> tuple[int, str]:
    raw: Any = unit.connection.connection.driver_connection
    plans = [str(row[-1]) for sql, values in asked for row in raw.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    raw.set_progress_handler(step, 1)
    try:
        for sql, values in asked:
            raw.execute(sql, values).fetchall()
    finally:
        raw.set_progress_handler(None, 0)
    return steps, json.dumps(plans)


def _asked(world: World) -> list[Statement]:
    """Every statement with which a sweep looks for something to do, as it goes to the database."""
    sweep(world)  # the first one under a new policy goes through all that is open
    seen: list[Statement] = []

    def before(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append((statement, parameters))

    event.listen(world.database.engine, "before_cursor_execute", before)
    try:
        counts = sweep(world)
    finally:
        event.remove(world.database.engine, "before_cursor_execute", before)
    assert not any(asdict(counts).values()), "nothing was to be due"
    return seen


def run(addresses: tuple[str, str], kind: str, *, n: int, timed: bool = True) -> Report:
    """Few rows and `n`: what is read, and how long a sweep takes; `timed` also judges the time."""
    report = Report(f"a sweep with nothing due, {kind}")
    worlds = [filled(url, count) for url, count in zip(addresses, (FEW, n), strict=True)]
    try:
        (few, _), (many, plan) = (read_by(world) for world in worlds)
        report.require(many <= few * MOST + 2, f"{many} read among {n} rows, {few} among {FEW}: {plan}")
        report.require("ix_approvals_wake" in plan, f"not by the index of what is due: {plan}")
        quick, slow = _milliseconds([lambda world=world: sweep(world) for world in worlds])
        report.require(slow <= quick * MOST or not timed, f"{slow:.2f} ms among {n} rows, {quick:.2f} among {FEW}")
    finally:
        for world in worlds:
            world.database.close()
    report.figures |= {
        "rows": n,
        "pending": n // 10,
        "read": f"{many} ({few} among {FEW:,})",
        "milliseconds": f"{slow:.2f} ({quick:.2f} among {FEW:,})",
        "ratio": round(slow / quick, 2),
    }
    return report


def _milliseconds(works: list[Callable[[], object]]) -> list[float]:
    """The median of each, in turns, so that what else the machine does meets all alike."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(TURNS):
        for work, kept in zip(works, taken, strict=True):
            begun = time.perf_counter()
            work()
            kept.append((time.perf_counter() - begun) * 1000)
    return [median(one) for one in taken]


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    with database_url(arguments.database, folder) as few, database_url(arguments.database, folder) as many:
        return run((few, many), arguments.database, n=arguments.n)


if __name__ == "__main__":
    command_line(_work, n=1_000_000)
