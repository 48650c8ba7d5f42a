"""One transaction: reads and writes on one connection, audit rows last, callbacks after the commit (docs/rules.md: I2)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Connection, Executable, ScalarSelect, Select, SelectBase, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult

from store import audit, prepared, together
from store.seals import Seals
from store.together import PutOff
from store.types import database_now


class Unit:
    """A unit of work. `clock` is the database's clock as an SQL expression; `now` its value, read once."""

    def __init__(self, connection: Connection, clock: database_now) -> None:
        self.connection = connection
        self.clock = clock
        self.callbacks: list[Callable[[], None]] = []
        self.seals = Seals()
        # The database's own name of this transaction, known once its audit rows are written.
        self.transaction: str | None = None
        self._now: datetime | None = None
        self._entries: list[audit.Entry] = []
        self._later: dict[tuple[Executable, bool], list[dict[str, Any]]] = {}
        self._put_off: list[PutOff] = []
        self._together: dict[Executable, Callable[[list[dict[str, Any]]], dict[str, Any]]] = {}

    @property
    def instant(self) -> ScalarSelect[datetime]:
        """The clock as read once by a statement. PostgreSQL searches an index for this, and not for `clock`,
        which it takes to be another moment on every row."""
        return select(self.clock).scalar_subquery()

    @property
    def now(self) -> datetime:
        """Database time of this unit, UTC."""
        if self._now is None:
            self._now = self.rows(_reading(self.clock.seconds), {})[0].now
        return self._now

    @now.setter
    def now(self, moment: datetime) -> None:
        # A read that already brought the clock along saves a round trip.
        self._now = moment

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement in this transaction, behind what was put off."""
        self._settle()
        result = self.connection.execute(statement, parameters)
        assert isinstance(result, CursorResult)
        return result

    def rows(self, statement: SelectBase, values: Mapping[str, Any]) -> list[Any]:
        """What a SELECT of a way that every request takes finds, the same behind what was put off (prepared.py).

        The statement is one that is made once and kept: it is known by itself, not by what it says.
        """
        self._settle()
        return prepared.rows(self.connection, prepared.prepared(self.connection.dialect, statement), values)

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An insert that may say what to do where the row is there already: first come, first served, and no error."""
        return insert_into(self.connection.dialect.name, table)

    def put_off(self, write: PutOff) -> None:
        """Write this before the next statement of this transaction, or at its end together with its audit rows."""
        if any(write.table is other.table for other in self._put_off):
            self._settle()
        self._put_off.append(write)

    def _settle(self) -> None:
        if self._put_off:
            writes, self._put_off = self._put_off, []
            together.in_order(self.connection, writes)

    def record(self, entry: audit.Entry) -> None:
        """Keep an audit row for the end of the transaction: the chain's lock is held as briefly as can be."""
        self._entries.append(entry)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` once the transaction is durable; never when it is not."""
        self.callbacks.append(callback)

    def later(
        self,
        statement: Executable,
        parameters: dict[str, Any],
        *,
        one_row: bool = False,
        together: Callable[[list[dict[str, Any]]], dict[str, Any]] | None = None,
    ) -> None:
        """Write this together with its like, when `write` is called or the transaction ends; `one_row` must hit one.

        `together` makes of all the rows the parameters of one execution of the statement.
        """
        self._later.setdefault((statement, one_row), []).append(parameters)
        if together is not None:
            self._together[statement] = together

    def write(self) -> None:
        """Write what was kept for later; whoever reads what it changes calls this first."""
        self._settle()
        later, self._later = self._later, {}
        for (statement, one_row), rows in later.items():
            together = self._together.get(statement)
            changed = self.execute(statement, together(rows) if together else rows).rowcount
            if one_row and changed != len(rows):
                raise AssertionError(f"{changed} of {len(rows)} rows were as they had been read")

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        """What fails inside is undone alone: its writes, and the audit rows and callbacks kept for the end."""
        self.write()
        entries, callbacks, seals = len(self._entries), len(self.callbacks), self.seals.kept()
        try:
            with self.connection.begin_nested():
                yield
                self.write()
        except BaseException:
            self._later.clear()
            self._put_off.clear()
            del self._entries[entries:], self.callbacks[callbacks:]
            self.seals = seals
            raise

    def flush(self) -> None:
        """Write what was kept for the end."""
        if self._later:
            self.write()
        entries, self._entries = self.seals.attached(self._entries), []
        if self._put_off and entries and self.connection.dialect.name == "postgresql":
            writes, self._put_off = self._put_off, []
            self.transaction = together.with_audit(self.connection, writes, audit.arrays(entries))
        else:
            self._settle()
            self.transaction = audit.append(self.connection, entries)
        if entries:
            self.after_commit(partial(audit.log_lines, entries))


def insert_into(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert in the words of a database that may say what to do where the row is there already."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@lru_cache(maxsize=8)
def _reading(clock_shift: float) -> Select[Any]:
    return select(database_now(clock_shift).label("now"))
