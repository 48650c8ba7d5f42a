"""Somebody who reads the logs, or an agent's 500, waits for the database to fail and looks for what others asked."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import event, insert, text
from support.marks import on_postgresql
from support.office import Office
from support.stored import made

from bot.server import logs
from store import agents, approvals, engine
from store.engine import Database
from store.tables import approvals as rows
from store.tables import labels
from store.unit import Unit

SECRET = "hunter2-4111111111111111"
ASK = {"action": "process_refund", "params": {"customer": SECRET, "amount_usd": 480}, "reason": SECRET}


def _twice(unit: Unit) -> None:
    agent, _ = agents.add(unit, "demo")
    for _ in range(2):
        approvals.add(unit, made(agent, unit.now, sentence=SECRET), idempotency_key=SECRET, body_hash=SECRET)
    unit.write()


def _no_such_state(unit: Unit) -> None:
    agent, _ = agents.add(unit, "demo")
    approval = made(agent, unit.now, sentence=SECRET)
    approvals.add(unit, approval, idempotency_key=SECRET, body_hash=SECRET)
    unit.execute(rows.update().values(state=SECRET))


def _nothing_where_something_must_be(unit: Unit) -> None:
    agent, _ = agents.add(unit, "demo")
    approvals.add(unit, made(agent, unit.now, sentence=SECRET), idempotency_key=SECRET, body_hash="h")
    unit.execute(rows.update().values(digest=None))


def _of_nothing(unit: Unit) -> None:
    unit.execute(insert(labels), {"approval_id": SECRET, "label": "correct", "by": SECRET, "at": unit.now})


def _no_such_table(unit: Unit) -> None:
    unit.execute(text("INSERT INTO gone (name) VALUES (:name)"), {"name": SECRET})


def _untyped(unit: Unit) -> None:
    unit.execute(insert(labels), {"approval_id": SECRET, "label": {SECRET}, "by": SECRET, "at": unit.now})


def _naive(unit: Unit) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    unit.execute(insert(labels), {"approval_id": SECRET, "label": SECRET, "by": SECRET, "at": moment})


def _unstorable(unit: Unit) -> None:
    agent, _ = agents.add(unit, "demo")
    approval = made(agent, unit.now, sentence=f"{SECRET}\ud800")
    approvals.add(unit, approval, idempotency_key=SECRET, body_hash=SECRET)


WRONG = (
    _twice,
    _no_such_state,
    _nothing_where_something_must_be,
    _of_nothing,
    _no_such_table,
    _untyped,
    _naive,
    _unstorable,
)


@pytest.mark.parametrize("work", WRONG, ids=lambda work: work.__name__.strip("_"))
def test_an_error_holds_no_value(database: Database, work: Callable[[Unit], None]) -> None:
    """Whatever a row broke, neither the error's message nor its traceback quotes the row."""
    with pytest.raises(Exception) as caught:
        database.run(work)
    told = "".join(traceback.format_exception(caught.value))
    assert "Traceback" in told
    assert SECRET not in told


@on_postgresql
@pytest.mark.parametrize("kind", ["integer", "timestamptz", "jsonb", "uuid", "xid8"])
def test_a_value_of_another_type_is_not_quoted(database: Database, kind: str) -> None:
    """PostgreSQL quotes a value that it cannot read in the first line of its message."""
    with pytest.raises(Exception) as caught:
        database.run(lambda unit: unit.execute(text(f"SELECT CAST(:value AS {kind})"), {"value": SECRET}))
    told = "".join(traceback.format_exception(caught.value))
    assert "SQLSTATE 22" in told
    assert SECRET not in told


def test_the_name_of_a_broken_constraint_stays(database: Database) -> None:
    """What the code and an operator go by is still there: which promise was kept."""
    with pytest.raises(Exception, match=r"uq_approvals_idempotency|approvals\.idempotency_key"):
        database.run(_twice)


@pytest.mark.parametrize(
    "address", [f"postgresql://u:{SECRET}@127.0.0.1:1/none", f"postgresql://u:{SECRET}@no-such-host.invalid/none"]
)
def test_an_unreachable_database_tells_no_password(address: str) -> None:
    """The password of an address stays out of every error about it."""
    database = Database(address, pool_size=1)
    with pytest.raises(engine.StoreUnavailable) as caught:
        database.check()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


# --- the same with a running server ----------------------------------------------------------------------------------


@contextlib.contextmanager
def full(office: Office) -> Iterator[None]:
    """Nothing can be added any more."""
    if office.database.sqlite:
        with office.server.database.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        listened = office.server.database.engine
        listened.dispose()

        def limit(connection: sqlite3.Connection, _record: object) -> None:
            connection.execute(f"PRAGMA max_page_count={pages}")

        event.listen(listened, "connect", limit)
        yield
        return
    body = "BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full', DETAIL = NEW.line; END"
    for statement in (
        f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION full_disk()",
    ):
        office.database.run(lambda unit, words=statement: unit.execute(text(words)))  # type: ignore[misc]
    yield


@contextlib.contextmanager
def locked(office: Office) -> Iterator[None]:
    """Somebody else holds what is wanted for longer than anybody waits."""
    if office.database.sqlite:
        other = sqlite3.connect(office.database_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
        other.close()
        return
    with psycopg.connect(office.database_url) as other_session:
        other_session.execute("LOCK TABLE approvals IN ACCESS EXCLUSIVE MODE")
        yield


@contextlib.contextmanager
def dropped(office: Office) -> Iterator[None]:
    """A table is gone."""
    office.database.run(lambda unit: unit.execute(text("ALTER TABLE outbox RENAME TO elsewhere")))
    yield


@contextlib.contextmanager
def refusing(office: Office) -> Iterator[None]:
    """A constraint of somebody else's refuses every row, and quotes it."""
    if office.database.sqlite:
        statement = "CREATE TRIGGER refuse BEFORE INSERT ON approvals BEGIN SELECT RAISE(ABORT, 'no'); END"
    else:
        statement = "ALTER TABLE approvals ADD CONSTRAINT refuse CHECK (length(sentence) < 3) NOT VALID"
    office.database.run(lambda unit: unit.execute(text(statement)))
    yield


@pytest.mark.parametrize("trouble", [full, locked, dropped, refusing], ids=lambda trouble: trouble.__name__)
def test_a_failing_database_tells_nothing(
    office: Office,
    trouble: Callable[[Office], contextlib.AbstractContextManager[None]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither what the agent is answered nor what is logged, as text or JSON, holds what was asked."""
    monkeypatch.setattr(engine, "PATIENCE_SECONDS", 0.5)
    agent = office.agent
    caplog.set_level(logging.DEBUG)
    for name in ("httpx2", "httpcore2", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with trouble(office):
        asked = ASK | {"checkpoint": SECRET * 2000}
        answer = agent.raw("POST", "/approvals", json=asked, headers={"Idempotency-Key": "one"})
    assert answer.status_code in (500, 503)
    assert SECRET not in answer.text
    as_json = logs.Json()
    told = caplog.text + "".join(as_json.format(record) for record in caplog.records)
    assert "Traceback" in told or answer.status_code == 503
    assert SECRET not in told
    assert agent.token not in told


def test_this_file_looks_where_it_should(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """What is logged in a server's thread is seen here, with its traceback."""

    def fail() -> None:
        raise LookupError(SECRET)

    def logged() -> None:
        try:
            fail()
        except LookupError:
            logging.getLogger("sayso").exception("seen")

    office.server.app.state.runtime.pool.submit(logged).result()
    assert SECRET in caplog.text
