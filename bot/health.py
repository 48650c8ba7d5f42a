"""Whether this server lives and whether it can work (CONTRACT: /healthz, /readyz, /metrics)."""

from __future__ import annotations

import asyncio
import time

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from bot.runtime import Runtime
from bot.slack import SlackTrouble
from store import callbacks, outbox
from store.engine import StoreUnavailable

FRESH_SECONDS = 4.0
CHECK_SECONDS = 3.0


class Health:
    """Looks at the database each time, at Slack every few seconds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._slack: str | None = "not asked yet"
        self._asked_at = float("-inf")

    async def troubles(self) -> dict[str, str]:
        """What does not work, by part; empty when everything does."""
        database, slack = await asyncio.gather(self._database(), self._slack_trouble())
        return {name: trouble for name, trouble in (("database", database), ("slack", slack)) if trouble}

    async def _database(self) -> str | None:
        try:
            await asyncio.wait_for(self._runtime.call(self._runtime.world.database.check), CHECK_SECONDS)
        except (StoreUnavailable, TimeoutError):
            return "does not answer"
        return None

    async def _slack_trouble(self) -> str | None:
        if time.monotonic() - self._asked_at > FRESH_SECONDS:
            self._asked_at = time.monotonic()
            try:
                await asyncio.wait_for(self._runtime.slack.call("auth.test"), CHECK_SECONDS)
                self._slack = None
            except TimeoutError:
                self._slack = "does not answer"
            except SlackTrouble as error:
                self._slack = error.error
        return self._slack


def install(app: FastAPI, health: Health) -> None:
    """Mount the three pages."""

    @app.get("/healthz")
    async def healthz() -> Response:
        """This process answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def readyz() -> Response:
        """Database and Slack are reachable: 200, else 503 with what is not."""
        troubles = await health.troubles()
        if troubles:
            return JSONResponse({"status": "not ready", "troubles": troubles}, 503)
        return JSONResponse({"status": "ready"})

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Figures for Prometheus."""
        runtime: Runtime = request.app.state.runtime
        waiting = await runtime.call(runtime.world.database.read, outbox.backlog)
        runtime.metrics.callbacks_waiting.set(await runtime.call(runtime.world.database.read, callbacks.backlog))
        for kind in ("card", "notice"):
            found = waiting.get(kind, outbox.Backlog())
            runtime.metrics.backlog.labels(kind).set(found.waiting)
            runtime.metrics.backlog_age.labels(kind).set(found.oldest_seconds)
        runtime.metrics.waiting.set(runtime.signals.waiting)
        return PlainTextResponse(runtime.metrics.text(), media_type="text/plain; version=0.0.4")
