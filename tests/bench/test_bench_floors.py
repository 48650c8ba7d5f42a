"""The floors of the benchmark send what the code sends: each recording can be sent again, and has the same effect."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select
from support.marks import on_postgresql, on_sqlite

from store.engine import Database
from store.tables import approvals
from tests.bench import load, material
from tests.bench.floors import Replay
from tests.bench.rows import creates, taps
from tests.bench.stack import standing
from tests.bench.statements import for_sqlite, pgbench, script


def test_what_a_tap_sends_can_be_sent_again(database: Database, tmp_path: Path) -> None:
    """The statements of one tap decide others: as JSON with raw sqlite3 calls, or as a script by pgbench."""
    template, log = taps.prepared(database)
    material.copies(database, template, "apr_f", 4)
    if database.sqlite:
        replay = Replay(str(database.url.database), str(for_sqlite(log, tmp_path / "tap.json")), template.id)
        for number in range(4):
            replay.run(f"apr_f{number}")
    else:
        text = script(log, {template.id: "E'apr_f' || (:n)::text"})
        pgbench(database, tmp_path, text, at_once=2, each=2, base=0)
    taps.require_decided(database, "apr_f", 4)


@on_postgresql
def test_what_a_create_sends_can_be_sent_again(database: Database, tmp_path: Path) -> None:
    """The statements of one create make others by pgbench, each agent under a lock of its own as for the server."""
    text, _ = creates.floor_script(database)
    assert "pg_advisory_xact_lock(CAST(:a AS BIGINT))" in text
    count = select(func.count()).select_from(approvals)
    before = database.read(lambda unit: unit.execute(count).scalar_one())
    pgbench(database, tmp_path, text, at_once=2, each=3, base=0)
    assert database.read(lambda unit: unit.execute(count).scalar_one()) == before + 6


@pytest.mark.servers
@on_sqlite
def test_the_floors_that_are_servers_answer_taps(database: Database) -> None:
    """Bolt's empty answer and the raw calls behind our way in answer what is posted to the real server."""
    template, log = taps.prepared(database)
    with standing() as stack:
        empty = stack.floor("empty")
        load.run(empty.port, material.taps(template, [template.id] * 3), 1).require(200)
        statements = for_sqlite(log, stack.folder / "tap.json")
        raw = stack.floor("raw", str(database.url.database), str(statements), f"{template.id}|{template.digest}")
        taps.tapped(raw, database, template, "apr_f", 8, 2)
