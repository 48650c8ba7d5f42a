"""What one approval and one workspace cost, measured on this machine."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil  # type: ignore[import-untyped]
from support.servers import settings_of

from bot.app import build
from bot.service.sweep import sweep
from store.engine import Database
from tests.bench import load, material
from tests.bench.rows.cycles import agent
from tests.bench.stack import Stack, standing

AT_ONCE, ROUNDS, CYCLES = 16, 2, 320
APPS = 12


@dataclass(frozen=True, slots=True)
class Costs:
    """Of create → tap → claim → result, and of a workspace that does nothing."""

    rate: float  # approvals a second of one server on one SQLite file
    processor: float  # seconds of a core an approval
    stored: float  # bytes an approval, with its trail and indexes
    sweep: float  # seconds of a sweep with nothing due
    memory: float  # bytes of one more workspace's app in a server, before it runs


def measured() -> Costs:
    """All of them; about a minute."""
    with standing() as stack:
        return _measured(stack)


def _measured(stack: Stack) -> Costs:
    database = stack.sqlite()
    tokens = [material.agent_token(database, f"scale-{number}") for number in range(AT_ONCE)]
    world = material.world_on(database)
    template = material.one_pending(world, tokens[0])
    tap, known = material.payload(template), (template.id.encode(), template.digest.encode())
    server = stack.serve(database)

    def once(name: str) -> float:
        scripts = [agent(token, f"{name}-{at}-", CYCLES // AT_ONCE, tap, known) for at, token in enumerate(tokens)]
        return load.run_scripts(server.port, scripts).seconds

    once("warm")
    bytes_before, used_before = _size(database), server.cpu_seconds
    seconds = sum(once(str(number)) for number in range(ROUNDS))
    used, stored = server.cpu_seconds - used_before, _size(database) - bytes_before
    server.stop()
    count = CYCLES * ROUNDS
    memory = _memory(stack, server.port)
    return Costs(count / seconds, used / count, stored / count, _sweep_seconds(world), memory)


def _size(database: Database) -> int:
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(str(database.url.database)).stat().st_size


def _sweep_seconds(world: object) -> float:
    found = []
    for _ in range(20):
        began = time.perf_counter()
        sweep(world)  # type: ignore[arg-type]
        found.append(time.perf_counter() - began)
    return median(found)


def _memory(stack: Stack, port: int) -> float:
    own = psutil.Process(os.getpid())
    kept, before = [], 0.0
    for number in range(APPS + 2):
        if number == 2:  # what the first ones load is everybody's
            gc.collect()
            before = own.memory_info().rss
        database = stack.sqlite()
        kept.append(build(settings_of(stack.settings(database, port)), database=database))
    gc.collect()
    return float(max(0.0, own.memory_info().rss - before) / APPS)
