"""An agent's callback address: a real HTTP server that takes, refuses, redirects or hangs, and keeps what it got."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sayso import webhooks

SECRET = "whsec_" + "c2F5c28tdGVzdHMtc2VjcmV0LTAxMjM0NTY3ODk="


class Receiver:
    """`answers` are statuses to give in turn, the last one for ever; "hang" never answers, "late" takes two seconds, "flood" answers without end."""

    def __init__(self, *answers: int | str, location: str = "") -> None:
        self.answers = list(answers) or [204]
        self.location = location
        self.got: list[tuple[dict[str, str], bytes]] = []
        self._let_go = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                receiver.got.append((dict(self.headers.items()), self.rfile.read(length)))
                answer = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                receiver.answer(self, answer)

            do_GET = do_POST

            def log_message(self, *args: Any) -> None:
                return None

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: Any) -> None:
                """Whoever called has gone: that is their right."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler, answer: int | str) -> None:
        """Do what this address does."""
        if answer == "hang":
            self._let_go.wait(60)
            return
        if answer == "late":
            time.sleep(2.0)
        handler.send_response(200 if answer in ("flood", "late") else int(answer))
        if self.location:
            handler.send_header("Location", self.location)
        handler.end_headers()
        while answer == "flood" and not self._let_go.is_set():
            handler.wfile.write(b"x" * 65536)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook?who=demo"

    def notices(self) -> list[webhooks.Notice]:
        """What it was told, each verified."""
        return [webhooks.verify(SECRET, headers, body) for headers, body in list(self.got)]

    def expect(self, count: int, timeout: float = 30) -> list[webhooks.Notice]:
        """Wait until it was told so often."""
        deadline = time.monotonic() + timeout
        while len(self.got) < count:
            assert time.monotonic() < deadline, f"told {len(self.got)} times instead of {count}"
            time.sleep(0.02)
        return self.notices()

    def close(self) -> None:
        """Stop listening."""
        self._let_go.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiving(*answers: int | str, location: str = "") -> Iterator[Receiver]:
    """A receiver for as long as the block runs."""
    receiver = Receiver(*answers, location=location)
    try:
        yield receiver
    finally:
        receiver.close()
