"""How a server goes: not ready first, then nothing new, and what is under way comes to its end."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select
from support.agent import TLS, Agent, Json
from support.marks import on_sqlite
from support.office import Office
from support.receiver import SECRET, receiving
from support.servers import ProcessServer

from store import tables

pytestmark = on_sqlite


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    """Threads for what waits."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


def polls(office: Office, beside: ThreadPoolExecutor, approval: Json, count: int) -> list[Future[httpx2.Response]]:
    """Long-polls that are really open, each on a connection of its own."""
    agent, before = office.agent, waiting(office.process)

    def poll() -> httpx2.Response:
        with httpx2.Client(base_url=agent.http.base_url, headers=agent.http.headers, timeout=90, verify=TLS) as http:
            return http.get(f"/v1/approvals/{approval['id']}?wait=60")

    found = [beside.submit(poll) for _ in range(count)]
    office.until(lambda: waiting(office.process) == before + count, "long-polls that wait")
    return found


def waiting(server: ProcessServer) -> int:
    """How many long-polls the server holds."""
    text = httpx2.get(f"{server.url}/metrics", timeout=10).text
    return int(float(text.split("\nsayso_waiting_agents ")[1].split("\n")[0]))


def test_it_is_not_ready_first_and_serves_on(closed_office: Office, beside: ThreadPoolExecutor) -> None:
    """On SIGTERM `/readyz` is 503 at once, while everything else works until the delay is over; then polls are answered."""
    office = closed_office
    office.settings |= {"SAYSO_SHUTDOWN_DELAY_SECONDS": "3", "SAYSO_SHUTDOWN_SECONDS": "5"}
    server = office.open_process()
    refund = office.agent.refund()
    office.card(refund)
    held = polls(office, beside, refund, 3)
    server.send(signal.SIGTERM)
    begun = time.monotonic()

    def ready() -> httpx2.Response:
        return httpx2.get(f"{server.url}/readyz", timeout=5)

    office.until(lambda: ready().status_code == 503, "not ready", 2)
    assert time.monotonic() - begun < 1.0
    answer = ready()
    said = answer.json()
    assert (said["status"], said["troubles"]) == ("not ready", {"server": "is shutting down"})
    assert answer.headers["connection"] == "close", "whoever keeps a connection would lose it in a moment"
    assert httpx2.get(f"{server.url}/healthz", timeout=5).status_code == 200
    other = office.agent.refund(481)
    office.person("U0ALICE").click(office.card(other), "approve")
    assert office.agent.claim(other)["params"]["amount_usd"] == 481
    assert not any(poll.done() for poll in held), "they wait as long as there is somebody to hear of"
    for poll in held:
        said = poll.result(10)
        assert (said.status_code, said.json()["state"], said.json()["id"]) == (200, "pending", refund["id"])
        assert said.headers["connection"] == "close"
    assert 2.5 < time.monotonic() - begun < 6
    assert server._child.ended_within(5)


def test_a_decision_in_the_delay_reaches_who_waits(closed_office: Office, beside: ThreadPoolExecutor) -> None:
    """Somebody decides while the server goes: the waiting agent hears of it there and then."""
    office = closed_office
    office.settings["SAYSO_SHUTDOWN_DELAY_SECONDS"] = "20"
    server = office.open_process()
    refund = office.agent.refund()
    card = office.card(refund)
    (poll,) = polls(office, beside, refund, 1)
    server.send(signal.SIGTERM)
    office.until(lambda: httpx2.get(f"{server.url}/readyz", timeout=5).status_code == 503, "not ready")
    office.person("U0ALICE").click(card, "approve")
    assert poll.result(5).json()["state"] == "approved"
    server.kill()


def test_a_post_that_is_on_its_way_arrives_before_the_end(closed_office: Office) -> None:
    """The courier has given Slack a card, and Slack takes a second: the server waits, and the next one knows the card."""
    office = closed_office
    server = office.open_process()
    slow = office.slack.faults.inject("chat.postMessage", "latency", seconds=1.5)
    refund = office.agent.refund()
    office.until(lambda: slow.hits, "a post under way")
    server.stop()
    with office.database.engine.connect() as look:
        row = look.execute(select(tables.outbox.c.lease, tables.outbox.c.slack_ts)).one()
    assert (row.lease, bool(row.slack_ts)) == (None, True)
    assert len(office.slack.cards(approval_id=refund["id"])) == 1


