"""A playground on a real port, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import uvicorn

from playground.app import PlaygroundApp

T = TypeVar("T")


class _Server(uvicorn.Server):
    """Says when it is listening."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets=sockets)
        self.listening.set()


def config(app: PlaygroundApp, **options: Any) -> uvicorn.Config:
    """uvicorn as the playground wants it: quiet, and with the bare `send` that lets a fault cut a connection."""
    return uvicorn.Config(
        app,
        lifespan="off",
        log_level="warning",
        access_log=False,
        date_header=False,  # the Web API tells the workspace's own time
        proxy_headers=False,
        ws="websockets-sansio",
        timeout_graceful_shutdown=1,
        **options,
    )


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one."""
    # asyncio sets TCP_NODELAY only on sockets that name their protocol; without it each answer waits 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return bound


class ServerThread:
    """Runs the app until `stop()`; coroutines can be run on its loop from outside."""

    def __init__(self, app: PlaygroundApp, host: str = "127.0.0.1", port: int = 0) -> None:
        self.app = app
        self._socket = listen(host, port)
        bound = self._socket.getsockname()[1]
        self.url = f"http://{host}:{bound}"
        app.workspace.base_url = self.url
        app.gate.answer_to(host, bound)
        self._server = _Server(config(app))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="playground", daemon=True)
        self._thread.start()
        if not self._server.listening.wait(15):
            raise RuntimeError("the playground did not start")

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._socket])
        await self.app.delivery.close()

    def call(self, work: Coroutine[Any, Any, T], timeout: float | None = 60) -> T:
        """Run a coroutine on the server's loop and wait for its result."""
        return self.start(work).result(timeout)

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the server's loop; returns a concurrent future."""
        if self._loop is None:
            raise RuntimeError("the playground is not running")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def stop(self) -> None:
        """Stop serving and join the thread."""
        self.app.workspace.publish({"kind": "end"})
        if self._thread.is_alive():
            with contextlib.suppress(Exception):
                self.call(self.app.sockets.cut(), 2)
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
