"""A whole database copied into another, SQLite or PostgreSQL: everything, held against its source, or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, Text, bindparam, func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from policies.errors import SaysoError
from store import schema, switches, verification
from store.engine import Database, StoreUnavailable
from store.tables import audit, metadata
from store.types import JsonText, database_now
from store.unit import Unit

ROWS = 500  # carried at a time
MOVED = "moved"
# Rows of these refer to others of their own table: that is filled in once all of them are there.
_OWN_KIND = {
    table.name: next((key.parent.name for key in table.foreign_keys if key.column.table is table), None)
    for table in metadata.sorted_tables
}
Tell = Callable[[int], None]


class CannotMove(SaysoError):
    """The database cannot be moved."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was carried over: rows by table, and how many approvals are open."""

    rows: dict[str, int]
    open: int


def _plain(table: Table) -> Table:
    """The same table, with JSON as the text that it is: not a byte of it changes."""
    columns = [Column(one.name, Text() if isinstance(one.type, JsonText) else one.type) for one in table.columns]
    return Table(table.name, MetaData(), *columns)


_PLAIN = {table.name: _plain(table) for table in metadata.sorted_tables}
_OPEN = "SELECT count(*) FROM approvals WHERE state = 'pending'"


def require_unused(source: Database) -> None:
    """Raise CannotMove where a server, or anything else, has the database open."""
    source.close()
    if source.sqlite:
        _require_file_alone(source)
    else:
        _require_alone(source)


def _require_file_alone(source: Database) -> None:
    # Only who is alone with a file can give its log up; opening it again takes the log up once more.
    session = source.engine.raw_connection()
    try:
        cursor = session.cursor()
        cursor.execute("PRAGMA busy_timeout = 1000")
        cursor.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        raise CannotMove("SAYSO_DATABASE_URL: a server still runs on it: stop every server first") from None
    finally:
        session.close()
        source.close()


def _require_alone(source: Database) -> None:
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with source.engine.connect() as connection:
        if connection.execute(text(f"{others} AND backend_type = 'client backend'")).scalar_one():
            raise CannotMove("SAYSO_DATABASE_URL: others are connected to it: stop every server first")


def count(source: Database) -> dict[str, int]:
    """How many rows each table has."""
    return source.snapshot(lambda unit: counts(unit.connection))


def counts(connection: Connection) -> dict[str, int]:
    """The same on a connection."""
    return {
        name: connection.execute(select(func.count()).select_from(table)).scalar_one() for name, table in _PLAIN.items()
    }


def move(source: Database, target: Database, where: str, tell: Tell) -> Moved:
    """Carry everything over in one transaction of the target; then the source notes `where` it is, and serves no more.

    `tell` hears how many rows went over. Raises CannotMove where the target holds anything, or would not hold what the
    source does: then nothing was carried.
    """
    schema.upgrade(target)
    with _whole(source) as reading, reading.begin():
        with target.engine.connect() as writing, writing.begin():
            schema.wait_turn(writing)
            _require_empty(writing)
            for table in metadata.sorted_tables:
                _carry(reading, writing, table, tell)
            _number_on(writing)
            moved = Moved(counts(writing), writing.execute(text(_OPEN)).scalar_one())
            _require_same(counts(reading), moved.rows)
            _require_intact(reading, writing)
        switches.note(Unit(reading, database_now()), MOVED, where)
    return moved


def _whole(source: Database) -> Connection:
    """A session that sees one moment of the source: SQLite lets nobody else write meanwhile."""
    session = source.engine.connect()
    if not source.sqlite:
        session = session.execution_options(isolation_level="REPEATABLE READ")
    return session


def _require_empty(writing: Connection) -> None:
    genesis = {audit.name: 1}
    full = [name for name, rows in counts(writing).items() if rows > genesis.get(name, 0)]
    if full:
        raise CannotMove(f"--to: is not empty, it has rows in {', '.join(sorted(full))}", field="--to")


def _carry(reading: Connection, writing: Connection, table: Table, tell: Tell) -> None:
    plain, own = _PLAIN[table.name], _OWN_KIND[table.name]
    adding = insert(plain)
    for rows in _portions(reading, table):
        writing.execute(adding, [row | ({own: None} if own else {}) for row in rows])
        tell(len(rows))
    if own is None:
        return
    (key,) = table.primary_key.columns.keys()
    filling = update(plain).where(plain.c[key] == bindparam("_key")).values({own: bindparam("_own")})
    for rows in _portions(reading, table, plain.c[own].is_not(None)):
        writing.execute(filling, [{"_key": row[key], "_own": row[own]} for row in rows])


def _portions(reading: Connection, table: Table, *wanted: Any) -> Iterator[list[dict[str, Any]]]:
    plain = _PLAIN[table.name]
    query = select(plain).where(*wanted).order_by(*(plain.c[key.name] for key in table.primary_key.columns))
    if table is audit:
        query = query.where(plain.c.seq > 0)  # the row that every chain begins with is there
    result = reading.execute(query.execution_options(yield_per=ROWS))
    for rows in result.mappings().partitions():
        yield [dict(row) for row in rows]


def _number_on(writing: Connection) -> None:
    """The next number of each table that numbers its rows is one that was not used."""
    if writing.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        key = table.autoincrement_column
        if key is not None and key.autoincrement is True:
            last = f"SELECT max({key.name}) FROM {table.name}"  # noqa: S608 - names of ours
            numbered = f"pg_get_serial_sequence('{table.name}', '{key.name}')"
            writing.execute(text(f"SELECT setval({numbered}, greatest(({last}), 1), ({last}) IS NOT NULL)"))


def _require_same(source: dict[str, int], target: dict[str, int]) -> None:
    wrong = [f"{name} {target[name]} of {rows}" for name, rows in source.items() if target[name] != rows]
    if wrong:
        raise CannotMove(f"not everything arrived: {', '.join(wrong)}; nothing was moved")


def _require_intact(reading: Connection, writing: Connection) -> None:
    """What the trail says of itself and of every approval is at the target what it was at the source."""
    faults = _faults(writing)
    if faults and faults != _faults(reading):
        raise CannotMove(f"the trail does not hold at the target: {faults[0]}; nothing was moved")


def _faults(connection: Connection) -> list[str]:
    return verification.verify(Unit(connection, database_now())).told


class Gone(SaysoError):
    """SAYSO_DATABASE_URL: this database was moved to {where}: name that one, or another file."""


def require_not_moved(database: Database) -> None:
    """Raise Gone where everything of this database is somewhere else now."""
    try:
        where = database.read(lambda unit: switches.value(unit, MOVED))
    except SQLAlchemyError as error:
        raise StoreUnavailable() from error
    if where is not None:
        raise Gone(where=where, field="SAYSO_DATABASE_URL")
