"""`python -m bot serve` and `sweep`: the commands that need the whole server, whose libraries take a second to load."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI

from bot.app import build
from bot.server import audit_anchor, logs, metrics, supervisor
from bot.server.colleagues import Colleagues
from bot.server.connection import CLOSE, GuardedConnection
from bot.server.edge import Edge, Limits
from bot.server.listening import listen
from bot.server.open_database import last_known, make_ready, named_database, open_database
from bot.server.policybook import load_book
from bot.server.runtime import Runtime
from bot.server.starting import Starting
from bot.server.workers import Workers, require_possible
from bot.server.workspace import loaded
from bot.service.context import Book, World
from bot.service.sweep import sweep
from bot.settings import BadSetting, Settings, load_settings, misspelt
from policies.errors import BadFile
from store import changes, moving
from store.engine import Database

if TYPE_CHECKING:
    from bot.workspaces import Tenants

if sys.platform != "win32":
    import resource

log = logging.getLogger("sayso")
SPARE_FILES = 256  # descriptors that are no connections: databases, logs, Slack
TICKS = 10  # a second
TELL_TICKS = 100


def serve(*, workers: str | None = None) -> int:
    """Serve until a signal; 0 when it could start. Raises SaysoError where a setting or the database is unfit."""
    settings = load_settings() if workers is None else load_settings(workers=workers)
    settings.require_slack()
    require_possible(settings)
    logs.configure(settings.log_format)
    for told in misspelt():
        log.warning(told)
    book = None if settings.several else load_book(settings)
    with contextlib.ExitStack() as opened:
        starting = opened.enter_context(Starting())
        database = named_database(settings)
        opened.callback(database.close)
        sockets = listen(settings)
        for one in sockets:
            opened.callback(one.close)
        if book is not None and settings.workers > 1:
            _require_fit(settings, database)
            database.close()  # no connection is shared with a worker
            starting.over()
            patience = settings.shutdown_delay_seconds + settings.shutdown_seconds
            return Workers(settings.workers, partial(_worker, settings, book, sockets), patience).run()
        app = _of_many(settings, database) if book is None else _of_one(settings, book, database)
        server = Server(config(app, **options(settings)), Limits(connections=most_connections()), started=starting.over)
        server.run(sockets=sockets)
    return 0 if server.started else 1


def _worker(settings: Settings, book: Book, sockets: list[socket.socket], colleagues: Colleagues) -> int:
    """One of several: a server as it is alone, but for what only one of them does."""
    metrics.share(colleagues.figures, colleagues.slot)
    database = named_database(settings)
    make_ready(database)
    app = build(settings, book=_in_force(settings, book), database=database, colleagues=colleagues)
    limits = Limits(connections=most_connections())
    server = Server(config(app, **options(settings)), limits, started=colleagues.ready)
    server.run(sockets=sockets)
    return 0 if server.started else 1


def _in_force(settings: Settings, first: Book) -> Book:
    """The policy on disk, also for a worker that starts later; `first` where it cannot be used."""
    try:
        return load_book(settings)
    except (BadFile, BadSetting) as error:
        log.error("an older policy stays in force: %s", error)
        return first


def _of_many(settings: Settings, database: Database) -> FastAPI:
    from bot.workspaces import build_several  # Slack's stores take a while to load

    return build_several(settings, database)


def _of_one(settings: Settings, book: Book, database: Database) -> FastAPI:
    _require_fit(settings, database)
    return build(settings, book=book, database=database)


def _require_fit(settings: Settings, database: Database) -> None:
    make_ready(database)
    moving.require_not_moved(database)
    changes.require_listening(database)
    audit_anchor.require_place(settings, database)
    if settings.audit_key is None:
        log.warning(audit_anchor.UNSIGNED)


def options(settings: Settings) -> dict[str, Any]:
    """What the settings say of how HTTP is served."""
    return {
        "timeout_graceful_shutdown": settings.shutdown_seconds,
        "proxy_headers": bool(settings.proxies),
        "forwarded_allow_ips": settings.proxies,
    }


def config(app: FastAPI, **options: Any) -> uvicorn.Config:
    """uvicorn as Sayso wants it: quiet, without WebSockets, and with an end to everything (bot.server.edge)."""
    usual: dict[str, Any] = {
        "loop": "uvloop" if sys.platform != "win32" else "asyncio",
        "http": GuardedConnection,
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": int(Limits().idle_seconds),
        "timeout_graceful_shutdown": 5,
        "proxy_headers": False,
    }
    return uvicorn.Config(app, **usual | options)


def most_connections() -> int:
    """How many connections this process can hold; it takes as many descriptors as it may."""
    if sys.platform == "win32":
        return Limits().connections
    wanted = Limits().connections + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < wanted:
        soft = wanted if hard < 0 else min(wanted, hard)  # -1 is without a limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return Limits().connections if soft < 0 else max(16, min(Limits().connections, soft - SPARE_FILES))


class Server(uvicorn.Server):
    """Lets waiting agents go before it waits for its connections to end, and has no patience at its edge."""

    def __init__(
        self, config: uvicorn.Config, limits: Limits | None = None, *, started: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(config)
        self._when_started = started
        alive = supervisor.alive_seconds()
        self._alive_ticks = max(1, int(alive * TICKS)) if alive else 0
        self.edge = Edge(limits)
        self.server_state = self.edge
        if isinstance(config.app, FastAPI):
            config.app.state.edge = self.edge

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; what lives as long as the process is not looked through for garbage again."""
        await super().startup(sockets=sockets)
        self._when_started()
        supervisor.tell(supervisor.READY)
        gc.collect()
        gc.freeze()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to end. Once a second the edge is looked over."""
        if counter % TICKS == 0:
            self.edge.sweep(asyncio.get_running_loop().time())
        if counter % TELL_TICKS == 0:
            self.edge.tell()
        if self._alive_ticks and counter % self._alive_ticks == 0:
            supervisor.tell(supervisor.ALIVE)
        return await super().on_tick(counter) and self._may_go()

    def _may_go(self) -> bool:
        """Told to end: first nothing new is wanted (`/readyz`), and every answer asks to be the last on its connection."""
        runtimes = self._runtimes
        if not runtimes or self.force_exit:
            return True
        if not all(runtime.leaving.begun for runtime in runtimes):
            for runtime in runtimes:
                runtime.leaving.begin()
            supervisor.tell(supervisor.STOPPING)
            self.config.encoded_headers.append(CLOSE)  # from the next second on
            self.edge.default_headers = [*self.edge.default_headers, CLOSE]
        return all(runtime.leaving.served for runtime in runtimes)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new: whoever waits for news hears how things stand, and all have their time to end."""
        for runtime in self._runtimes:
            runtime.signals.close()
        await super().shutdown(sockets=sockets)

    @property
    def _runtimes(self) -> list[Runtime]:
        """One for each workspace that is served."""
        app = self.config.app
        if not isinstance(app, FastAPI):
            return []
        tenants: Tenants | None = getattr(app.state, "tenants", None)
        found = [app.state] if tenants is None else [tenant.app.state for tenant in tenants.all.values() if tenant.app]
        return [state.runtime for state in found if hasattr(state, "runtime")]


def sweep_once(*, as_json: bool) -> int:
    """One sweep now; prints its counts."""
    settings = loaded()
    world = World(open_database(settings), load_book(settings))
    moving.require_not_moved(world.database)
    world.directory = world.database.read(last_known)
    counts = asdict(sweep(world))
    print(json.dumps(counts) if as_json else ", ".join(f"{kind} {count}" for kind, count in counts.items()))
    return 0
