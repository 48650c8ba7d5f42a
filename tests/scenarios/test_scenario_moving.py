"""From SQLite to PostgreSQL, and back: everything goes over or nothing does, and what was open is decided where it is now."""

from __future__ import annotations

import os
import pty
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import URL
from support.marks import on_sqlite
from support.office import Office
from support.postgres import Postgres
from support.servers import ROOT, command, environment
from support.stored import add, add_agent

from store import audit, moving, tables
from store.database_url import read
from store.engine import Database

Rows = dict[str, list[Any]]


@pytest.fixture
def empty_elsewhere(database_kind: str, postgresql: Postgres, tmp_path: Path) -> Iterator[str]:
    """An empty database of the other kind."""
    if database_kind == "postgresql":
        yield f"sqlite:///{tmp_path / 'other.db'}"
        return
    with postgresql.fresh(empty=True) as address:
        yield postgresql.direct(address)


def rows_of(database: Database) -> Rows:
    """Everything that a database holds, table by table."""
    return {
        table.name: sorted(
            database.read(lambda unit, table=table: [tuple(row) for row in unit.execute(select(table)).all()]), key=repr
        )
        for table in tables.metadata.sorted_tables
    }


def move(office: Office, to: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    office.database.close()
    return command(office.env | settings, "move", "--to", to, folder=office.folder)


def database_url_of(address: str) -> URL:
    """The address, however it is written."""
    return read(address).set(password=None)


def refused(office: Office, to: str, **settings: str) -> str:
    """The one line with which it ends."""
    done = move(office, to, **settings)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.strip().splitlines()
    return line


def test_what_was_open_is_decided_where_it_is_now(
    database_url: str, postgresql: Postgres, empty_elsewhere: str, closed_office: Office
) -> None:
    """Asked before and asleep since: the card is tapped after the move, the agent wakes with its old token, claims and reports."""
    office = closed_office
    if not database_url.startswith("sqlite"):
        office.database_url = postgresql.direct(database_url)  # whoever else is connected shows there
    office.open_process()
    agent, alice = office.agent, office.person("U0ALICE")
    done, waiting, granted = agent.refund(), agent.refund(amount_usd=490), agent.refund(amount_usd=495)
    for one in (done, granted):
        alice.click(office.card(one), "approve")
    agent.claim(done)
    agent.result(done)
    card = office.card(waiting)
    office.until(lambda: office.events(waiting).count("gate_presented") == 1, "the card is known to be posted")
    assert "a server still runs on it" in refused(office, empty_elsewhere) or "others are connected" in refused(
        office, empty_elsewhere
    )
    office.process.stop()
    before = rows_of(office.database)
    found = move(office, empty_elsewhere)
    assert (found.returncode, found.stderr) == (0, "")
    assert "3 approvals, 1 of them open; the trail holds" in found.stdout
    (said,) = [line for line in found.stdout.splitlines() if line.startswith("SAYSO_DATABASE_URL=")]
    assert database_url_of(said.partition("=")[2]) == database_url_of(empty_elsewhere)
    old = office.database
    assert "was moved to" in command(office.env | {"SAYSO_PORT": "0"}, "serve", folder=office.folder).stderr
    office.database, office.database_url = Database(empty_elsewhere, pool_size=2), empty_elsewhere
    assert rows_of(office.database) == before
    office.open_process()
    woken = office.agent_called("demo", url=office.process.url)
    woken.http.headers["Authorization"] = f"Bearer {agent.token}"
    alice.click(card, "approve")
    assert woken.see(waiting, wait=30)["state"] == "approved"
    for one in (waiting, granted):
        assert woken.claim(one)["params"]["customer"] == "ann@example.com"
        assert woken.result(one)["state"] == "succeeded"
    assert len(office.slack.cards(approval_id=waiting["id"])) == 1
    assert woken.refund()["state"] == "pending", "new rows have new numbers"
    office.intact()
    old.close()


@on_sqlite
def test_where_it_cannot_go(empty_elsewhere: str, closed_office: Office, tmp_path: Path) -> None:
    """Into itself, into what is not empty, to nobody, or into a wrong address: one line, and nothing was moved."""
    office = closed_office
    add(office.database, add_agent(office.database))
    assert refused(office, office.database_url) == "sayso: --to: is the database itself"
    assert refused(office, "postgresql://u:hunter2@127.0.0.1:1/x").startswith(
        "sayso: --to: cannot connect to PostgreSQL"
    )
    assert refused(office, "mysql://h/x") == "sayso: --to: mysql is not supported"
    target = Database(empty_elsewhere, pool_size=1)
    assert move(office, empty_elsewhere).returncode == 0
    before = rows_of(target)
    assert refused(office, empty_elsewhere).startswith("sayso: SAYSO_DATABASE_URL: this database was moved to ")
    other = f"sqlite:///{tmp_path}/other.db"
    assert refused(office, empty_elsewhere, SAYSO_DATABASE_URL=other).startswith(
        "sayso: --to: is not empty, it has rows in "
    )
    assert rows_of(target) == before
    target.close()


@pytest.mark.slow
@on_sqlite
def test_killed_in_the_middle_nothing_is_there(empty_elsewhere: str, closed_office: Office) -> None:
    """kill -9 while rows go over: the target is as empty as before, the source serves on, and the next try carries everything."""
    office = closed_office
    _many(office.database, 9000)
    before = rows_of(office.database)
    office.database.close()
    words = [sys.executable, "-m", "bot", "move", "--to", empty_elsewhere]
    mover = subprocess.Popen(words, env=environment(office.env), cwd=ROOT, stdout=subprocess.DEVNULL)
    target, writes = (
        Database(empty_elsewhere, pool_size=1),
        "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE '{}'",
    )
    # Not what the migrations before it insert themselves.
    rows = " AND query NOT ILIKE '%alembic%' AND query NOT ILIKE 'INSERT INTO audit%' AND datname = current_database()"
    busy = text(writes.format("INSERT INTO%") + rows)
    office.until(lambda: target.read(lambda unit: unit.execute(busy).scalar_one()), "rows go over", 60)
    mover.send_signal(signal.SIGKILL)
    assert mover.wait() == -signal.SIGKILL
    gone = text("SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()")
    office.until(lambda: not target.read(lambda unit: unit.execute(gone).scalar_one()), "its session ended", 30)
    assert {name: rows for name, rows in target.read(lambda unit: moving.counts(unit.connection)).items() if rows} == {
        "audit": 1
    }
    target.close()
    assert rows_of(office.database) == before
    done = move(office, empty_elsewhere)
    assert (done.returncode, done.stderr) == (0, "")
    target = Database(empty_elsewhere, pool_size=1)
    assert rows_of(target) == before
    target.close()


def _many(database: Database, count: int) -> None:
    """Rows in a number that takes a moment to carry."""
    agent = add_agent(database)
    for _ in range(3):
        add(database, agent)
    entries = [audit.Entry("refused", database.read(lambda unit: unit.now), "x", rationale="y" * 2000)] * count
    database.run(lambda unit: [unit.record(one) for one in entries] and None)


@on_sqlite
def test_what_was_wrong_before_is_as_wrong_afterwards(empty_elsewhere: str, closed_office: Office) -> None:
    """A row that somebody changed by hand is carried as it is: the move neither hides a fault nor makes one."""
    office = closed_office
    one = add(office.database, add_agent(office.database))
    office.database.run(lambda unit: unit.execute(text("UPDATE approvals SET sentence = 'Refund $9'")))
    faults = office.faults()
    assert faults[0].startswith(f"approval {one.id}: ")
    assert move(office, empty_elsewhere).returncode == 0
    office.database = Database(empty_elsewhere, pool_size=1)
    assert office.faults() == faults


@on_sqlite
def test_what_does_not_arrive_whole_is_not_kept(
    empty_elsewhere: str, closed_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row lost or changed on the way is found at the target before the commit, and then nothing is there."""
    office, target = closed_office, Database(empty_elsewhere, pool_size=1)
    one = add(office.database, add_agent(office.database))
    carried, damages = moving._carry, list[str]()

    def changed(reading: Any, writing: Any, table: Any, tell: Any) -> None:
        carried(reading, writing, table, tell)
        if table.name == "approvals":
            writing.execute(text(damages[-1]))

    monkeypatch.setattr(moving, "_carry", changed)
    for damage, said in (
        ("DELETE FROM approvals", "not everything arrived: approvals 0 of 1"),
        ("UPDATE approvals SET sentence = 'x'", f"the trail does not hold at the target: approval {one.id}"),
    ):
        damages.append(damage)
        with pytest.raises(moving.CannotMove, match=said):
            moving.move(office.database, target, "elsewhere", lambda done: None)
        assert target.read(lambda unit: moving.counts(unit.connection))["approvals"] == 0
    moving.require_not_moved(office.database)
    target.close()


@on_sqlite
@pytest.mark.parametrize(
    ("words", "shown", "result"),
    [
        (("audit", "verify"), "verifying", "intact: "),
        (("policy", "replay", "actions.yml"), "replaying", "3 calls"),
    ],
)
def test_progress_is_shown_on_a_terminal_and_nowhere_else(
    closed_office: Office, words: tuple[str, ...], shown: str, result: str
) -> None:
    """Whoever watches sees how far it is; a pipe and a file get the result alone."""
    office = closed_office
    words = tuple(str(office.manifest) if word == "actions.yml" else word for word in words)
    _many(office.database, 5)
    assert command(office.env, *words).stderr.count("\n") <= 1, "the note about the key"
    mine, theirs = pty.openpty()
    env = environment(office.env) | {"TERM": "xterm", "SAYSO_AUDIT_KEY": secrets.token_hex(8), "COLUMNS": "100"}
    whole = [sys.executable, "-m", "bot", *words]
    watched = subprocess.Popen(whole, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs, text=True)
    out, _ = watched.communicate(timeout=60)
    os.close(theirs)
    time.sleep(0.1)
    seen = os.read(mine, 65536).decode()
    os.close(mine)
    assert shown in seen
    assert out.startswith(result)
    assert "\x1b" not in out
