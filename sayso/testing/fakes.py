"""The doubles themselves: the real clients on a port that leads to a desk instead of a server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Self

from sayso.aio import AsyncSayso
from sayso.base import Client
from sayso.client import Sayso
from sayso.effects import Reply, Request
from sayso.testing.desk import Desk
from sayso.testing.script import Script

URL = "http://sayso.invalid"


class DeskPort:
    """Leads to a desk; waiting costs no time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def send(self, request: Request, timeout: float) -> Reply:
        """Ask the desk."""
        return self._desk.receive(request)

    def sleep(self, seconds: float) -> None:
        """Let the desk's clock fly."""
        self._desk.sleep(seconds)

    def close(self) -> None:
        """Nothing to close."""


class AsyncDeskPort:
    """The same for asyncio."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def send(self, request: Request, timeout: float) -> Reply:
        """Ask the desk."""
        return self._desk.receive(request)

    async def sleep(self, seconds: float) -> None:
        """Let the desk's clock fly."""
        self._desk.sleep(seconds)

    async def close(self) -> None:
        """Nothing to close."""


class _Fake(Script, Client):
    """What both doubles share: a desk, a state directory of their own, and standing in for a real client."""

    _port: Any

    def __init__(self, *, desk: Desk | None = None, state_dir: str | os.PathLike[str] | None = None) -> None:
        self.desk = desk or Desk()
        self._scratch = None if state_dir else tempfile.TemporaryDirectory(prefix="sayso-fake-")
        Client.__init__(self, URL, self._scratch.name if self._scratch else state_dir, 10.0, 60.0)
        self._core = replace(self._core, now=self.desk.seconds, jitter=lambda: 0.5)

    def restarted(self) -> Self:
        """A new process of the same agent: same server, same state directory, nothing in memory."""
        other = type(self)(desk=self.desk, state_dir=self.state_dir)
        other._scratch = self._scratch
        return other

    @contextmanager
    def stands_in_for(self, client: Client) -> Iterator[Self]:
        """Within the block a client that exists already (behind a `gate`, say) talks to this fake."""
        real = client.__dict__.copy()
        client.__dict__.update(_core=self._core, _port=self._port)
        try:
            yield self
        finally:
            client.__dict__.update(real)


class FakeSayso(_Fake, Sayso):
    """A `Sayso` with a scripted reviewer and no server. Unscripted requests stay pending; after 24 h they expire."""

    def __init__(self, *, desk: Desk | None = None, state_dir: str | os.PathLike[str] | None = None) -> None:
        super().__init__(desk=desk, state_dir=state_dir)
        self._port = DeskPort(self.desk)


class AsyncFakeSayso(_Fake, AsyncSayso):
    """An `AsyncSayso` with a scripted reviewer and no server."""

    def __init__(self, *, desk: Desk | None = None, state_dir: str | os.PathLike[str] | None = None) -> None:
        super().__init__(desk=desk, state_dir=state_dir)
        self._port = AsyncDeskPort(self.desk)
