"""One unit of work: all of it, once, or nothing."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from builders import add, add_agent, at_once, made, told
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from support.marks import on_postgresql, on_sqlite

from store import agents, approvals, engine
from store.audit import Entry
from store.database_url import BadDatabaseUrl
from store.engine import Database, StoreUnavailable
from store.unit import Unit


def test_all_or_nothing(database: Database) -> None:
    """A failure after the writes leaves no row, no audit line and calls nobody."""
    called: list[str] = []

    def work(unit: Unit) -> None:
        agents.add(unit, "demo")
        unit.record(Entry(event="requested", at=unit.now, actor="x"))
        unit.after_commit(lambda: called.append("committed"))
        raise LookupError("no")

    with pytest.raises(LookupError):
        database.run(work)
    assert database.read(agents.listed) == []
    assert called == []


def test_no_audit_row_no_change(database: Database) -> None:
    """If the audit row cannot be written, nothing happened (guarantee 7)."""
    with database.engine.connect() as connection, connection.begin():
        connection.execute(text("ALTER TABLE audit RENAME TO audit_elsewhere"))
    called: list[str] = []

    def work(unit: Unit) -> None:
        agents.add(unit, "demo")
        unit.record(Entry(event="requested", at=unit.now, actor="x"))
        unit.after_commit(lambda: called.append("committed"))

    with pytest.raises(SQLAlchemyOrUnavailable):
        database.run(work)
    assert database.read(agents.listed) == []
    assert called == []


SQLAlchemyOrUnavailable = (SQLAlchemyError, StoreUnavailable)


def test_callbacks_come_after_the_commit(database: Database) -> None:
    """Whoever is told after a commit sees what was committed."""
    seen: list[int] = []

    def work(unit: Unit) -> None:
        agents.add(unit, "demo")
        unit.after_commit(lambda: seen.append(len(database.read(agents.listed))))

    database.run(work)
    assert seen == [1]


def test_a_conflict_that_passes_is_tried_again(database: Database) -> None:
    """A lock lost to somebody else repeats the work from the start; the caller notices nothing."""
    tries: list[int] = []

    def work(unit: Unit) -> str:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked"))
        return "done"

    assert database.run(work) == "done"
    assert len(tries) == 3


def test_many_writers_wait_for_one_another(database: Database) -> None:
    """Eight connections that each write ten times all get through."""
    agent = add_agent(database)
    at_once([lambda: [add(database, agent) for _ in range(10)] and None] * 8)
    assert len(database.read(lambda unit: approvals.listed(unit, limit=1000))) == 80


@on_sqlite
def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    """While one writes, others read what was committed before."""
    agent = add_agent(database)

    def work(unit: Unit) -> int:
        approval = made(agent, unit.now)
        approvals.add(unit, approval, idempotency_key="k", body_hash="h")
        told(unit, approval, "requested")
        return len(database.read(approvals.listed))

    assert database.run(work) == 0


@on_sqlite
def test_sqlite_keeps_what_it_said_it_kept(database: Database) -> None:
    """SQLite runs with WAL, full synchronisation and foreign keys."""
    with database.engine.connect() as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in _PRAGMAS]
    assert found == ["wal", 2, 1]


_PRAGMAS = ("journal_mode", "synchronous", "foreign_keys")


@on_postgresql
def test_postgresql_waits_for_no_one_for_ever(database: Database) -> None:
    """Sessions have lock and statement timeouts, UTC and READ COMMITTED."""
    names = ("lock_timeout", "statement_timeout", "timezone", "transaction_isolation", "synchronous_commit")
    with database.engine.connect() as connection:
        found = [connection.execute(text(f"SHOW {name}")).scalar() for name in names]
    assert found == ["4s", "15s", "UTC", "read committed", "on"]


@on_postgresql
def test_a_broken_connection_is_replaced(database: Database) -> None:
    """A connection that the server ended costs a retry, not an error."""
    broken: list[int] = []

    def work(unit: Unit) -> int:
        if not broken:
            broken.append(unit.connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
            with Database(database.url.render_as_string(hide_password=False), pool_size=1).engine.connect() as other:
                other.execute(text(f"SELECT pg_terminate_backend({broken[0]})"))
        return int(unit.execute(text("SELECT 7")).scalar_one())

    assert database.run(work) == 7
    assert broken


COUNT = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM agents').fetchone()[0])"


@on_sqlite
def test_a_command_that_comes_and_goes_leaves_the_server_its_log(database: Database) -> None:
    """Another process that opens the file and leaves does not take the write-ahead log away: what is committed is there."""

    def seen_by_another_process() -> int:
        words = [sys.executable, "-c", COUNT, str(database.url.database)]
        return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)

    add_agent(database, "first")
    second = Database(database.url.render_as_string(), pool_size=1)  # one more connection of this process
    second.read(agents.listed)
    assert seen_by_another_process() == 1
    add_agent(database, "second")
    assert seen_by_another_process() == 2
    second.close()


@on_sqlite
def test_a_turn_that_does_not_come_is_given_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has waited for so long behind another unit of this process is told so, instead of waiting for ever."""
    monkeypatch.setattr(engine, "PATIENCE_SECONDS", 0.1)
    begun, over = threading.Event(), threading.Event()

    def long(_unit: Unit) -> None:
        begun.set()
        over.wait(30)

    holder = threading.Thread(target=database.run, args=(long,))
    holder.start()
    assert begun.wait(30)
    with pytest.raises(StoreUnavailable):
        database.run(lambda unit: None)
    over.set()
    holder.join()
    assert database.run(lambda unit: 7) == 7


@on_sqlite
def test_a_lock_is_waited_for_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another program holds the file, a unit is given up after one wait and not after several."""
    monkeypatch.setattr(engine, "PATIENCE_SECONDS", 0.5)
    database = Database(database_url)
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable):
        database.run(lambda unit: None)
    assert 0.4 < time.monotonic() - begun < 1.5
    other.close()
    assert database.run(lambda unit: 7) == 7
    database.close()


def test_an_unreachable_database_is_one_error(tmp_path: Path) -> None:
    """Whatever the driver says, a database that is not there is StoreUnavailable."""
    gone = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    with pytest.raises(StoreUnavailable):
        gone.read(agents.listed)
    with pytest.raises(StoreUnavailable):
        gone.check()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_a_bad_address_names_the_setting(url: str) -> None:
    """An address that cannot be used is refused with the setting's name."""
    with pytest.raises(BadDatabaseUrl, match="SAYSO_DATABASE_URL"):
        Database(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+asyncpg"])
def test_the_driver_is_ours_to_name(scheme: str) -> None:
    """Any way to write PostgreSQL's address is accepted as it is."""
    database = Database(f"{scheme}://u:p@host/db", pool_size=1)
    assert database.url.drivername == "postgresql+psycopg"
    database.close()


def test_a_new_file_that_another_is_writing_is_waited_for(tmp_path: Path) -> None:
    """Of several processes that start on a file not yet in WAL mode, the later ones wait instead of failing."""
    path = tmp_path / "new.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.3, writer.execute, ["ROLLBACK"])
        release.start()
        database = Database(f"sqlite:///{path}", pool_size=1)
        database.check()
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 10_000
        database.close()
        release.join()
