"""Somebody with the database's password: every way to change an audit table, at random, and whether it is found."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from store import schema, verification
from store.audit import Entry, head
from store.engine import Database, sha256_hex
from store.tables import audit
from store.unit import Unit

Row = dict[str, Any]
TEXTS = ("line", "prev_hash", "hash", "texts")
FILED = ("approval_id", "session_id")


def trail(folder: Path) -> Database:
    """A small trail of its own, which nothing guards."""
    database = Database(f"sqlite:///{folder / 'trail.db'}", pool_size=1)
    schema.upgrade(database)

    def work(unit: Unit) -> None:
        for number in range(6):
            facts = {"approval_id": f"apr_{number % 2}", "session_id": "s" if number % 3 else None}
            unit.record(Entry(event="requested", actor="agent:demo", at=unit.now, **facts))

    database.run(work)
    unguarded(database)
    return database


def unguarded(database: Database) -> None:
    """Drop what stands in the way of whoever owns the database."""
    with database.engine.connect() as connection, connection.begin():
        if database.sqlite:
            for verb in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER audit_no_{verb}"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))


def tampered(unit: Unit, random_: random.Random) -> bool:
    """Change the table in one to three ways; whether it now says something else than before."""
    connection = unit.connection
    before = _rows(connection)
    for _ in range(random_.randint(1, 3)):
        way = random_.choice(WAYS)
        try:
            with connection.begin_nested():
                way(connection, random_)
        except IntegrityError:
            continue  # the table's own constraints refuse it
    return _rows(connection) != before


def found(database: Database, random_: random.Random) -> bool | None:
    """Tamper, verify against the end noted before, and undo: whether it was found, None where nothing had changed."""
    outcome: list[bool | None] = []

    def work(unit: Unit) -> None:
        known = head(unit)
        changed = tampered(unit, random_)
        faults = verification.chain(unit, [known]).told
        assert changed or not faults, f"an untouched trail is called broken: {faults}"
        outcome.append(bool(faults) if changed else None)
        raise _Undone

    try:
        database.run(work)
    except _Undone:
        return outcome[0]
    raise AssertionError("unreachable")


class _Undone(Exception):
    """Rolls the tampering back."""


def _rows(connection: Connection) -> list[Row]:
    return [dict(row) for row in connection.execute(select(audit).order_by(audit.c.seq)).mappings()]


def _some(connection: Connection, random_: random.Random) -> Row:
    rows = _rows(connection)
    return random_.choice(rows) if rows else {}


def _other_text(value: str, random_: random.Random) -> str:
    at = random_.randrange(len(value) + 1)
    match random_.randrange(5):
        case 0:
            return value[:at] + random_.choice("0aA {}\",'é") + value[at + 1 :]
        case 1:
            return value[:at] + value[at + 1 :]
        case 2:
            return random_.choice(("", "{}", "[]", "null", "not JSON", '{"event":"approved"}', "1e999", '"' * 50))
        case 3:
            return value.swapcase()
    return value + random_.choice((" ", "\n", "}", "x" * 1000))


def _edit(connection: Connection, random_: random.Random) -> None:
    """Another text in one cell."""
    row = _some(connection, random_)
    if row:
        name = random_.choice((*TEXTS, *FILED))
        value = _other_text(str(row[name] or ""), random_)
        connection.execute(update(audit).where(audit.c.seq == row["seq"]).values({name: value}))


def _unfile(connection: Connection, random_: random.Random) -> None:
    """A row in nobody's trail."""
    row = _some(connection, random_)
    if row:
        values = {random_.choice(FILED): None}
        connection.execute(update(audit).where(audit.c.seq == row["seq"]).values(values))


def _drop(connection: Connection, random_: random.Random) -> None:
    """Some rows less: any, the first, or a tail."""
    row = _some(connection, random_)
    if row:
        at = audit.c.seq
        which = random_.choice((at == row["seq"], at >= row["seq"], at <= row["seq"], at >= 0))
        connection.execute(delete(audit).where(which))


def _renumber(connection: Connection, random_: random.Random) -> None:
    """A row in another place."""
    row = _some(connection, random_)
    if row:
        values = {"seq": row["seq"] + random_.choice((-1000, -1, 1, 1000))}
        connection.execute(update(audit).where(audit.c.seq == row["seq"]).values(values))


def _swap(connection: Connection, random_: random.Random) -> None:
    """Two lines that changed places."""
    one, other = _some(connection, random_), _some(connection, random_)
    if one:
        for row, line in ((one, other["line"]), (other, one["line"])):
            connection.execute(update(audit).where(audit.c.seq == row["seq"]).values(line=line))


def _append(connection: Connection, random_: random.Random) -> None:
    """A row that fits, after a tail was cut: a chain that is whole, and another one."""
    rows = _rows(connection)
    if len(rows) > 1:  # what follows the very end fits, as whatever is recorded later does
        row = random_.choice(rows[:-1])
        connection.execute(delete(audit).where(audit.c.seq > row["seq"]))
        line = _other_text(row["line"], random_)
        texts = rows[rows.index(row) + 1]["texts"]
        connection.execute(insert(audit).values(_following(row, row["seq"] + 1, line) | {"texts": texts}))


def _rewrite(connection: Connection, random_: random.Random) -> None:
    """Another line, and every hash from there on made to fit it."""
    rows = _rows(connection)
    if not rows:
        return
    at = random_.randrange(len(rows))
    line = _other_text(rows[at]["line"], random_)
    previous = rows[at - 1] if at else {"hash": rows[0]["prev_hash"]}
    connection.execute(delete(audit).where(audit.c.seq >= rows[at]["seq"]))
    for number, row in enumerate(rows[at:]):
        previous = _following(previous, row["seq"], row["line"] if number else line) | {"texts": row["texts"]}
        connection.execute(insert(audit).values(previous))


def _following(row: Row, seq: int, line: str) -> Row:
    hashed = sha256_hex(f"{row['hash']}\n{seq}\n{line}")
    try:
        body = json.loads(line)
    except ValueError:
        body = None
    filed = {name: body.get(name) if isinstance(body, dict) else None for name in FILED}
    filed = {name: value if isinstance(value, str) else None for name, value in filed.items()}
    return {"seq": seq, "line": line, "prev_hash": row["hash"], "hash": hashed, **filed}


WAYS: tuple[Callable[[Connection, random.Random], None], ...] = (
    _edit,
    _unfile,
    _drop,
    _renumber,
    _swap,
    _append,
    _rewrite,
)
