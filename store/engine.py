"""The database: one engine, one way to run a transaction, on SQLite and PostgreSQL alike (docs/rules.md: I11)."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, OperationalError, SQLAlchemyError, TimeoutError

from policies.errors import InvalidInput, SaysoError
from store import database_url, postgresql, private_files, quiet_errors
from store.prepared import send
from store.types import database_now
from store.unit import Unit

T = TypeVar("T")
log = logging.getLogger("sayso.store")
ATTEMPTS = 4
# How long a unit of work may wait: for its turn, then for the lock. Slack gives up after 3 s, an agent asks again.
PATIENCE_SECONDS = 10.0
# PostgreSQL: serialization failure, deadlock, lock not available, admin shutdown and its kin.
_RETRYABLE = frozenset({"40001", "40P01", "55P03", "57P01", "57P02", "57P03"})
_OUTCOME_SECONDS = 5.0
LOOK_SECONDS = 3.0
_READ_A_PAGE = text("SELECT count(*) FROM sqlite_master")
_OUTCOME = text("SELECT pg_xact_status(CAST(:transaction AS xid8))")


class StoreUnavailable(SaysoError):
    """The database cannot be reached, or did not answer in time; nothing was done."""


class Unstorable(InvalidInput):
    """The database cannot hold such a value."""


class Database:
    """Runs units of work. `shift_seconds` moves the database's clock for tests of long times.

    One that `looks_only` makes no file, changes no mode of it, and cannot write.
    """

    def __init__(
        self,
        url: str,
        *,
        listen_url: str | None = None,
        pool_size: int = 8,
        shift_seconds: float = 0.0,
        looks_only: bool = False,
    ) -> None:
        self.url = database_url.read(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.listen_url = None if listen_url is None else database_url.read(listen_url, database_url.LISTEN_SETTING)
        self.pool_size = pool_size
        self.shift_seconds = shift_seconds
        self._sessions = None if self.sqlite else postgresql.Sessions(self.url)
        made = _looking if looks_only else _engine
        self.engine = made(self.url, pool_size, self._sessions)
        self._reader = self.engine.execution_options(sayso_reads_only=True)
        # On PostgreSQL each statement of `read` sees what is committed by then, in a transaction or not: without one it is
        # one round trip instead of three.
        self._autocommit = self._reader.execution_options(**({} if self.sqlite else {"isolation_level": "AUTOCOMMIT"}))
        # One moment for a whole unit: on SQLite every reading transaction is that.
        self._photograph = self._reader.execution_options(
            **({} if self.sqlite else {"isolation_level": "REPEATABLE READ"})
        )
        self._probe = made(self.url, 1, self._sessions).execution_options(sayso_reads_only=True)
        self._file: tuple[int, int] | None = None
        # SQLite has one writer, and whoever finds it busy sleeps and tries again: here they queue up instead.
        self._turn = threading.Lock() if self.sqlite else None

    @property
    def pooled(self) -> bool:
        """Whether a pooler stands between us and PostgreSQL, as far as connections were made."""
        return self._sessions is not None and self._sessions.pooled

    def run(self, work: Callable[[Unit], T]) -> T:
        """`work` in one writing transaction, committed before this returns.

        A deadlock, a lost lock race or a connection that broke repeats `work` from the start: it must do all it does
        through the unit. Where the answer to COMMIT was lost, PostgreSQL is asked what became of the transaction, so
        that nothing audited happens twice. Raises StoreUnavailable, also while nobody can say what became of it.
        """
        with self._in_turn():
            unit, result = self._tried(self.engine, work)
        return _told(unit, result)

    @contextlib.contextmanager
    def _in_turn(self) -> Iterator[None]:
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=PATIENCE_SECONDS):
            raise StoreUnavailable()
        try:
            yield
        finally:
            self._turn.release()

    def read(self, work: Callable[[Unit], T]) -> T:
        """`work` in one reading transaction."""
        return _told(*self._tried(self._reader, work))

    def glance(self, work: Callable[[Unit], T]) -> T:
        """The same for `work` that streams nothing: on PostgreSQL without a transaction, where none has to bring settings."""
        alone = self._sessions is not None and self._sessions.settled
        return _told(*self._tried(self._autocommit if alone else self._reader, work))

    def snapshot(self, work: Callable[[Unit], T]) -> T:
        """`work` in one reading transaction, whose statements all see the database as the first of them did."""
        return _told(*self._tried(self._photograph, work))

    def _tried(self, engine: Engine, work: Callable[[Unit], T]) -> tuple[Unit, T]:
        until = time.monotonic() + PATIENCE_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(engine, work)
            except (DBAPIError, TimeoutError) as error:
                if attempt == ATTEMPTS or not passing(error) or time.monotonic() > until:
                    raise _translated(error) from error
                time.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311 - jitter, not a secret
        raise AssertionError("unreachable")

    def _once(self, engine: Engine, work: Callable[[Unit], T]) -> tuple[Unit, T]:
        finished = False
        try:
            with engine.connect() as connection, connection.begin():
                unit = Unit(connection, _clock(self.shift_seconds))
                result = work(unit)
                unit.flush()
                finished = True
        except DBAPIError as error:
            # Only the COMMIT can have failed now. What has no audit row may be done again.
            if not (finished and error.connection_invalidated and unit.transaction and self._kept(unit.transaction)):
                raise
        return unit, result

    def _kept(self, transaction: str) -> bool:
        """Whether a transaction took effect whose COMMIT was not answered; raises StoreUnavailable if nobody can say."""
        deadline = time.monotonic() + _OUTCOME_SECONDS
        while True:
            status = self._status(transaction)
            if status in ("committed", "aborted"):
                return status == "committed"
            if time.monotonic() > deadline:
                log.error("what became of transaction %s is not known: %s", transaction, status)
                raise StoreUnavailable()
            time.sleep(0.05)

    def _status(self, transaction: str) -> str:
        try:
            with self._reader.connect() as connection:
                return str(connection.execute(_OUTCOME, {"transaction": transaction}).scalar_one())
        except SQLAlchemyError as error:
            return f"the database does not say: {type(error).__name__}"

    def check(self) -> None:
        """Raise StoreUnavailable unless the database answers; on a connection of its own, so that it waits for no work."""
        for attempt in (1, 2):
            try:
                with self._probe.connect() as connection:
                    connection.execute(_READ_A_PAGE if self.sqlite else text("SELECT 1"))
                break
            except SQLAlchemyError as error:
                if attempt == 2 or not passing(error):
                    raise StoreUnavailable() from error
        if self.sqlite:
            self._check_file()

    def _check_file(self) -> None:
        """Raise StoreUnavailable where the file was taken away or changed for another: what is written then is lost."""
        try:
            found = Path(str(self.url.database)).stat()
        except OSError as error:
            raise StoreUnavailable() from error
        self._file = self._file or (found.st_dev, found.st_ino)
        if self._file != (found.st_dev, found.st_ino):
            raise StoreUnavailable()

    def leave_no_trace(self) -> None:
        """Write over what was removed of a SQLite file, its log too, as far as nobody reads it now."""
        if self.sqlite:
            with contextlib.closing(self.engine.raw_connection()) as session:
                session.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self._probe.dispose()


_clock = lru_cache(maxsize=8)(database_now)


def _told(unit: Unit, result: T) -> T:
    for callback in unit.callbacks:
        callback()
    return result


def _engine(url: URL, pool_size: int, sessions: postgresql.Sessions | None) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,
        **(_sqlite_options() if sessions is None else sessions.options()),
    )
    quiet_errors.keep_values_out(engine)
    if sessions is not None:
        sessions.prepare(engine)
    else:
        event.listen(engine, "do_connect", _make_file, named=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _looking(url: URL, pool_size: int, sessions: postgresql.Sessions | None) -> Engine:
    """The same, on which nothing can be written: a SQLite file is neither made nor changed."""
    if sessions is not None:
        engine = _engine(url, pool_size, sessions)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("SET TRANSACTION READ ONLY"))
        return engine
    file = url.set(database=f"file:{quote(str(url.database))}", query={"mode": "ro", "uri": "true"})
    engine = create_engine(
        file, connect_args={"timeout": LOOK_SECONDS}, pool_size=pool_size, max_overflow=0, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare_looking)
    event.listen(engine, "begin", _begin_sqlite)
    quiet_errors.keep_values_out(engine)
    return engine


def _prepare_looking(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.create_function("sayso_sha256", 1, sha256_hex, deterministic=True)


def _sqlite_options() -> dict[str, Any]:
    return {"connect_args": {"timeout": PATIENCE_SECONDS}}


def _make_file(cargs: list[Any], cparams: dict[str, Any], **_: Any) -> None:
    # SQLite itself would make it as the umask says, and what it writes beside it the same.
    if not cparams.get("uri"):
        with contextlib.suppress(OSError):  # then SQLite cannot open it either, and says so
            private_files.make_database(Path(str(cargs[0])))


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event opens every transaction
    connection.create_function("sayso_sha256", 1, sha256_hex, deterministic=True)
    for pragma in (
        f"busy_timeout={PATIENCE_SECONDS * 1000:.0f}",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
    _use_wal(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    # SQLite's busy handler is not asked while the journal mode changes: of several first starters, all but one
    # would fail at once.
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    reads_only = connection.get_execution_options().get("sayso_reads_only", False)
    send(connection, "BEGIN" if reads_only else "BEGIN IMMEDIATE", ())


def sha256_hex(value: str) -> str:
    """SHA-256 of a text in UTF-8, as 64 hex digits."""
    return hashlib.sha256(value.encode()).hexdigest()


def passing(error: Exception) -> bool:
    """Whether the same may succeed when it is done again: a deadlock, a lost lock race, a connection that broke."""
    if isinstance(error, TimeoutError):
        return False
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if getattr(error.orig, "sqlstate", None) in _RETRYABLE:
        return True
    return isinstance(error, OperationalError) and "locked" in str(error.orig)


def _translated(error: Exception) -> Exception:
    if isinstance(error, DataError):
        return Unstorable()
    if isinstance(error, OperationalError | TimeoutError) or getattr(error, "connection_invalidated", False):
        return StoreUnavailable()
    return error
