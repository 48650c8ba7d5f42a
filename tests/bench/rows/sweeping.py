"""The sweep: with nothing due in a small and a large table, and with much due against one set-based statement."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from statistics import median

from sqlalchemy import text

from bot.service.context import World
from bot.service.sweep import sweep
from policies.approval import Approval
from store.engine import Database
from tests.bench import material
from tests.bench.stack import Stack
from tests.bench.table import Row

FEW, MANY = 1_000, int(os.environ.get("BENCH_SWEEP_ROWS", "1000000"))
DUE = int(os.environ.get("BENCH_DUE", "10000"))
ROUNDS, CALLS = 3, 60


def idle(stack: Stack) -> list[Row]:
    """Nothing due: a thousand rows and a million, turn and turn about, on both databases."""
    return [_idle(stack, kind) for kind in ("sqlite", "postgresql")]


def _idle(stack: Stack, kind: str) -> Row:
    sweeps: list[Callable[[], float]] = []
    for count in (FEW, MANY):
        database = stack.database(kind)
        world = material.world_on(database)
        material.many(database, material.one_pending(world, material.agent_token(database)), "apr_i", count)
        sweeps.append(partial(_milliseconds, partial(sweep, world)))
    taken = _in_turns(sweeps)
    few, many = (median(one) for one in taken)
    return Row(
        name=f"sweep, nothing due, {MANY:,} rows, {kind}",
        goal=1.5,
        measured=many / few,
        unit=f"× {FEW:,} rows",
        at_least=False,
        floor=f"{few:.2f} ms",
        ours=f"{many:.2f} ms",
    )


def _in_turns(sweeps: list[Callable[[], float]]) -> list[list[float]]:
    taken: list[list[float]] = [[] for _ in sweeps]
    for _ in range(ROUNDS * CALLS):
        for once, kept in zip(sweeps, taken, strict=True):
            kept.append(once())
    return taken


def _milliseconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


# Expiry, as one statement: state, decision and clock, the card's wanted revision, and a chained audit row each.
_SET_BASED = text("""
WITH due AS (
    UPDATE approvals SET state = 'expired', version = version + 1, updated_at = clock_timestamp(),
        clock_due_at = NULL, clock_remind_at = NULL, clock_expires_at = NULL, wake_at = NULL,
        decision = :decision, decided_by = 'policy', decided_at = clock_timestamp()
    WHERE wake_at <= clock_timestamp() AND state = 'pending'
    RETURNING id, session_id, version
), shown AS (
    UPDATE outbox SET wanted = due.version, next_at = clock_timestamp()
    FROM due WHERE approval_id = due.id AND kind = 'card' AND face = 'live'
)
SELECT sayso_append_audit(array_agg(id), array_agg(session_id), array_agg(CAST(:line AS TEXT))) FROM due
""")


def due(stack: Stack) -> list[Row]:
    """Much is due: rows a second, against one statement that writes the same."""
    database = stack.postgres()
    world = material.world_on(database)
    template = material.one_pending(world, material.agent_token(database))
    line, decision = "x" * 900, '{"kind": "expired", "by": "policy", "note": "nobody decided in time"}'

    def set_based() -> object:
        with database.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            return connection.execute(_SET_BASED, {"line": line, "decision": decision})

    floors, ours = [], []
    for number in range(ROUNDS):
        _overdue(database, template, f"apr_f{number}_")
        floors.append(DUE / _milliseconds(set_based) * 1000)
        _overdue(database, template, f"apr_o{number}_")
        ours.append(DUE / _milliseconds(lambda: _swept(world)) * 1000)
    return [
        Row(
            name=f"sweep, {DUE:,} due, PostgreSQL",
            goal=0.5,
            measured=median(one / floor for one, floor in zip(ours, floors, strict=True)),
            unit="× set-based",
            at_least=True,
            floor=f"{median(floors):,.0f} rows/s",
            ours=f"{median(ours):,.0f} rows/s",
            note="100,000 are due with BENCH_DUE=100000; rows a second are what is compared",
        )
    ]


def _overdue(database: Database, template: Approval, prefix: str) -> None:
    past = "CAST('2020-01-01T00\\:00\\:00+00\\:00' AS TIMESTAMPTZ)"
    late = dict.fromkeys(("clock_due_at", "clock_remind_at", "clock_expires_at", "expires_at", "wake_at"), past)
    material.copies(database, template, prefix, DUE, changed=late)


def _swept(world: World) -> None:
    counts = sweep(world)
    if counts.expired != DUE:
        raise RuntimeError(f"{counts} instead of {DUE} expired")
