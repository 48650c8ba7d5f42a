"""A database that fails under a running server: full, restarted, its sessions ended, and clocks that disagree."""

from __future__ import annotations

import contextlib
import resource
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from support import postgres
from support.agent import TLS
from support.files import PLAIN, write_manifest
from support.marks import on_postgresql, on_sqlite
from support.office import Office
from support.servers import ProcessServer, free_port

from store import engine

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
MANY = {"creates_per_minute": 1_000_000, "pending": 1_000_000}


@contextlib.contextmanager
def disk_full(pid: int, file: Path) -> Iterator[None]:
    """No file of that process may grow beyond what `file` is now: the kernel refuses the write, as a full disk does."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (file.stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@on_sqlite
def test_a_disk_that_is_full(closed_office: Office) -> None:
    """Nothing is acknowledged that could not be written, and nothing of it is there; with room again all goes on."""
    office = closed_office
    server = office.open_process()
    refund = office.agent.refund()
    card = office.card(refund)
    office.until(lambda: "gate_presented" in office.events(refund), "the card is known to be posted")
    log = Path(office.database_url.removeprefix("sqlite:///") + "-wal")
    with disk_full(server.pid, log):
        tries = [office.agent.raw("POST", "/approvals", json=asked(n), headers=key(n)) for n in range(3)]
        assert [answer.status_code for answer in tries] == [503] * 3
        assert all(answer.headers["content-type"] == "application/problem+json" for answer in tries)
        assert office.person("U0ALICE").click(card, "approve").status >= 500
        assert office.agent.see(refund)["state"] == "pending", "reading goes on"
    assert office.person("U0ALICE").click(card, "approve").status == 200
    again = [office.agent.raw("POST", "/approvals", json=asked(n), headers=key(n)) for n in range(3)]
    assert [answer.status_code for answer in again] == [201] * 3, "none of them had been stored"
    assert office.events(refund).count("approved") == 1
    office.slack.expect_update(card, contains="Approved")
    office.intact()


@on_sqlite
def test_a_file_that_another_program_has_locked(closed_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is locked for longer than anybody waits, all is refused soon and nothing stored; reading goes on."""
    monkeypatch.setattr(engine, "PATIENCE_SECONDS", 0.5)
    office = closed_office
    office.open()
    refund = office.agent.refund()
    card = office.card(refund)
    office.until(lambda: "gate_presented" in office.events(refund), "the card is known to be posted")
    other = sqlite3.connect(office.database_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    assert office.agent.raw("POST", "/approvals", json=asked(1), headers=key(1)).status_code == 503
    assert office.person("U0ALICE").click(card, "approve").status >= 500
    assert time.monotonic() - begun < 10
    assert office.agent.see(refund)["state"] == "pending"
    other.execute("ROLLBACK")
    other.close()
    assert office.person("U0ALICE").click(card, "approve").status == 200
    assert office.agent.raw("POST", "/approvals", json=asked(1), headers=key(1)).status_code == 201
    assert office.events(refund).count("approved") == 1
    office.slack.expect_update(card, contains="Approved")
    office.intact()


@on_postgresql
def test_postgresql_says_that_its_disk_is_full(office: Office) -> None:
    """The same where PostgreSQL says so: 503, no acknowledgement, nothing stored, and on with it once there is room."""
    refund = office.agent.refund()
    card = office.card(refund)
    office.until(lambda: "gate_presented" in office.events(refund), "the card is known to be posted")
    with postgresql_full(office):
        answer = office.agent.raw("POST", "/approvals", json=asked(1), headers=key(1))
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert office.person("U0ALICE").click(card, "approve").status >= 500
        assert office.agent.see(refund)["state"] == "pending"
    assert office.person("U0ALICE").click(card, "approve").status == 200
    assert office.agent.raw("POST", "/approvals", json=asked(1), headers=key(1)).status_code == 201
    assert office.events(refund).count("approved") == 1
    office.intact()


@contextlib.contextmanager
def postgresql_full(office: Office) -> Iterator[None]:
    """No row of the audit can be added, with the error that a full disk gives."""
    body = "BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END"
    for statement in (
        f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION full_disk()",
    ):
        office.database.run(lambda unit, words=statement: unit.execute(text(words)))  # type: ignore[misc]
    try:
        yield
    finally:
        office.database.run(lambda unit: unit.execute(text("DROP FUNCTION full_disk() CASCADE")))


def asked(number: int) -> dict[str, Any]:
    """A request that no other is like."""
    return {"action": "change_thing", "params": {"thing": f"door {number}"}}


def key(number: int) -> dict[str, str]:
    """Its idempotency key."""
    return {"Idempotency-Key": f"door-{number}"}


class Load:
    """Agents that ask and people who tap until they are told to stop, each call until it is answered; answers are kept."""

    def __init__(self, office: Office, threads: int = 3) -> None:
        self.office = office
        self.decided: list[str] = []
        self.faults: list[str] = []
        self.unanswered = 0
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]

    def __enter__(self) -> Load:
        self.office.agent  # noqa: B018 - made here, by one thread
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join(120)

    def goes_on(self, more: int = 6) -> None:
        """Wait until that many more were decided."""
        wanted = len(self.decided) + more
        self.office.until(lambda: len(self.decided) >= wanted or self.faults, "the load goes on", 90)

    def _run(self, number: int) -> None:
        cycle = 0
        while not self._enough.is_set() and not self.faults:
            cycle += 1
            try:
                self._once(number * 100_000 + cycle)
            except Exception as error:
                self.faults.append(f"{type(error).__name__}: {error}")

    def _once(self, number: int) -> None:
        body = asked(number)
        made = self._answered(lambda: self.office.agent.raw("POST", "/approvals", json=body, headers=key(number)))
        assert made.status_code in (200, 201), made.text
        approval = made.json()
        card = self.office.slack.expect_card(approval_id=approval["id"], timeout=60)
        person = self.office.person("U0ALICE")
        deadline = time.monotonic() + 60
        while person.click(card, "approve").status != 200:
            self.unanswered += 1
            assert time.monotonic() < deadline, "a tap was not acknowledged for a minute"
            time.sleep(0.05)
        self.decided.append(approval["id"])

    def _answered(self, call: Any) -> httpx2.Response:
        deadline = time.monotonic() + 60
        while True:
            answer: httpx2.Response = call()
            if answer.status_code < 500:
                return answer
            self.unanswered += 1
            assert answer.status_code == 503, answer.text
            assert time.monotonic() < deadline, "no answer for a minute"
            time.sleep(0.05)


