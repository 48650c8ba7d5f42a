"""What the driver is sent itself is what SQLAlchemy would have sent, read and said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from builders import add, add_agent
from sqlalchemy import bindparam, event, func, insert, literal_column, select
from sqlalchemy.exc import IntegrityError
from support.marks import on_postgresql

from store import prepared
from store.engine import Database
from store.rows import columns
from store.tables import approvals, switches
from store.unit import Unit

AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
SECRET = "a-value-that-no-log-may-hold"
WHOLE = select(*columns).where(approvals.c.id == bindparam("_id"))
ADD = insert(switches)


def sent(unit: Unit, name: str) -> None:
    found = prepared.prepared(unit.connection.dialect, ADD, ("name", "value", "by", "at"))
    values = {"name": name, "value": SECRET, "by": "U0ADMIN", "at": AT}
    prepared.send(unit.connection, found.sql, found.sent(values))


def test_a_row_is_the_row_that_sqlalchemy_reads(database: Database) -> None:
    """Moments, JSON, flags and what is empty: every column of an approval comes as the same value."""
    approval = add(database, add_agent(database))

    def both(unit: Unit) -> tuple[dict[str, Any], dict[str, Any]]:
        plain = unit.execute(select(*columns).where(approvals.c.id == approval.id)).one()
        return plain._asdict(), unit.rows(WHOLE, {"_id": approval.id})[0]._asdict()

    plain, lean = database.read(both)
    assert lean == plain
    assert {name: type(value) for name, value in lean.items()} == {name: type(value) for name, value in plain.items()}


def test_a_value_is_stored_as_sqlalchemy_stores_it(database: Database) -> None:
    """What is written by one way is read by the other."""

    def written(unit: Unit) -> tuple[Any, ...]:
        sent(unit, "one")
        unit.execute(ADD, {"name": "two", "value": SECRET, "by": "U0ADMIN", "at": AT})
        rows = unit.execute(select(switches.c.value, switches.c.by, switches.c.at).order_by(switches.c.name)).all()
        return tuple(tuple(row) for row in rows)

    assert database.run(written) == ((SECRET, "U0ADMIN", AT), (SECRET, "U0ADMIN", AT))


def test_engines_of_one_kind_share_what_is_written(database: Database) -> None:
    """Of many workspaces, each with an engine of its own, the first one's statements serve all."""
    other = Database(str(database.url.render_as_string(hide_password=False)))
    written = [one.read(lambda unit: prepared.prepared(unit.connection.dialect, WHOLE)) for one in (database, other)]
    other.close()
    assert written[0] is written[1]


def test_what_has_no_name_goes_by_its_place(database: Database) -> None:
    """A column without a name, or with one that Python keeps for itself, spoils no row."""
    query = select(func.coalesce(bindparam("a", type_=switches.c.value.type), "x"), literal_column("2").label("class"))
    assert database.read(lambda unit: tuple(unit.rows(query, {"a": "y"})[0])) == ("y", 2)


def test_what_a_constraint_refuses_is_sqlalchemys_error_without_values(database: Database) -> None:
    """The same class, translated and logged as ever; no value of the row is in it."""

    def twice(unit: Unit) -> None:
        sent(unit, "one")
        sent(unit, "one")

    with pytest.raises(IntegrityError) as caught:
        database.run(twice)
    assert SECRET not in str(caught.value)
    assert SECRET not in str(caught.value.orig)


@on_postgresql
def test_a_connection_that_breaks_is_thrown_away_and_the_work_repeated(database: Database) -> None:
    """As with any other statement: the next try gets another session."""
    ends, tries = select(func.pg_terminate_backend(func.pg_backend_pid()).label("ended")), []

    def work(unit: Unit) -> str:
        tries.append(unit)
        if len(tries) == 1:
            unit.rows(ends, {})
        sent(unit, "one")
        return "done"

    assert database.run(work) == "done"
    assert len(tries) == 2


def test_what_is_only_known_when_it_is_sent_is_refused(database: Database) -> None:
    """A list of values has no fixed text: whoever prepares one finds out at once, not at its second length."""
    query = select(switches.c.name).where(switches.c.name.in_(["one", "two"]))
    with pytest.raises(AssertionError, match="list"):
        database.read(lambda unit: unit.rows(query, {}))


def test_who_watches_statements_sees_these_too(database: Database) -> None:
    """Counters of round trips and tests that fail at a statement hear of every one."""
    seen: list[str] = []

    def watching(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", watching)
    try:
        database.run(lambda unit: sent(unit, "one"))
    finally:
        event.remove(database.engine, "before_cursor_execute", watching)
    assert any(statement.startswith("INSERT INTO switches") for statement in seen)
