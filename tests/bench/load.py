"""A lean load generator: one connection a worker, prepared bytes out, no more parsing than it takes to find the answer's end."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import cast

import uvloop

Answer = tuple[int, bytes]
Script = Generator[bytes, Answer, None]
LIMIT_SECONDS = 120
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Result:
    """What a run took: seconds of each request in order of arrival, and of the whole."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    @property
    def p50(self) -> float:
        """The median latency, seconds."""
        return median(self.latencies)

    @property
    def p99(self) -> float:
        """The 99th percentile of the latencies, seconds."""
        return percentile(self.latencies, 0.99)

    def require(self, status: int) -> Result:
        """Itself; RuntimeError when any answer had another status: a fast refusal is no throughput."""
        if set(self.statuses) - {status}:
            raise RuntimeError(f"wanted {status} only, got {self.statuses}")
        return self


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Connection(asyncio.Protocol):
    """One keep-alive connection that plays a script of requests."""

    def __init__(self, script: Script, result: Result, done: asyncio.Future[None]) -> None:
        self._script = script
        self._result = result
        self._done = done
        self._buffer = bytearray()
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._go_on(lambda: next(self._script))

    def data_received(self, data: bytes) -> None:
        """Gather one answer, then send the next request."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, end + 2)
        size = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < size:
            return
        self._result.latencies.append(time.perf_counter() - self._sent)
        status, body = int(self._buffer[9:12]), bytes(self._buffer[end + 4 : size])
        self._result.statuses[status] = self._result.statuses.get(status, 0) + 1
        del self._buffer[:size]
        self._go_on(lambda: self._script.send((status, body)))

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up ends the run."""
        if not self._done.done():
            self._done.set_exception(exc or ConnectionResetError("the server hung up"))

    def _go_on(self, following: Callable[[], bytes]) -> None:
        try:
            request = following()
        except StopIteration:
            self._done.set_result(None)
            self._transport.close()
            return
        except Exception as error:
            self._done.set_exception(error)
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)


def each(requests: Iterator[bytes]) -> Script:
    """A script that sends whatever is next, answers unseen; several connections may share the iterator."""
    for request in requests:  # noqa: UP028 - a plain iterator cannot be sent answers
        yield request


async def play(port: int, scripts: Iterable[Script]) -> Result:
    """Play every script at once, each over a connection of its own."""
    loop = asyncio.get_running_loop()
    result = Result()
    waiting: list[asyncio.Future[None]] = []
    connections: list[asyncio.BaseTransport] = []
    begun = time.perf_counter()
    for script in scripts:
        done: asyncio.Future[None] = loop.create_future()
        waiting.append(done)
        made = await loop.create_connection(partial(Connection, script, result, done), "127.0.0.1", port)
        connections.append(made[0])
    try:
        unfinished = (await asyncio.wait(waiting, timeout=LIMIT_SECONDS, return_when=asyncio.FIRST_EXCEPTION))[1]
        for one in waiting:
            if one not in unfinished:
                one.result()
        if unfinished:
            raise TimeoutError(f"not answered within {LIMIT_SECONDS} s")
    finally:
        for one in waiting:
            one.cancel()
        for connection in connections:
            connection.close()
    result.seconds = time.perf_counter() - begun
    return result


def run(port: int, requests: Iterable[bytes], at_once: int) -> Result:
    """Send `requests` over `at_once` connections."""
    shared = iter(list(requests))
    return uvloop.run(play(port, [each(shared) for _ in range(at_once)]))


def run_scripts(port: int, scripts: Iterable[Script]) -> Result:
    """Play scripts whose next request depends on the last answer."""
    return uvloop.run(play(port, scripts))


def post(path: str, body: bytes, **headers: str) -> bytes:
    """A POST as bytes; underscores in header names stand for dashes."""
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nhost: bench\r\n{fields}content-length: {len(body)}\r\n\r\n".encode() + body


def get(path: str, **headers: str) -> bytes:
    """A GET as bytes."""
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nhost: bench\r\n{fields}\r\n".encode()
