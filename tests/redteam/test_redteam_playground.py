"""A page on another site, in the browser of somebody who plays: it can neither reach the playground by a name of its own nor act."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.servers import ROOT, environment
from support.wire import Wire, ask

from playground.app import PlaygroundApp
from playground.kit import Playground

CLOSE = "Connection: close\r\n\r\n"


@pytest.fixture(scope="module")
def slack() -> Iterator[Playground]:
    """A playground on a port."""
    with Playground.start(app=PlaygroundApp()) as running:
        yield running


def port_of(slack: Playground) -> int:
    """Its port."""
    return int(urlsplit(slack.url).port or 0)


def status(
    slack: Playground, host: str | None, line: str = "GET / HTTP/1.1", more: str = "", body: str = ""
) -> int | None:
    """What a request with this Host is answered."""
    named = f"Host: {host.format(port=port_of(slack))}\r\n" if host is not None else ""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return ask(slack.url, f"{line}\r\n{named}{more}{length}{CLOSE}{body}".encode("latin-1")).status


OURS = ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"]
FOREIGN = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1.evil.example:{port}",
    "localhost.evil.example:{port}",
    "localhost.:{port}",
    "evil.example#127.0.0.1:{port}",
    "127.0.0.1:{port}@evil.example",
    "127.0.0.1:{port}, evil.example",
    "user@127.0.0.1:{port}",
    "127.0.0.1",
    "localhost",
    "127.0.0.1:1",
    "127.0.0.1:0{port}",
    "127.1:{port}",
    "2130706433:{port}",
    "0.0.0.0:{port}",
    "[::]:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "\xe2\x98\xba:{port}",
    "",
    ":{port}",
]


@pytest.mark.parametrize("host", OURS)
def test_it_answers_to_its_own_names(slack: Playground, host: str) -> None:
    """By the loopback names with its port, and by no others, everything is there."""
    assert status(slack, host) == 200
    assert status(slack, host, "POST /api/auth.test HTTP/1.1", f"Authorization: Bearer {slack.token}\r\n") == 200


@pytest.mark.parametrize("host", FOREIGN)
@pytest.mark.parametrize(
    "path", ["/", "/playground/state?user=U0ALICE", "/playground/calls", "/static/app.js", "/api/auth.test"]
)
def test_a_name_that_was_pointed_here_is_not_ours(slack: Playground, host: str, path: str) -> None:
    """Somebody else's name that leads to this machine (DNS rebinding) gets nothing at all: 421 on every path."""
    assert status(slack, host, f"GET {path} HTTP/1.1") == 421


def test_one_host_is_named(slack: Playground) -> None:
    """Two hosts, or none, are no host."""
    two = f"Host: evil.example\r\nHost: 127.0.0.1:{port_of(slack)}\r\n"
    assert status(slack, "127.0.0.1:{port}", more=two) == 421
    assert status(slack, None, "GET / HTTP/1.0") == 421


FOREIGN_ORIGINS = [
    "https://evil.example",
    "http://evil.example",
    "null",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "https://127.0.0.1:{port}",
    "http://localhost:{port}",
    "http://127.0.0.1:{port}.evil.example",
    "http://evil.example/http://127.0.0.1:{port}",
    "x://127.0.0.1:{port}",
    "",
]
ACTS = [
    ("POST", "/playground/act/post", {"user": "U0ALICE", "channel": "#general", "text": "from elsewhere"}),
    ("POST", "/playground/act/person", {"user": "U0BOB", "fields": {"deleted": True}}),
    ("POST", "/playground/faults", {"limits": True}),
    ("DELETE", "/playground/faults", {}),
    ("POST", "/api/chat.postMessage", {"channel": "#general", "text": "from elsewhere"}),
    ("POST", "/upload/v1/F1", {}),
]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_another_sites_page_cannot_act(slack: Playground, origin: str) -> None:
    """No request that changes anything is heard from another origin, whatever it is called; nothing has changed."""
    named = f"Origin: {origin.format(port=port_of(slack))}\r\n"
    for method, path, body in ACTS:
        line, more = (
            f"{method} {path} HTTP/1.1",
            f"{named}Content-Type: text/plain\r\nAuthorization: Bearer {slack.token}\r\n",
        )
        assert status(slack, "127.0.0.1:{port}", line, more, json.dumps(body)) == 403, (path, origin)
    assert "from elsewhere" not in slack.transcript()
    assert not slack.workspace.people["U0BOB"].deleted
    assert not slack.limits.enabled