def kept_once(office: Office, load: Load) -> None:
    """Everything acknowledged is decided, once, and nothing was asked twice."""
    assert load.faults == []
    assert len(set(load.decided)) == len(load.decided)
    for approval_id in load.decided:
        assert office.agent.see(approval_id)["state"] == "approved"
        events = office.events({"id": approval_id})
        assert (events.count("requested"), events.count("approved")) == (1, 1), events
    asked_for = [line["approval_id"] for line in office.trail() if line["event"] == "requested"]
    assert len(asked_for) == len(load.decided)
    office.intact()


@on_postgresql
def test_sessions_that_postgresql_ends(closed_office: Office) -> None:
    """Every session of ours is terminated again and again while agents ask and people tap: all is kept, once."""
    office = closed_office
    write_manifest(office.folder, {"change_thing": PLAIN}, limits=MANY)
    office.open()
    ended = 0
    with Load(office) as load:
        for _ in range(12):
            ended += len(office.database.read(lambda unit: unit.execute(text(TERMINATE)).all()))
            load.goes_on(2)
    assert ended > 10, "the sessions were ended"
    kept_once(office, load)


TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'sayso' AND pid <> pg_backend_pid()
"""


@pytest.fixture
def own_office(tmp_path: Path) -> Iterator[tuple[Office, postgres.OwnPostgres]]:
    """An office on a PostgreSQL that may be restarted."""
    with postgres.own() as server:
        office = Office(server.url, tmp_path)
        write_manifest(office.folder, {"change_thing": PLAIN}, limits=MANY)
        yield office, server
        office.close()


def test_postgresql_restarts(own_office: tuple[Office, postgres.OwnPostgres]) -> None:
    """It is restarted, in order and by a crash, while agents ask and people tap: all is kept, once, without a restart of ours."""
    office, server = own_office
    office.open()
    with Load(office) as load:
        for mode in ("fast", "immediate", "fast"):
            load.goes_on()
            server.restart(mode)
            office.leases_run_out()
        load.goes_on()
    assert load.unanswered, "somebody met it while it was away"
    office.until(lambda: office.agent.http.get("/readyz").status_code == 200, "ready again")
    kept_once(office, load)


@on_postgresql
@pytest.mark.skipif(FAKETIME is None, reason="NOT TESTED: clocks that disagree need Debian's faketime")
def test_replicas_whose_clocks_disagree(closed_office: Office) -> None:
    """Beside a replica that is four minutes fast: deadlines, times and taps are those of the database, on both."""
    office = closed_office
    write_manifest(office.folder, {"quick": PLAIN | {"sla_seconds": 2}, "change_thing": PLAIN}, limits=MANY)
    right = office.open().url
    with skewed(office, "+240s") as wrong:
        for url in (right, wrong.url):
            agent = office.agent_called("demo", url=url)
            office.slack.bot_url = url
            begun = moment(office)
            quick = agent.ask("quick", {"thing": "door"})
            thing = agent.ask("change_thing", {"thing": "gate"})
            assert 0 <= seconds(begun, quick["created_at"]) < 10
            assert seconds(begun, quick["due_at"]) - seconds(begun, quick["created_at"]) == pytest.approx(2, abs=0.01)
            assert office.person("U0ALICE").click(office.card(thing), "approve").status == 200
            assert 0 <= seconds(begun, agent.see(thing)["decision"]["at"]) < 20
            assert agent.claim(thing)["params"] == {"thing": "gate"}
            office.until(lambda: "reassigned" in office.events(quick), "the overdue card is moved")  # noqa: B023
            moved = next(line["at"] for line in office.trail(quick) if line["event"] == "reassigned")
            assert seconds(begun, moved) >= 2, "not before its time"
            assert seconds(moment(office), moved) <= 0, "and at a moment that has been"
    assert [line["event"] for line in office.trail()].count("approved") == 2
    office.intact()


def moment(office: Office) -> datetime:
    """The database's time."""
    return office.database.read(lambda unit: unit.now)


@contextlib.contextmanager
def skewed(office: Office, by: str) -> Iterator[ProcessServer]:
    """A server whose machine's clock is wrong; its timers run as ever."""
    wrong = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    server = ProcessServer(office.env | wrong, office.folder, port=free_port())
    try:
        with httpx2.Client(verify=TLS) as http:
            assert abs(clock_of(http, server.url) - time.time()) > 200, "its clock is wrong"
        yield server
    finally:
        server.stop()


def clock_of(http: httpx2.Client, url: str) -> float:
    """What a server takes the time to be."""
    return parsedate_to_datetime(http.get(f"{url}/healthz").headers["date"]).timestamp()


def seconds(start: datetime, end: str) -> float:
    """From a moment to an RFC 3339 one."""
    return (datetime.fromisoformat(end) - start).total_seconds()