def test_a_post_without_an_answer_is_let_go(closed_office: Office) -> None:
    """Slack keeps silent longer than there is time: the lease ends with the server, and the next one posts nothing twice."""
    office = closed_office
    office.settings["SAYSO_SHUTDOWN_SECONDS"] = "1"
    server = office.open_process()
    late = office.slack.faults.inject("chat.postMessage", "latency", seconds=6)
    refund = office.agent.refund()
    office.until(lambda: late.hits, "a post under way")
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 5
    with office.database.engine.connect() as look:
        row = look.execute(select(tables.outbox.c.lease, tables.outbox.c.slack_ts, tables.outbox.c.unsure)).one()
    assert tuple(row) == (None, None, True)
    office.slack.faults.clear()
    office.open_process()
    office.person("U0ALICE").click(office.card(refund, timeout=20), "approve")
    assert office.agent.see(refund)["state"] == "approved"
    time.sleep(5)  # until Slack has taken the first one, too
    assert office.events(refund).count("approved") == 1


def test_a_callback_on_its_way_is_told(closed_office: Office) -> None:
    """An agent's address takes a second for a callback: the server waits for its answer, and sends it once."""
    office = closed_office
    with receiving("late") as receiver:
        office.settings |= {"SAYSO_CALLBACK_HOSTS": f"127.0.0.1:{receiver.port}", "SAYSO_CALLBACK_SECRET": SECRET}
        server = office.open_process()
        refund = office.agent.refund(callback_url=receiver.url)
        office.person("U0ALICE").click(office.card(refund), "approve")
        office.until(lambda: receiver.got, "a callback under way")
        server.stop()
        with office.database.engine.connect() as look:
            waits = look.execute(select(tables.callbacks.c.next_at)).scalars().all()
        assert waits == [None]
        assert len(receiver.got) == 1


def test_a_request_that_is_coming_in_is_answered(closed_office: Office) -> None:
    """Half of a body has come when the server is told to end: the rest still comes in, is kept, and is answered."""
    office = closed_office
    server = office.open_process()
    agent: Agent = office.agent
    body = b'{"action": "process_refund", "params": {"customer": "ann", "amount_usd": 480}}'
    head = (
        f"POST /v1/approvals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {agent.token}\r\nIdempotency-Key: half\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as way:
        way.sendall(head.encode() + body[:20])
        time.sleep(0.3)
        server.send(signal.SIGTERM)
        time.sleep(0.7)
        way.sendall(body[20:])
        with contextlib.closing(way.makefile("rb")) as heard:
            said = heard.read()
    assert said.startswith(b"HTTP/1.1 201 ")
    assert b"connection: close" in said
    assert server._child.ended_within(10)
    office.open_process()
    assert len(office.agent.listing()["approvals"]) == 1


def test_an_end_has_an_end(closed_office: Office) -> None:
    """A body that never comes does not hold the server longer than SAYSO_SHUTDOWN_SECONDS and a little."""
    office = closed_office
    office.settings["SAYSO_SHUTDOWN_SECONDS"] = "2"
    server = office.open_process()
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=10) as way:
        head = f"POST /v1/route HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {office.agent.token}\r\n"
        way.sendall(f"{head}Content-Length: 100\r\n\r\n".encode())
        time.sleep(0.3)
        server.send(signal.SIGTERM)
        begun = time.monotonic()
        assert server._child.ended_within(8)
        assert 1.5 < time.monotonic() - begun < 6


def test_systemd_is_told(closed_office: Office, tmp_path: Path) -> None:
    """A service of Type=notify hears that the server is ready, lives, and ends, each when it is so."""
    office, place = closed_office, tmp_path / "notify"
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(place))
        threading.Thread(target=_listen, args=(ear, heard), daemon=True).start()
        office.settings |= {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "1000000"}
        server = office.open_process()
        office.until(lambda: heard.count("WATCHDOG=1") >= 3, "signs of life")
        assert heard.count("READY=1") == 1
        server.stop()
        office.until(lambda: "STOPPING=1" in heard, "its end")
    assert heard.index("READY=1") < heard.index("STOPPING=1")
    office.settings.clear()


def _listen(ear: socket.socket, heard: list[str]) -> None:
    with contextlib.suppress(OSError):
        while True:
            heard.append(ear.recv(100).decode())
