"""Where the processor time of a tap and of a create goes: of the server as a whole, and of its parts measured alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

from bot.service import decide, submit
from bot.slack import payload_checks
from bot.slack.ingress import parsed
from store import agents
from store.engine import Database
from tests.bench import load, material
from tests.bench.rows import taps
from tests.bench.stack import Process, Stack
from tests.bench.statements import Log, captured
from tests.bench.table import Row

ROUNDS = 3
REQUESTS = 320  # a round
AT_ONCE = 16
ALONE = 200  # times that a part is measured by itself


def parts(stack: Stack) -> list[Row]:
    """On both databases."""
    return [row for kind in ("postgresql", "sqlite") for row in _of(stack, kind)]


def _of(stack: Stack, kind: str) -> list[Row]:
    database = stack.database(kind)
    world = material.world_on(database)
    tokens = [material.agent_token(database, f"bench-{number}") for number in range(AT_ONCE)]
    template, sent = taps.prepared(database)
    server, empty = stack.serve(database), stack.floor("empty")
    whole, bare, made = [], [], []
    for number in range(ROUNDS + 1):
        ids = material.witnessed(database, template, material.copies(database, template, f"apr_w{number}_", REQUESTS))
        whole.append(_taken(server, material.taps(template, ids), 200))
        bare.append(_taken(empty, material.taps(template, [template.id] * REQUESTS), 200))
        made.append(_taken(server, material.creates(tokens, f"w{number}-", REQUESTS), 201))
    server.stop()
    empty.stop()
    body = material.payload(template)
    ids = material.witnessed(database, template, material.copies(database, template, "apr_a", ALONE))
    yes = [material.tap_on(material.copied(template, one)) for one in ids]
    tap = {
        "Bolt as it comes, with HTTP": median(bare[1:]),
        "reading the form": _alone(_read, [body] * ALONE),
        "the use case": _alone(lambda one: decide.approve(world, one), yes),
        "of it the statements by themselves": _replayed(database, sent),
    }
    hashed = agents.token_hash(tokens[0])
    asked = [(f"a{number}", material.ask_body(f"a{number}@example.com")) for number in range(ALONE)]
    for key, text in asked[:8]:
        submit.submit(world, hashed, f"first-{key}", text)
    log = captured(database, lambda: submit.submit(world, hashed, "seen", material.ask_body("seen@example.com")))
    create = {
        "the use case": _alone(lambda one: submit.submit(world, hashed, *one), asked),
        "round trips": float(log.round_trips),
    }
    return [_row("tap", kind, median(whole[1:]), tap), _row("create", kind, median(made[1:]), create)]


def _row(name: str, kind: str, whole: float, found: dict[str, float]) -> Row:
    told = "; ".join(f"{part} {value:.2f}" for part, value in found.items())
    return Row(
        name=f"processor time of a {name}, {kind}",
        goal=None,
        measured=whole,
        unit="ms",
        at_least=False,
        floor=f"the use case alone {found['the use case']:.2f} ms",
        ours=f"{whole:.2f} ms in the server",
        note=f"each alone, ms: {told}",
    )


def _taken(process: Process, requests: list[bytes], status: int) -> float:
    """Milliseconds of the process's processor time a request."""
    before = process.cpu_seconds
    load.run(process.port, requests, AT_ONCE).require(status)
    return (process.cpu_seconds - before) / len(requests) * 1000


def _read(body: bytes) -> None:
    assert payload_checks.read(parsed(body, "application/x-www-form-urlencoded") or {}) is not None


def _alone(work: Callable[[Any], object], given: Iterable[Any]) -> float:
    """The median of this thread's processor time, milliseconds."""
    taken = []
    for one in given:
        begun = time.thread_time()
        work(one)
        taken.append((time.thread_time() - begun) * 1000)
    return median(taken)


def _replayed(database: Database, log: Log) -> float:
    """The same statements once more and rolled back, without anything that decides."""

    def once(_: object) -> None:
        with database.engine.connect() as connection, connection.begin() as transaction:
            for one in log.transactions:
                for sql, values in one:
                    connection.exec_driver_sql(sql, tuple(values) if isinstance(values, list) else values)
            transaction.rollback()

    return _alone(once, range(ALONE))
