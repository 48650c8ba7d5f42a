"""Somebody without any right, on bare sockets: they cost nothing, keep nobody waiting, and hide no request in another."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.marks import on_sqlite
from support.office import Office
from support.wire import Heard, Wire, ask, files, memory

from bot.cli.serve import config
from bot.server.edge import Limits

LINE = b"GET /healthz HTTP/1.1\r\nHost: sayso\r\n"
WHOLE = LINE + b"\r\n"
LAST = LINE + b"Connection: close\r\n\r\n"
ROUTE = b"POST /v1/route HTTP/1.1\r\nHost: sayso\r\nAuthorization: Bearer nobody\r\n"
SLACK = b"POST /slack/events HTTP/1.1\r\nHost: sayso\r\n"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Office]:
    """A real server in a process of its own."""
    folder = tmp_path_factory.mktemp("edge")
    shutil.copy(sqlite_template, folder / "sayso.db")
    office = Office(f"sqlite:///{folder / 'sayso.db'}", folder)
    office.open_process()
    yield office
    office.close()


def calm(office: Office) -> None:
    """The server lives, answers at once, and logged no accident."""
    assert office.process.alive
    began = time.monotonic()
    assert ask(office.process.url, LAST).status == 200
    assert time.monotonic() - began < 5
    assert "Traceback" not in office.process.log.read_text()


# --- headers ---------------------------------------------------------------------------------------------------------


def test_headers_without_an_end_cost_nothing(house: Office) -> None:
    """Ten connections that send headers for ever are refused after 32 KB each; today three of them took 300 MB."""
    before = memory(house.process.pid)

    def pour() -> None:
        with Wire(house.process.url) as wire:
            wire.send(LINE)
            for number in range(300):
                if not wire.send(b"X-%d: " % number + b"x" * 1_000_000 + b"\r\n"):
                    return

    pouring = [threading.Thread(target=pour) for _ in range(10)]
    for thread in pouring:
        thread.start()
    for thread in pouring:
        thread.join(60)
    assert not any(thread.is_alive() for thread in pouring)
    assert memory(house.process.pid) - before < 8 * MEGABYTE
    calm(house)


@pytest.mark.parametrize(
    "sent, status",
    [
        (LINE + b"X: " + b"x" * 60_000 + b"\r\n\r\n", 431),
        (LINE + b"X: " + b"x" * 60_000, 431),
        (LINE + b"x" * 60_000, 431),
        (LINE + b"X: y\r\n" * 150 + b"\r\n", 431),
        (LINE + b"".join(b"X%d: y\r\n" % number for number in range(5_000)) + b"\r\n", 431),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: sayso\r\n\r\n", 414),
        (b"GET /?" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: sayso\r\n\r\n", 414),
        (b"\r\n" * 40_000, 431),
        (b"G" * 60_000, 400),
    ],
    ids=["one huge", "one endless", "a name", "many", "thousands", "a path", "a query", "nothing", "a method"],
)
def test_a_request_has_a_head_of_a_size(house: Office, sent: bytes, status: int) -> None:
    """A head beyond 32 KB, 100 headers or 8 KB of address is refused by name, and the connection ends."""
    heard = ask(house.process.url, sent)
    assert (heard.status, heard.ended) == (status, True)
    calm(house)


def test_a_head_within_the_bounds_is_heard(house: Office) -> None:
    """What a proxy with long cookies sends is no attack."""
    assert ask(house.process.url, LINE + b"Cookie: " + b"x" * 30_000 + b"\r\nConnection: close\r\n\r\n").status == 200
    many = b"".join(b"X-%d: y\r\n" % number for number in range(90))
    assert ask(house.process.url, LINE + many + b"Connection: close\r\n\r\n").status == 200


def test_headers_a_byte_at_a_time_are_counted_too(house: Office) -> None:
    """Small pieces are no way around: the head is as large as all of them."""
    with Wire(house.process.url) as wire:
        wire.send(LINE + b"X: ")
        for _ in range(2_000):
            if not wire.send(b"x" * 32):
                break
        assert wire.hear(10).status == 431


# --- time ------------------------------------------------------------------------------------------------------------


def test_slowness_ends_within_its_time(house: Office) -> None:
    """Heads and bodies that do not come, or come a drop at a time, end after ten seconds and keep nobody waiting."""
    url = house.process.url
    slow = {
        "half a line": (b"GET /hea", 408),
        "half a head": (LINE, 408),
        "no body": (ROUTE + b"Content-Length: 100\r\n\r\n", 408),
        "half a body": (ROUTE + b'Content-Length: 100\r\n\r\n{"', 408),
        "half a chunk": (ROUTE + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", 408),
        "a dripping head": (LINE, 408),
        "nothing but line ends": (b"\r\n\r\n", None),
    }
    heard: dict[str, Heard] = {}

    def attack(name: str, sent: bytes) -> None:
        with Wire(url) as wire:
            wire.send(sent)
            if name == "a dripping head":
                wire.drip(b"X: y\r\n", 0.5, 25)
            heard[name] = wire.hear(25)

    began = time.monotonic()
    attacks = [threading.Thread(target=attack, args=(name, sent)) for name, (sent, _) in slow.items()]
    for thread in attacks:
        thread.start()
    time.sleep(1)
    calm(house)
    for thread in attacks:
        thread.join(60)
    assert time.monotonic() - began < 30
    assert {name: (one.status, one.ended) for name, one in heard.items()} == {
        name: (status, True) for name, (_, status) in slow.items()
    }
    calm(house)


def test_a_slow_tap_is_given_up_before_slack_gives_up(house: Office) -> None:
    """Slack waits three seconds: a body that takes longer is refused in less, also where it drips."""
    for drip in (False, True):
        began = time.monotonic()
        with Wire(house.process.url) as wire:
            wire.send(SLACK + b"Content-Length: 1000\r\n\r\npayload=")
            if drip:
                wire.drip(b"x", 0.2, 5)
            assert wire.hear(10).status == 408
        assert time.monotonic() - began < 8


@on_sqlite
def test_a_body_that_drips_has_an_end(closed_office: Office) -> None:
    """Each piece in time is not enough: the whole body has its time too. So has one that nobody waits for any more."""
    limits = Limits(body_seconds=1.0, gap_seconds=0.5, linger_seconds=0.5, head_seconds=1.0)
    url = closed_office.open(limits=limits).url
    with Wire(url) as wire:
        wire.send(ROUTE + b"Content-Length: 100000\r\n\r\n")
        assert not wire.drip(b" ", 0.1, 10)
        assert wire.hear(5).status == 408
    with Wire(url) as wire:
        wire.send(ROUTE + b"Content-Length: 99999999\r\n\r\n")
        heard = wire.hear(1.0, until=lambda data: b"larger than" in data)
        assert heard.status == 413
        assert not wire.drip(b" ", 0.1, 10), "it goes on as if nothing had been said"
    with Wire(url) as wire:
        wire.send(b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
        assert wire.hear(1.0, until=lambda data: b"405" in data).status == 405
        assert not wire.drip(b" ", 0.1, 10)


@on_sqlite
def test_an_answer_that_nobody_takes_is_thrown_away(closed_office: Office) -> None:
    """Whoever asks and never reads holds no answers in our memory for ever."""
    server = closed_office.open(limits=Limits(write_seconds=0.5, pipelined=8))
    with Wire(server.url) as wire:
        wire.socket.setsockopt(6, 10, 4096)  # TCP_WINDOW_CLAMP
        request = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
        until = time.monotonic() + 20
        while time.monotonic() < until and wire.send(request * 4):
            time.sleep(0.05)
        assert time.monotonic() < until, "it went on answering"
    calm_thread(closed_office)


@on_sqlite
def test_idle_connections_outlive_a_load_balancers(closed_office: Office) -> None:
    """An idle connection is kept for 75 s, longer than any load balancer keeps its own; then it ends, whoever holds it."""
    assert Limits().idle_seconds == config(closed_office.open().app).timeout_keep_alive == 75
    with Wire(closed_office.server.url) as used, Wire(closed_office.server.url) as fresh:
        used.send(WHOLE)
        assert used.hear(5, until=lambda data: data.endswith(b"}")).status == 200
        time.sleep(6)
        assert not used.over
        assert not fresh.over
        used.send(LAST)
        assert used.hear(5).status == 200
    server = closed_office.open(limits=Limits(idle_seconds=1.0))
    with Wire(server.url) as used, Wire(server.url) as fresh:
        used.send(WHOLE)
        assert (used.hear(10).status, fresh.hear(10).data) == (200, b"")
        assert used.over
        assert fresh.over


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent, status",
    [
        (b"Content-Length: 99999999\r\n\r\n", 413),
        (b"Content-Length: 99999999999999999999999\r\n\r\n", 400),
        (b"Content-Length: -1\r\n\r\n", 400),
        (b"Content-Length: +5\r\n\r\nhello", 400),
        (b"Content-Length: 5 5\r\n\r\nhello", 400),
        (b"Content-Length: 0x5\r\n\r\nhello", 400),
        (b"Content-Length: \r\n\r\nhello", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 65_536 + b"\r\n", 413),
        (b"Transfer-Encoding: chunked\r\n\r\n1;" + b"e" * 5 * MEGABYTE + b"\r\nx\r\n0\r\n\r\n", 413),
        (b"Transfer-Encoding: chunked\r\n\r\n" + b"1;eeeeeeeeeeeeeeee\r\nx\r\n" * 250_000, 413),
        (b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", 400),
    ],
    ids=lambda value: value[:40].decode() if isinstance(value, bytes) else "",
)
@pytest.mark.parametrize("door", [ROUTE, SLACK], ids=["agents", "slack"])
def test_a_body_is_bounded_however_it_is_framed(house: Office, door: bytes, sent: bytes, status: int) -> None:
    """No length, chunk or chunk's extension gets more into the server than the body's own bound, or breaks it."""
    before = memory(house.process.pid)
    if b"10000\r\n" in sent:
        head, _, chunk = sent.partition(b"\r\n\r\n")
        sent = head + b"\r\n\r\n" + chunk * 30
    assert ask(house.process.url, door + sent).status == status
    assert memory(house.process.pid) - before < 16 * MEGABYTE
    calm(house)


SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: sayso\r\nX: "
SHAPES = {
    "length and chunks": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 6\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
    "a list of lengths": b"Content-Length: 6, 0\r\n\r\n0\r\n\r\n",
    "chunks, then identity": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding before chunks": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "identity": b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a tab in the coding": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded line": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "bare line feeds": b"Content-Length: 6\n\n0\r\n\r\n",
    "a bare carriage return": b"X: y\rContent-Length: 6\r\n\r\n0\r\n\r\n",
    "a NUL": b"X: \x00\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
    "an upgrade with a body": b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
    "a websocket with a body": b"Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_request_hides_in_another(house: Office, shape: str) -> None:
    """Framing that two servers could read differently is refused, and whatever follows on the connection is not heard."""
    heard = ask(house.process.url, ROUTE + SHAPES[shape] + SMUGGLED + b"\r\n\r\n" + LAST)
    assert (heard.statuses, heard.ended) == ([400], True)
    calm(house)


def test_old_framing_is_refused(house: Office) -> None:
    """Chunks in HTTP/1.0, and HTTP/0.9 and 2 on this port, are nothing that is spoken here."""
    old = b"POST /v1/route HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    for sent in (
        old,
        b"GET /healthz\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    ):
        heard = ask(house.process.url, sent)
        assert (heard.status, heard.ended) == (400, True)


def test_what_trails_behind_a_body_is_no_header(house: Office) -> None:
    """A token in a trailer, which a proxy would not have looked at, opens nothing."""
    token = house.agent.token.encode()
    request = b"GET /v1/approvals HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    assert ask(house.process.url, request + b"Authorization: Bearer " + token + b"\r\n\r\n").status == 401


def test_an_upgrade_is_answered_and_ends(house: Office) -> None:
    """Nobody speaks another protocol here: the request is answered in HTTP, and what follows it is not heard."""
    heard = ask(house.process.url, LINE + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + WHOLE)
    assert (heard.statuses, heard.ended) == ([200], True)


def test_a_few_requests_at_once_are_answered_in_order(house: Office) -> None:
    """Pipelining works within its bound; thousands of requests in one packet are not even begun."""
    assert ask(house.process.url, WHOLE * 5 + LAST).statuses == [200] * 6
    before = memory(house.process.pid)
    heard = ask(house.process.url, WHOLE * 14_000)
    assert heard.ended
    assert len(heard.statuses) < 20
    assert memory(house.process.pid) - before < 8 * MEGABYTE
    calm(house)


# --- many ------------------------------------------------------------------------------------------------------------


def test_a_thousand_idle_connections_are_no_burden(house: Office) -> None:
    """A thousand connections that say nothing cost less than ten kilobytes each, and nobody else waits for them."""
    before = memory(house.process.pid)
    held = [Wire(house.process.url) for _ in range(1000)]
    calm(house)
    assert memory(house.process.pid) - before < 10 * MEGABYTE
    for wire in held:
        wire.socket.close()
    house.until(lambda: files(house.process.pid) < 200, "the connections are let go")


@pytest.mark.parametrize(
    "sent",
    [LINE + b"X: " + b"x" * 25_000, ROUTE + b"Content-Length: 250000\r\n\r\n" + b"x" * 200_000],
    ids=["heads", "bodies"],
)
def test_a_thousand_unfinished_requests_are_bounded_together(house: Office, sent: bytes) -> None:
    """Each within its own bounds, they are not held all together: the oldest go, and an honest request is answered."""
    before = memory(house.process.pid)
    held = [Wire(house.process.url) for _ in range(1000)]
    for wire in held:
        wire.send(sent)
    calm(house)
    assert memory(house.process.pid) - before < 40 * MEGABYTE  # of 25 and 200 that were sent
    for wire in held:
        wire.socket.close()


@on_sqlite
def test_when_every_place_is_taken_the_greediest_makes_room(closed_office: Office) -> None:
    """With more connections than there are places the oldest silent ones go; one that waits for an answer stays."""
    server = closed_office.open(limits=Limits(connections=20))
    closed_office.agent.refund(customer="somebody")
    refund = closed_office.agent.refund()
    with Wire(server.url) as waiting:
        waiting.send(
            f"GET /v1/approvals/{refund['id']}?wait=30 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            f"Authorization: Bearer {closed_office.agent.token}\r\n\r\n".encode()
        )
        held = [Wire(server.url) for _ in range(200)]
        assert ask(server.url, LAST).status == 200
        assert not waiting.over
        closed_office.person("U0ALICE").click(closed_office.card(refund), "approve")
        assert waiting.hear(10).status == 200
        for wire in held:
            wire.socket.close()


@on_sqlite
def test_half_open_connections_are_let_go(closed_office: Office) -> None:
    """Whoever closes their side, or vanishes in the middle of a request, leaves nothing behind."""
    server = closed_office.open(limits=Limits(close_seconds=0.5))
    for sent in (b"", b"GET /heal", LINE, ROUTE + b"Content-Length: 10\r\n\r\n{", WHOLE):
        with Wire(server.url) as wire:
            wire.send(sent)
            wire.socket.shutdown(1)
            assert wire.hear(10).ended
    closed_office.until(lambda: len(server.edge.connections) <= 2, "they are gone")
    calm_thread(closed_office)


def calm_thread(office: Office) -> None:
    """The server in this process still answers."""
    assert ask(office.server.url, LAST).status == 200


# --- what must not change --------------------------------------------------------------------------------------------


@on_sqlite
def test_a_long_poll_is_not_cut(closed_office: Office) -> None:
    """Waiting for a decision is no slowness, however short the patience for bytes is."""
    limits = Limits(head_seconds=0.5, body_seconds=0.5, gap_seconds=0.5, idle_seconds=1.0)
    closed_office.open(limits=limits)
    refund = closed_office.agent.refund()
    began = time.monotonic()
    assert closed_office.agent.see(refund, wait=4)["state"] == "pending"
    assert 3.5 < time.monotonic() - began < 10


def test_whoever_watches_may_ask_with_head(house: Office) -> None:
    """HEAD of the health pages answers as GET does, without a body."""
    for page in (b"/healthz", b"/readyz"):
        heard = ask(house.process.url, b"HEAD " + page + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert heard.status == 200
        assert heard.data.endswith(b"\r\n\r\n")


def test_what_was_refused_is_counted(house: Office) -> None:
    """The figures say how many requests were refused and why, in words that nobody outside can make more of."""
    ask(house.process.url, LINE + b"X: " + b"x" * 60_000)
    figures = house.agent.http.get("/metrics").text
    assert 'sayso_http_refused_total{why="the headers are too large' in figures
    assert "sayso_http_connections " in figures