def test_a_browser_that_says_where_it_comes_from_is_believed(slack: Playground) -> None:
    """Without an Origin, what the browser says of the site is enough to refuse; the page itself and programs act."""
    line, body = (
        "POST /playground/act/post HTTP/1.1",
        json.dumps({"user": "U0ALICE", "channel": "#general", "text": "hello"}),
    )
    for site in ("cross-site", "same-site"):
        assert status(slack, "127.0.0.1:{port}", line, f"Sec-Fetch-Site: {site}\r\n", body) == 403
    own = f"Origin: http://127.0.0.1:{port_of(slack)}\r\nSec-Fetch-Site: same-origin\r\n"
    assert status(slack, "127.0.0.1:{port}", line, own, body) == 200
    assert status(slack, "127.0.0.1:{port}", line, "", body) == 200


@pytest.mark.parametrize(
    "more", ["Origin: https://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"]
)
def test_another_sites_websocket_is_refused(slack: Playground, more: str) -> None:
    """The bot's socket, which a page could open across origins, is not opened for one; the bot's own is."""
    upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"

    def opened(host: str, extra: str) -> int | None:
        address = urlsplit(slack.workspace.new_socket_url())
        with Wire(slack.url) as wire:
            wire.send(f"GET {address.path}?{address.query} HTTP/1.1\r\nHost: {host}\r\n{upgrade}{extra}\r\n".encode())
            return wire.hear(5, until=lambda data: b"\r\n\r\n" in data).status

    own = f"127.0.0.1:{port_of(slack)}"
    assert opened(own, more) == 403
    assert opened("evil.example", "") == 403
    assert opened(own, "") == 101
    assert opened(own, f"Origin: http://{own}\r\n") == 101


def test_it_is_shown_in_no_other_page(slack: Playground) -> None:
    """Nobody can put the page into a frame of their own and have it tapped on."""
    answer = ask(slack.url, f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port_of(slack)}\r\n{CLOSE}".encode())
    assert re.search(rb"(?i)x-frame-options: deny", answer.data)


def test_other_names_are_for_the_operator_to_give() -> None:
    """`--allow-host` adds a name, with its own port or the playground's; on all addresses that is still the only way."""
    words = [
        "-m",
        "playground",
        "--host",
        "0.0.0.0",
        "--port",
        "0",
        "--allow-host",
        "slack.test",
        "--allow-host",
        "proxy:80",
    ]
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://0\.0\.0\.0:(\d+)", process.stdout.readline())
        assert found
        url = f"http://127.0.0.1:{found[1]}"

        def heard(host: str) -> Any:
            while not reachable(url):
                assert process.poll() is None
                time.sleep(0.05)
            return ask(url, f"GET / HTTP/1.1\r\nHost: {host}\r\n{CLOSE}".encode()).status

        named = (
            f"slack.test:{found[1]}",
            "proxy:80",
            f"localhost:{found[1]}",
            "slack.test",
            f"0.0.0.0:{found[1]}",
            "evil.example",
        )
        assert [heard(host) for host in named] == [200, 200, 200, 421, 421, 421]
    finally:
        process.terminate()
        process.wait(10)


def reachable(url: str) -> bool:
    """Whether somebody listens there."""
    try:
        with Wire(url):
            return True
    except ConnectionRefusedError:
        return False
