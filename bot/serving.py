"""`python -m bot serve` and `sweep`: the commands that need the whole server, whose libraries take a second to load."""

from __future__ import annotations

import gc
import json
import socket
import sys
from dataclasses import asdict
from types import FrameType

import uvicorn
from fastapi import FastAPI

from bot import logs
from bot.app import build
from bot.opening import open_database
from bot.policybook import load_book
from bot.runtime import Runtime
from bot.service.sweep import sweep
from bot.settings import load_settings
from bot.world import Directory, PersonFacts, World
from store import directory
from store.unit import Unit


def serve() -> int:
    """Serve until a signal; 0 when it could start. Raises SaysoError where a setting or the database is unfit."""
    settings = load_settings()
    settings.require_slack()
    logs.configure(settings.log_format)
    app = build(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
        server_header=False,
    )
    server = _Server(config)
    server.run()
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    """Lets waiting agents go before it waits for its connections to end."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; what lives as long as the process is not looked through for garbage again (PERFORMANCE: p99)."""
        await super().startup(sockets=sockets)
        gc.collect()
        gc.freeze()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to stop."""
        app = self.config.app
        runtime: Runtime | None = getattr(app.state, "runtime", None) if isinstance(app, FastAPI) else None
        if runtime is not None:
            runtime.signals.close()
        super().handle_exit(sig, frame)


def sweep_once(*, as_json: bool) -> int:
    """One sweep now; prints its counts."""
    settings = load_settings()
    world = World(open_database(settings), load_book(settings))
    world.directory = world.database.read(_last_known)
    counts = asdict(sweep(world))
    print(json.dumps(counts) if as_json else ", ".join(f"{kind} {count}" for kind, count in counts.items()))
    return 0


def _last_known(unit: Unit) -> Directory:
    """The directory as the server last saw it: a sweep by hand asks Slack nothing."""
    people = {user: PersonFacts(**copy.value) for user, copy in directory.saved_people(unit).items()}
    return Directory(people, {group: tuple(copy.value) for group, copy in directory.saved_usergroups(unit).items()})
