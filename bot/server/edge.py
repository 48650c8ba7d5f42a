"""The server's edge: what anybody may cost before it is known who they are, in bytes, in time and in connections."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from uvicorn.server import ServerState

log = logging.getLogger("sayso.edge")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a connection may take. Seconds and bytes; a load balancer keeps its idle connections for 60 s."""

    idle_seconds: float = 75.0
    head_seconds: float = 10.0  # from the first byte of a request to the end of its headers
    body_seconds: float = 30.0  # from there to the end of its body
    gap_seconds: float = 10.0  # between two pieces of a body
    write_seconds: float = 30.0  # in which nothing of an answer is taken
    linger_seconds: float = 2.0  # for the other side to read a refusal
    close_seconds: float = 10.0  # for the last bytes of a closed connection to be taken
    head_bytes: int = 32_768
    line_bytes: int = 8_192
    headers: int = 100
    body_bytes: int = 4_000_000  # as it comes in, chunks and all: what a body may hold is said where it is read
    pipelined: int = 8
    held_bytes: int = 8_000_000  # of unfinished requests, all connections together
    connections: int = 4_096


class Connection(Protocol):
    """What the edge knows of a connection."""

    held: int

    @property
    def address(self) -> str:
        """Where it comes from."""

    def waiting_since(self) -> float | None:
        """Since when it has been idle, or sending a request; None while we owe it an answer."""

    def look(self, now: float) -> None:
        """End it where its time is over."""

    def refuse(self, status: int, words: str) -> None:
        """Answer with an error where an answer can still be given, and end it."""

    def drop(self, why: str) -> None:
        """End it without a word."""


class Edge(ServerState):
    """Every connection of one server, and what was refused of them."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__()
        self.limits = limits or Limits()
        self.held = 0  # bytes of requests that are not complete yet
        self.refused: Counter[str] = Counter()
        self._told: Counter[str] = Counter()

    def known(self) -> list[Connection]:
        """The open connections."""
        found: Iterable[Any] = self.connections
        return list(found)

    def admit(self) -> bool:
        """Whether one more connection has its place; makes room by ending those of the greediest address."""
        if len(self.connections) <= self.limits.connections:
            return True
        self._make_room()
        return len(self.connections) <= self.limits.connections

    def _make_room(self) -> None:
        connections = self.known()
        crowds = Counter(one.address for one in connections)
        free = [(one, since) for one in connections if (since := one.waiting_since()) is not None]
        # A sixteenth at once: whoever knocks a thousand times a second must not have us count each time.
        free.sort(key=lambda pair: (-crowds[pair[0].address], pair[1]))
        for one, _ in free[: max(1, self.limits.connections // 16)]:
            one.drop("too many connections")

    def relieve(self) -> None:
        """Where unfinished requests hold too much together, end the oldest: an honest one is done in milliseconds."""
        if self.held <= self.limits.held_bytes:
            return
        holding = [(since, one) for one in self.known() if one.held and (since := one.waiting_since()) is not None]
        for _, one in sorted(holding, key=lambda pair: pair[0]):
            one.drop("too many bytes unfinished")
            if self.held <= self.limits.held_bytes * 3 // 4:
                return

    def sweep(self, now: float) -> None:
        """Once a second: end what took too long, and say how much was refused."""
        for one in self.known():
            with contextlib.suppress(RuntimeError):  # its transport may end at this very moment
                one.look(now)

    def tell(self) -> None:
        """Every now and then: one log line for all that was refused, whatever its number."""
        fresh = self.refused - self._told
        if fresh:
            log.warning(
                "refused at the edge: %s", ", ".join(f"{why} ({count})" for why, count in sorted(fresh.items()))
            )
            self._told = self.refused.copy()
