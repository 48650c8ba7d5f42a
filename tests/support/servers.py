"""The real app, as a thread of this process (fast) or as a process of its own (killable)."""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx2
import uvicorn

import bot.app
from bot.api.callback_sender import Resolve, by_name
from bot.app import build
from bot.cli.serve import Server, config, options
from bot.server import startup_check
from bot.server.edge import Edge, Limits
from bot.service.context import World
from bot.service.sweep import Counts, sweep
from bot.settings import Settings
from store import approvals
from store.engine import Database
from store.unit import Unit
from support.agent import TLS
from support.zygote import Child, Zygote

ROOT = Path(__file__).resolve().parents[2]
# Templates do not change while a process lives: one rehearsal serves every server in a thread of it.
vars(bot.app)["check_all"] = functools.cache(startup_check.check_all)


class _Hasty:
    """asyncio for uvicorn, which looks every tenth of a second whether it may end: a thousand tests would wait for that."""

    def __getattr__(self, name: str) -> object:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


vars(uvicorn.server)["asyncio"] = _Hasty()


def bound(port: int = 0) -> socket.socket:
    """A listening socket on this machine only; port 0 takes a free one."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(("127.0.0.1", port))
    return found


def free_port() -> int:
    """A port that is free now."""
    with bound() as found:
        return int(found.getsockname()[1])


class _Server(Server):
    def __init__(self, config: uvicorn.Config, limits: Limits | None) -> None:
        super().__init__(config, limits)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await uvicorn.Server.startup(self, sockets)  # without looking for garbage, a thousand times
        self.settled.set()


class ThreadServer:
    """The real app on a real port, in a thread: the test can move its clock and look inside."""

    def __init__(
        self,
        env: dict[str, str],
        *,
        post_interval: float = 0.01,
        port: int = 0,
        resolve: Resolve = by_name,
        limits: Limits | None = None,
    ) -> None:
        self.settings = settings_of(env)
        self.database = Database(self.settings.database_url, pool_size=8)
        self.app = build(self.settings, database=self.database, post_interval=post_interval, resolve=resolve)
        served = {} if "SAYSO_SHUTDOWN_SECONDS" in env else {"timeout_graceful_shutdown": 1}
        self._socket = bound(port)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = _Server(config(self.app, **options(self.settings) | {"loop": "auto"} | served), limits)
        self._thread = threading.Thread(target=self._run, name="sayso", daemon=True)
        self._thread.start()
        self._wait()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._server.settled.set()

    def _wait(self) -> None:
        assert self._server.settled.wait(20), "the server did not start"
        assert self._thread.is_alive(), "the server gave up while starting"

    @property
    def edge(self) -> Edge:
        """What the server knows of its connections."""
        return self._server.edge

    @property
    def world(self) -> World:
        """What the use cases stand on."""
        world: World = self.app.state.runtime.world
        return world

    def sweep(self) -> Counts:
        """One sweep, now."""
        return sweep(self.world)

    def advance(self, seconds: float) -> Counts:
        """Let database time move on, and sweep. Another sweeper at work leaves this one nothing to do: it is waited for."""
        self.database.shift_seconds += seconds
        counts, patience = self.sweep(), time.monotonic() + 30
        while self.database.read(_overdue) and time.monotonic() < patience:
            time.sleep(0.02)
        return counts

    def stop(self) -> None:
        """Shut down as an operator would."""
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()
        self.database.close()
        assert not self._thread.is_alive(), "the server did not stop"
        gc.freeze()  # what it left in the caches of libraries is nothing that the next one has to look through


def _overdue(unit: Unit) -> bool:
    following = approvals.next_wake(unit)
    return following is not None and following <= unit.now


class ProcessServer:
    """`python -m bot serve`, which can be killed without a word; `forked` from a process that has loaded it before."""

    def __init__(self, env: dict[str, str], folder: Path, *, port: int, forked: bool = False) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / f"serve-{port}-{time.monotonic_ns()}.log"
        env = env | {"SAYSO_PORT": str(port)}
        self._child = zygote().fork("support.zygote:serve", env, self.log) if forked else self._started(env)
        self._wait()

    def _started(self, env: dict[str, str]) -> Child:
        with self.log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve"], env=environment(env), cwd=ROOT, stdout=out, stderr=out
            )
        threading.Thread(target=process.wait, daemon=True).start()
        return Child(process.pid)

    def _wait(self) -> None:
        # A loaded machine takes its time, and looking must not cost what starting needs.
        deadline = time.monotonic() + 90
        with httpx2.Client(timeout=5, verify=TLS) as http:
            while time.monotonic() < deadline and self.alive:
                try:
                    if http.get(f"{self.url}/healthz").status_code == 200:
                        return
                except httpx2.HTTPError:
                    time.sleep(0.05)
        self.stop()
        raise AssertionError(f"the server did not start:\n{self.log.read_text()[-3000:]}")

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._child.alive

    @property
    def pid(self) -> int:
        """The process."""
        return self._child.pid

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        self._child.send(number)

    def kill(self) -> None:
        """SIGKILL: no goodbye, no flush, no cleanup."""
        self._child.kill()

    def stop(self) -> None:
        """SIGTERM, as an operator's supervisor sends it."""
        self._child.send(signal.SIGTERM)
        if not self._child.ended_within(15):
            self.kill()
            raise AssertionError("the server did not stop")


@functools.cache
def zygote() -> Zygote:
    """The process that servers are forked from; it ends with this one."""
    return Zygote()


def settings_of(env: dict[str, str]) -> Settings:
    """The settings that an environment would give, without one."""
    given = {name.lower().removeprefix("sayso_") if name.startswith("SAYSO_") else name: env[name] for name in env}
    return Settings(_env_file=None, **given)  # type: ignore[call-arg, arg-type]


def environment(env: dict[str, str]) -> dict[str, str]:
    """The settings of a process, with nothing of Sayso's or Slack's left from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SAYSO_", "SLACK_"))}
    return kept | {"PYTHONUNBUFFERED": "1"} | env


def command(env: dict[str, str], *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `python -m bot …` to its end, in a process forked from one that has loaded it; a crash has status 70."""
    with tempfile.TemporaryDirectory() as place:
        said, errors, status = (Path(place) / name for name in ("said", "errors", "status"))
        order = {
            "words": words,
            "env": environment(env),
            "folder": str(folder or ROOT),
            "errors": str(errors),
            "status": str(status),
        }
        child = zygote().fork("support.zygote:command", {"TEST_COMMAND": json.dumps(order)}, said)
        if not child.ended_within(60):
            child.kill()
            raise AssertionError(f"not within 60 s: python -m bot {' '.join(words)}")
        code = int(status.read_text()) if status.exists() else 70
        return subprocess.CompletedProcess(words, code, said.read_text(), errors.read_text())
