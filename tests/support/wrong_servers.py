"""What may stand where Sayso should: nothing, a slow server, one that says anything else than it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from support.servers import bound, free_port

HTML = b"<h1>busy</h1>"
APPROVED = b'{"id": "apr_1", "action": "change_thing", "state": "approved", "params": {"thing": "edge"}}'


def answer(body: bytes, status: str = "200 OK", more: str = "") -> Callable[[socket.socket], None]:
    """A server that always answers the same."""

    def speak(line: socket.socket) -> None:
        line.recv(65_536)
        line.sendall(
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n".encode() + body
        )

    return speak


WRONG: dict[str, Callable[[socket.socket], None] | None] = {
    "down": None,
    "slow": lambda line: time.sleep(2),
    "hangs up": lambda line: None,
    "no HTTP": lambda line: line.sendall(b"\x00\xff\x00\xff\r\n\r\n"),
    "a page": answer(HTML),
    "a failing proxy": answer(HTML, "502 Bad Gateway"),
    "a redirect": answer(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"),
    "nothing": answer(b"", "204 No Content"),
    "another shape": answer(b'{"state": "approved"}'),
    "a yes without a grant": answer(APPROVED, "200 OK", "Content-Type: application/json\r\n"),
    "wrongly packed": answer(APPROVED, "200 OK", "Content-Encoding: gzip\r\n"),
    "cut off": lambda line: line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + APPROVED),
}


@contextmanager
def serving(speak: Callable[[socket.socket], None] | None) -> Iterator[str]:
    """The address of a server that behaves so, or of none at all."""
    if speak is None:
        yield f"http://127.0.0.1:{free_port()}"
        return
    listener, done = bound(), threading.Event()
    listener.listen(50)
    listener.settimeout(0.2)

    def serve() -> None:
        while not done.is_set():
            try:
                line, _ = listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=one, args=(line,), daemon=True).start()

    def one(line: socket.socket) -> None:
        with line:
            try:
                speak(line)
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        done.set()
        thread.join()
        listener.close()
