"""Taps: signed POSTs to the real server, against the database alone and against Bolt alone."""

from __future__ import annotations

from statistics import median

from bot.service import decide
from bot.service.authorization import Tap
from policies.approval import Approval
from store.engine import Database
from tests.bench import load, material
from tests.bench.load import Result
from tests.bench.stack import Process, Stack
from tests.bench.statements import Bench, Log, captured, for_sqlite, pgbench, script
from tests.bench.table import Row

ROUNDS = 3
AT_ONCE = 16
TAPS = 640  # a round
SINGLE = 200  # a round, one at a time


def postgresql(stack: Stack) -> list[Row]:
    """16 at once and one at a time on PostgreSQL."""
    database = stack.postgres()
    template, log = prepared(database)
    text = script(log, {template.id: "E'apr_f' || (:n)::text"})
    material.copies(database, template, "apr_f", ROUNDS * TAPS)
    server = stack.serve(database)
    _warmed(server, database, template)
    floors: list[Bench] = []
    ours: list[Result] = []
    for number in range(ROUNDS):
        base, each = number * TAPS, TAPS // AT_ONCE
        floors.append(pgbench(database, stack.folder, text, at_once=AT_ONCE, each=each, base=base))
        ours.append(tapped(server, database, template, f"apr_o{number}_", TAPS, AT_ONCE))
    ratio = median(one.rate / floor.rate for one, floor in zip(ours, floors, strict=True))
    row = Row(
        name="tap, PostgreSQL, 16 at once",
        goal=0.50,
        measured=ratio,
        unit="× pgbench",
        at_least=True,
        floor=f"{median(floor.rate for floor in floors):,.0f}/s pgbench, {log.round_trips} round trips",
        ours=f"{median(one.rate for one in ours):,.0f}/s",
    )
    rows = [
        row,
        *_tails("PostgreSQL", server, database, template, ours),
        *_single(stack, "PostgreSQL", server, database, template),
    ]
    server.stop()
    return rows


def sqlite(stack: Stack) -> list[Row]:
    """16 at once and one at a time on SQLite."""
    database, below = stack.sqlite(), stack.sqlite()
    template, log = prepared(database)
    twin, recorded = prepared(below)
    path = for_sqlite(recorded, stack.folder / "statements.json")
    server = stack.serve(database)
    floor = stack.floor("raw", str(below.url.database), str(path), f"{twin.id}|{twin.digest}")
    _warmed(server, database, template)
    ours: list[Result] = []
    floors: list[Result] = []
    for number in range(ROUNDS):
        floors.append(tapped(floor, below, twin, f"apr_raw{number}_", TAPS, AT_ONCE))
        ours.append(tapped(server, database, template, f"apr_o{number}_", TAPS, AT_ONCE))
    row = Row(
        name="tap, SQLite, 16 at once",
        goal=0.90,
        measured=median(one.rate / floor.rate for one, floor in zip(ours, floors, strict=True)),
        unit="× raw sqlite3",
        at_least=True,
        floor=f"{median(floor.rate for floor in floors):,.0f}/s, {log.round_trips} statements",
        ours=f"{median(one.rate for one in ours):,.0f}/s",
    )
    rows = [
        row,
        *_tails("SQLite", server, database, template, ours),
        *_single(stack, "SQLite", server, database, template),
    ]
    for process in (server, floor):
        process.stop()
    return rows


def prepared(database: Database) -> tuple[Approval, Log]:
    """A template to copy, and the statements of a tap on another one like it with the same id in them."""
    world, token = material.world_on(database), material.agent_token(database)
    template = material.one_pending(world, token)
    material.witnessed(database, template, material.copies(database, template, "apr_warm", 8))
    for number in range(7):  # prepared statements and compiled queries are part of a running server
        decide.approve(world, _tap(template, f"apr_warm{number}"))
    log = captured(database, lambda: decide.approve(world, _tap(template, "apr_warm7")))
    names = {"apr_warm7": template.id, material.copied(template, "apr_warm7").digest: template.digest}
    for transaction in log.transactions:
        for old, new in names.items():
            transaction[:] = [(sql, _renamed(values, old, new)) for sql, values in transaction]
    return template, log


def _tap(template: Approval, approval_id: str) -> Tap:
    return material.tap_on(material.copied(template, approval_id))


def _renamed(values: object, old: str, new: str) -> object:
    match values:
        case dict():
            return {name: _renamed(value, old, new) for name, value in values.items()}
        case list() | tuple():
            return [_renamed(value, old, new) for value in values]
        case str():
            return values.replace(old, new)
    return values


def tapped(process: Process, database: Database, template: Approval, prefix: str, count: int, at_once: int) -> Result:
    """Fresh approvals, each tapped once; every answer must be 200 and every approval approved."""
    ids = material.witnessed(database, template, material.copies(database, template, prefix, count))
    result = load.run(process.port, material.taps(template, ids), at_once).require(200)
    require_decided(database, prefix, count)
    return result


def require_decided(database: Database, prefix: str, count: int) -> None:
    from sqlalchemy import func, select

    from store.tables import approvals

    query = select(func.count()).where(
        approvals.c.id.startswith(prefix, autoescape=True), approvals.c.state != "pending"
    )
    decided = database.read(lambda unit: unit.execute(query).scalar_one())
    if decided != count:
        raise RuntimeError(f"{decided} of {count} taps decided")


def _warmed(process: Process, database: Database, template: Approval) -> None:
    tapped(process, database, template, "apr_hot", 320, AT_ONCE)


def _tails(name: str, server: Process, database: Database, template: Approval, ours: list[Result]) -> list[Row]:
    """How far the slowest of a hundred is from the middle, at 16 and at 64."""
    crowds = [tapped(server, database, template, f"apr_c{number}_", TAPS, 64) for number in range(ROUNDS)]
    rows = []
    for at_once, results in ((AT_ONCE, ours), (64, crowds)):
        worst = median(one.p99 / one.p50 for one in results)
        middle, tail = median(one.p50 for one in results), median(one.p99 for one in results)
        rows.append(
            Row(
                name=f"tap p99, {name}, {at_once} at once",
                goal=2.2,
                measured=worst,
                unit="× its p50",
                at_least=False,
                floor=f"p50 {middle * 1000:.1f} ms",
                ours=f"p99 {tail * 1000:.1f} ms",
            )
        )
    return rows


def _single(stack: Stack, name: str, server: Process, database: Database, template: Approval) -> list[Row]:
    """One tap after another, against Bolt acknowledging the same bytes and doing nothing."""
    empty = stack.floor("empty")
    load.run(empty.port, material.taps(template, [template.id] * 50), 1).require(200)
    floors, ours = [], []
    for number in range(ROUNDS):
        floors.append(load.run(empty.port, material.taps(template, [template.id] * SINGLE), 1).require(200))
        ours.append(tapped(server, database, template, f"apr_s{number}_", SINGLE, 1))
    empty.stop()
    return [
        Row(
            name=f"tap p50, {name}, one at a time",
            goal=4.0,
            measured=median(one.p50 / floor.p50 for one, floor in zip(ours, floors, strict=True)),
            unit="× empty Bolt",
            at_least=False,
            floor=f"p50 {median(floor.p50 for floor in floors) * 1000:.2f} ms",
            ours=f"p50 {median(one.p50 for one in ours) * 1000:.2f} ms",
        )
    ]
