"""PostgreSQL as people run it: behind PgBouncer in transaction mode, under a role that may do little, or not the right one."""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from support import postgres
from support.files import ACTIONS, PLAIN, write_manifest
from support.marks import on_postgresql
from support.office import Office
from support.pgbouncer import PgBouncer, there
from support.postgres import Postgres
from support.servers import command

from store import grants, schema
from store.engine import Database

pytestmark = on_postgresql
needs_pgbouncer = pytest.mark.skipif(not there(), reason="NOT TESTED: PgBouncer is not here")
# A thousand were run once; make test runs fewer.
CYCLES = int(os.environ.get("SAYSO_TEST_CYCLES", "60"))
Pooler = Callable[..., str]


@pytest.fixture
def pooler(postgresql: Postgres, database_url: str) -> Iterator[Pooler]:
    """Makes a PgBouncer before the test's database, and gives the address by way of it."""
    started: list[PgBouncer] = []
    with tempfile.TemporaryDirectory(prefix="sayso-pgbouncer-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)

        def make(**settings: str) -> str:
            direct = postgresql.direct(database_url)
            started.append(PgBouncer(make_url(direct), Path(folder) / str(len(started)), **settings))
            return started[-1].url(direct)

        yield make
        for one in started:
            one.stop()


def refused(office: Office, tmp_path: Path, *words: str, **settings: str) -> str:
    """The one line with which a command ends that cannot work with these settings."""
    done = command(office.env | {"SAYSO_PORT": "0"} | settings, *(words or ("serve",)), folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.strip().splitlines()
    return line


@needs_pgbouncer
@pytest.mark.parametrize("ignoring", [False, True], ids=["as it comes", "ignoring options"])
def test_every_session_setting_holds_through_a_pooler(pooler: Pooler, ignoring: bool) -> None:
    """PgBouncer refuses our settings, or swallows them where it is told to: each transaction has them all the same."""
    address = pooler(**({"ignore_startup_parameters": "options"} if ignoring else {}))
    database = Database(f"{address}&options=-csearch_path%3Dpublic%2Celsewhere", pool_size=2)
    names = ("lock_timeout", "statement_timeout", "timezone", "synchronous_commit", "search_path")
    for _ in range(3):
        shown = [
            database.run(lambda unit, name=name: unit.execute(text(f"SHOW {name}")).scalar_one()) for name in names
        ]
        assert shown == ["4s", "15s", "UTC", "on", "public,elsewhere"]
    assert database.pooled
    database.close()


@needs_pgbouncer
def test_nothing_of_ours_stays_behind_in_a_lent_session(pooler: Pooler) -> None:
    """Whoever is lent the session next finds it as it was: no setting, no prepared statement, no lock."""
    address = pooler(default_pool_size="1")
    database = Database(address, pool_size=2)
    for _ in range(20):
        database.run(lambda unit: unit.execute(text("SELECT pg_advisory_xact_lock(1), count(*) FROM agents")).one())
    with psycopg.connect(address, autocommit=True, prepare_threshold=None) as next_one:
        left = "SELECT (SELECT count(*) FROM pg_prepared_statements), current_setting('lock_timeout'), "
        left += "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())"
        assert next_one.execute(left.encode()).fetchone() == (0, "0", 0)
    database.close()


@needs_pgbouncer
@pytest.mark.parametrize("listening", [False, True], ids=["looking", "listening"])
def test_a_waiting_agent_hears_of_another_servers_tap(
    closed_office: Office, postgresql: Postgres, pooler: Pooler, listening: bool
) -> None:
    """Two servers behind a pooler: who waits at one hears soon of the tap at the other, by LISTEN or by looking."""
    office = closed_office
    office.settings["SAYSO_DATABASE_URL"] = pooler()
    if listening:
        office.settings["SAYSO_DATABASE_LISTEN_URL"] = postgresql.direct(office.database_url)
    first = office.open()
    office.open()
    assert first.database.pooled
    refund = office.agent_called("demo", url=first.url).refund()
    card = office.card(refund)
    heard: list[tuple[str, float]] = []

    def wait() -> None:
        state = office.agent_called("demo", url=first.url).see(refund, wait=60)["state"]
        heard.append((state, time.monotonic()))

    thread = threading.Thread(target=wait)
    thread.start()
    office.until(lambda: first.app.state.runtime.signals.waiting == 1, "the agent waits")
    tapped = time.monotonic()
    office.person("U0ALICE").click(card, "approve")
    thread.join(60)
    assert heard[0][0] == "approved"
    assert heard[0][1] - tapped < 10, "long before its own time was up"
    office.intact()


@needs_pgbouncer
def test_cycles_through_a_pooler(closed_office: Office, pooler: Pooler) -> None:
    """Create, tap, claim and result, again and again and several at once, over four lent sessions: not one 5xx."""
    office = closed_office
    office.settings["SAYSO_DATABASE_URL"] = pooler()
    limits = {"limits": {"creates_per_minute": 100_000, "pending": 1000}}
    write_manifest(office.folder, ACTIONS | {"step": PLAIN}, **limits)
    office.open()
    agent = office.agent

    def cycle(number: int) -> list[int]:
        made = agent.raw("POST", "/approvals", json={"action": "step", "params": {"n": number}}, headers=_key())
        approval = made.json()
        tap = office.person("U0ALICE").click(office.card(approval), "approve")
        nonce = secrets.token_hex(8)
        claimed = agent.raw("POST", f"/approvals/{approval['id']}/claim", json={"nonce": nonce})
        told = {"nonce": nonce, "outcome": "succeeded"}
        result = agent.raw("POST", f"/approvals/{approval['id']}/result", json=told)
        return [made.status_code, tap.status, claimed.status_code, result.status_code]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(cycle, range(CYCLES)))
    assert found == [[201, 200, 200, 200]] * CYCLES
    office.intact()


def _key() -> dict[str, str]:
    name = secrets.token_hex(8)
    return {"Idempotency-Key": name, "Sayso-Step": name}


@needs_pgbouncer
def test_a_pooler_without_transactions_is_refused(closed_office: Office, pooler: Pooler, tmp_path: Path) -> None:
    """PgBouncer in statement mode keeps no transaction together: that ends in a line."""
    line = refused(closed_office, tmp_path, SAYSO_DATABASE_URL=pooler(pool_mode="statement"))
    assert line.startswith("sayso: SAYSO_DATABASE_URL: ")
    assert "statement pooling mode" in line


@needs_pgbouncer
def test_a_listening_address_that_hears_nothing_is_refused(
    closed_office: Office, postgresql: Postgres, pooler: Pooler, tmp_path: Path
) -> None:
    """Through a pooler, to another database, to nobody, or no PostgreSQL at all: each is one line with the setting's name."""
    office, through = closed_office, pooler()

    def line(address: str, **settings: str) -> str:
        said = refused(office, tmp_path, SAYSO_DATABASE_LISTEN_URL=address, **settings)
        return said.removeprefix("sayso: SAYSO_DATABASE_LISTEN_URL: ")

    assert line(through).startswith("hears nothing of SAYSO_DATABASE_URL")
    with postgresql.fresh(empty=True) as elsewhere:
        assert line(postgresql.direct(elsewhere)).startswith("hears nothing of SAYSO_DATABASE_URL")
    assert line("postgresql://u:hunter2@127.0.0.1:1/x").startswith("cannot connect: ")
    assert line("sqlite:///x.db") == "must be a postgresql:// address"
    sqlite = f"sqlite:///{tmp_path}/x.db"
    assert (
        line("postgresql://h/x", SAYSO_DATABASE_URL=sqlite)
        == "is for PostgreSQL, and SAYSO_DATABASE_URL is a SQLite file"
    )


@pytest.fixture
def careful(postgresql: Postgres, database_url: str) -> Iterator[str]:
    """The address of the test's database under a role that was granted the least."""
    role, direct = f"careful_{secrets.token_hex(4)}", postgresql.direct(database_url)
    with psycopg.connect(direct, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN".encode())
        owner.execute(grants.script(role, "public").encode())
        yield make_url(direct).set(username=role).render_as_string(hide_password=False)
        owner.execute(f"DROP OWNED BY {role}".encode())
        owner.execute(f"DROP ROLE {role}".encode())


def test_a_life_under_a_role_that_may_do_little(careful: str, closed_office: Office, tmp_path: Path) -> None:
    """With what `grants` prints and nothing else, a server serves: asked, tapped, claimed, done, undone, swept, steered."""
    office = closed_office
    office.settings["SAYSO_DATABASE_URL"] = careful
    office.open()
    agent, alice = office.agent, office.person("U0ALICE")
    assert agent.beat("run-1", "Refunds")["state"] == "running"
    refund = agent.refund(session_id="run-1")
    alice.click(office.card(refund), "approve")
    agent.claim(refund)
    agent.result(refund)
    agent.label(refund, "correct")
    rejected = agent.refund(amount_usd=481)
    alice.submit(office.form("U0ALICE", office.card(rejected), "reject").fill("reason", "no"))
    assert agent.see(rejected)["state"] == "rejected"
    waiting = agent.refund(amount_usd=482)
    for words in ("stop", "start", "away tomorrow", "back", "stats"):
        assert office.person("U0ADMIN").command("/sayso", words).status == 200
    office.advance(7 * 86_400)
    assert agent.see(waiting)["state"] == "expired"
    done = command(office.env, "agent", "add", "second", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert command(office.env, "agent", "revoke", "second", folder=tmp_path).returncode == 0
    assert command(office.env, "audit", "verify", folder=tmp_path).returncode == 0
    office.intact()


@pytest.mark.parametrize("deleting", [False, True], ids=["texts alone", "whole approvals"])
def test_what_is_over_its_time_goes_under_that_role(
    careful: str, closed_office: Office, postgresql: Postgres, deleting: bool
) -> None:
    """Texts go with what is granted by default; whole approvals only with --deleting, and without it nothing else suffers."""
    office, role = closed_office, str(make_url(careful).username)
    with psycopg.connect(postgresql.direct(office.database_url), autocommit=True) as owner:
        owner.execute(grants.script(role, "public", deleting=deleting).encode())
    office.settings["SAYSO_DATABASE_URL"] = careful
    office.manifest.write_text(office.manifest.read_text() + "retention: {params_days: 1, approvals_days: 90}\n")
    office.open()
    over = office.agent.refund()
    office.agent.cancel(over)
    idle = text("SELECT count(*) FROM outbox WHERE next_at IS NOT NULL")
    office.until(lambda: not office.database.read(lambda unit: unit.execute(idle).scalar_one()), "nothing on its way")
    office.advance(3 * 86_400)
    office.until(lambda: "texts_removed" in office.events(over), "texts went")
    office.advance(100 * 86_400)
    if deleting:
        office.until(lambda: "approval_removed" in office.events(over), "approvals went")
    office.server.sweep()
    office.agent.see(over, status=404 if deleting else 200)
    assert office.agent.refund()["state"] == "pending"
    office.intact()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET line = '{}'",
        "UPDATE audit SET texts = NULL, line = line",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "DELETE FROM approvals",
        "DELETE FROM decisions",
        "UPDATE labels SET label = 'correct'",
        "DROP TABLE labels",
        "CREATE TABLE mine ()",
        "UPDATE alembic_version SET version_num = '0001'",
    ],
)
def test_what_that_role_may_not_do(careful: str, statement: str) -> None:
    """Neither rewrite nor thin out the record, nor touch the schema."""
    with psycopg.connect(careful) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_a_role_that_may_not_migrate_says_so_in_a_line(careful: str, closed_office: Office, tmp_path: Path) -> None:
    """At head it has nothing to do; on an older schema it is one line, and the owner's address does it."""
    office = closed_office
    assert command(office.env | {"SAYSO_DATABASE_URL": careful}, "migrate", folder=tmp_path).returncode == 0
    with psycopg.connect(careful.replace(make_url(careful).username or "", "postgres"), autocommit=True) as owner:
        owner.execute(b"UPDATE alembic_version SET version_num = '0021'")
        line = refused(office, tmp_path, "migrate", SAYSO_DATABASE_URL=careful)
        assert line.startswith("sayso: SAYSO_DATABASE_URL: the role may not do this: ")
        owner.execute(f"UPDATE alembic_version SET version_num = '{schema.newest()}'".encode())


@pytest.mark.servers
def test_a_standby_is_refused(closed_office: Office, tmp_path: Path) -> None:
    """A read-only standby, and a database that is set read-only: one line with the setting's name, of every command."""
    office = closed_office
    with postgres.own() as server:
        server.stand_by()
        for words in (("serve",), ("migrate",), ("agent", "add", "x")):
            line = refused(office, tmp_path, *words, SAYSO_DATABASE_URL=server.url)
            assert line.startswith("sayso: SAYSO_DATABASE_URL: PostgreSQL is a read-only standby: ")
    with psycopg.connect(make_url(office.database_url).render_as_string(), autocommit=True) as admin:
        name = make_url(office.database_url).database
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    assert refused(office, tmp_path).startswith("sayso: SAYSO_DATABASE_URL: transactions are read-only: ")


@pytest.mark.parametrize(
    "statement, said",
    [
        ("UPDATE alembic_version SET version_num = '9999'", "schema is at 9999, which this version does not know"),
        ("UPDATE alembic_version SET version_num = '0001'", "schema is at 0001, not at"),
        ("DROP TABLE labels", "holds half of a schema (at {head}, without labels)"),
        ("INSERT INTO alembic_version VALUES ('0001')", "holds half of a schema (it is at 0001, {head} at once)"),
        ("DROP TABLE alembic_version", "schema is at nothing, not at"),
    ],
)
def test_another_schema_is_refused(closed_office: Office, tmp_path: Path, statement: str, said: str) -> None:
    """Newer, older or half there: one line that names the setting and what was found."""
    office = closed_office
    with office.database.engine.begin() as connection:
        connection.execute(text(statement))
    line = refused(office, tmp_path)
    assert line.startswith("sayso: SAYSO_DATABASE_URL: the database")
    assert said.format(head=schema.newest()) in line


def test_tables_without_a_version_are_not_migrated(closed_office: Office, tmp_path: Path) -> None:
    """Our tables with nothing that says of which version they are: migrate touches nothing, and says so."""
    office = closed_office
    with office.database.engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    line = refused(office, tmp_path, "migrate")
    assert line.startswith("sayso: SAYSO_DATABASE_URL: the database holds half of a schema (without a version, with ")
