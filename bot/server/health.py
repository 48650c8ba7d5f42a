"""Whether this server lives and whether it can work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from bot.server import arrivals
from bot.server.edge import Edge
from bot.server.letterbox import Letterbox
from bot.server.runtime import Runtime
from bot.server.slack_client import RateLimited, SlackTrouble
from store import callbacks, outbox, sessions, workload
from store.engine import StoreUnavailable
from store.unit import Unit

DATABASE_FRESH_SECONDS = 1.0
SLACK_FRESH_SECONDS = 4.0
BACKLOG_FRESH_SECONDS = 1.0
MAIL_FRESH_SECONDS = 30.0
CHECK_SECONDS = 3.0
SILENT = "does not answer"


class Probe:
    """One thing that is looked at: whoever asks within a moment of the last look, or during one, shares its answer."""

    def __init__(self, look: Callable[[], Awaitable[str | None]], fresh_seconds: float) -> None:
        self._look = look
        self._fresh_seconds = fresh_seconds
        self._said: str | None = None
        self._at = float("-inf")
        self._looking: asyncio.Task[None] | None = None

    async def trouble(self) -> str | None:
        """What is wrong with it; None where nothing is."""
        if self._looking is None and time.monotonic() - self._at > self._fresh_seconds:
            self._looking = asyncio.create_task(self._looked())
        if self._looking is not None:
            await asyncio.shield(self._looking)
        return self._said

    async def _looked(self) -> None:
        try:
            self._said = await asyncio.wait_for(self._look(), CHECK_SECONDS)
        except TimeoutError:
            self._said = SILENT
        finally:
            self._at, self._looking = time.monotonic(), None


class Health:
    """Database and Slack, each looked at on a way of its own: a server with much to do is not one that is ill."""

    def __init__(self, runtime: Runtime, letterbox: Letterbox | None = None) -> None:
        self._runtime = runtime
        # Neither the pool's threads nor its connections: both are taken while there is much to do.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._database = Probe(self._ask_database, DATABASE_FRESH_SECONDS)
        self._slack = Probe(self._ask_slack, SLACK_FRESH_SECONDS)
        self._mail = Probe(letterbox.check, MAIL_FRESH_SECONDS) if letterbox else None
        self._backlog = Probe(self._count_backlog, BACKLOG_FRESH_SECONDS)

    async def troubles(self) -> dict[str, str]:
        """What does not work, by part; empty when everything does. A server that goes wants no new work."""
        if self._runtime.leaving.begun:
            return {"server": "is shutting down"}
        database, slack = await asyncio.gather(self._database.trouble(), self._slack.trouble())
        return {name: trouble for name, trouble in (("database", database), ("slack", slack)) if trouble}

    async def ways(self) -> dict[str, str]:
        """Each way to people, `ok` or what is wrong with it; mail only where it is set up."""
        probes = {"slack": self._slack} | ({"mail": self._mail} if self._mail else {})
        said = await asyncio.gather(*(probe.trouble() for probe in probes.values()))
        return {name: trouble or "ok" for name, trouble in zip(probes, said, strict=True)}

    async def count_backlog(self) -> None:
        """Set the figures of what waits and what answers; whoever asks for them often shares an answer."""
        database, slack, _ = await asyncio.gather(
            self._database.trouble(), self._slack.trouble(), self._backlog.trouble()
        )
        self._runtime.metrics.database_up.set(0 if database else 1)
        self._runtime.metrics.slack_up.set(0 if slack else 1)

    async def _count_backlog(self) -> str | None:
        runtime = self._runtime
        try:
            waiting, calls, late, stopped = await runtime.call(runtime.world.database.read, _waiting)
        except StoreUnavailable:
            return SILENT  # the other figures are wanted the more
        runtime.metrics.callbacks_waiting.set(calls)
        runtime.metrics.overdue.set(late.count)
        runtime.metrics.overdue_age.set(late.oldest_seconds)
        runtime.metrics.stopped.set(stopped)
        for kind in ("card", "notice"):
            found = waiting.get(kind, outbox.Backlog())
            runtime.metrics.backlog.labels(kind).set(found.waiting)
            runtime.metrics.backlog_age.labels(kind).set(found.oldest_seconds)
        return None

    def note(self, what: str) -> None:
        """Somebody watches us."""
        self._runtime.arrivals.note(what)

    def close(self) -> None:
        """Let go of the thread, whatever it waits for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _ask_database(self) -> str | None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._runtime.world.database.check)
        except StoreUnavailable:
            return SILENT
        return None

    async def _ask_slack(self) -> str | None:
        try:
            await self._runtime.slack.call("auth.test")
        except RateLimited:
            return None  # which it says itself
        except SlackTrouble as error:
            return SILENT if error.error.startswith("no answer") else error.error
        return None


def _waiting(unit: Unit) -> tuple[dict[str, outbox.Backlog], int, workload.Overdue, float]:
    since = sessions.stopped_at(unit)
    stopped = (unit.now - since).total_seconds() if since else 0.0
    return outbox.backlog(unit), callbacks.backlog(unit), workload.overdue(unit), stopped


def install(app: FastAPI, health: Health) -> None:
    """Mount the three pages."""

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz")
    async def healthz() -> Response:
        """This process answers."""
        return JSONResponse({"status": "ok"})

    @app.head("/readyz", include_in_schema=False)
    @app.get("/readyz")
    async def readyz(request: Request) -> Response:
        """Database and Slack are reachable: 200, else 503 with what is not; `ways` says which way to people works."""
        if request.headers.get("user-agent") != arrivals.DOCTOR:
            health.note(arrivals.PROBED)
        troubles, ways = await asyncio.gather(health.troubles(), health.ways())
        if troubles:
            return JSONResponse({"status": "not ready", "troubles": troubles, "ways": ways}, 503)
        return JSONResponse({"status": "ready", "ways": ways})

    @app.head("/metrics", include_in_schema=False)
    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Figures for Prometheus."""
        health.note(arrivals.SCRAPED)
        runtime: Runtime = request.app.state.runtime
        await health.count_backlog()
        take_stock(request.app)
        return PlainTextResponse(runtime.metrics.text(), media_type="text/plain; version=0.0.4")


def take_stock(app: FastAPI) -> None:
    """Set the figures of what this process holds open, and of what it refused."""
    runtime: Runtime = app.state.runtime
    runtime.metrics.waiting.set(runtime.signals.waiting)
    edge: Edge | None = getattr(app.state, "edge", None)
    if edge is not None:
        runtime.metrics.connections.set(len(edge.connections))
        runtime.metrics.count_refused(edge.refused)
