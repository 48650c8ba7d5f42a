"""The floors that are servers: Bolt's empty answer, and our own way in with raw sqlite3 calls behind it.

`python -m tests.bench.floors empty PORT` · `… raw PORT DATABASE STATEMENTS MARKER`
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.slack.ingress import Body, Headers, Ingress
from bot.slack.listeners.actions import on_card
from store.engine import sha256_hex
from tests.bench.stack import SECRET

_THREADS = 4


class Replay:
    """The recorded statements of one tap, sent to SQLite without anything in between.

    `marker` is what the recorded tap's button carried, `id|digest`; each tap has its own in place of it.
    """

    def __init__(self, database: str, statements: str, marker: str) -> None:
        with open(statements, encoding="utf-8") as file:
            self._transactions = json.load(file)
        self._database = database
        self._markers = marker.split("|")
        self._local = threading.local()
        self.pool = ThreadPoolExecutor(_THREADS)

    def run(self, pressed: str) -> None:
        """The tap on one approval, whose button carried `pressed`."""
        own = dict(zip(self._markers, pressed.split("|"), strict=False))
        connection = self._connection()
        for transaction in self._transactions:
            connection.execute("BEGIN IMMEDIATE")
            for sql, values in transaction:
                cursor = connection.execute(sql, [_meant(value, own) for value in values])
                if cursor.description:
                    cursor.fetchall()
            connection.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self._database, isolation_level=None, timeout=10)
            found.create_function("sayso_sha256", 1, sha256_hex, deterministic=True)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
                found.execute(f"PRAGMA {pragma}")
            self._local.connection = found
        return found


def _meant(value: Any, own: dict[str, str]) -> Any:
    if isinstance(value, str):
        for marker, mine in own.items():
            value = value.replace(marker, mine)
    return value


def empty() -> Callable[[Request], Awaitable[Response]]:
    """Bolt as it comes, acknowledging and nothing else."""

    async def authorize(enterprise_id: str | None, team_id: str | None, **_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token="xoxb-bench", bot_id="B0SAYSO")

    async def listen(ack: AsyncAck) -> None:
        await ack()

    app = AsyncApp(authorize=authorize, process_before_response=True, signing_secret=SECRET)
    app.action("approve")(listen)
    return AsyncSlackRequestHandler(app).handle


class Replaying:
    """Answers what the ingress let in, with the raw calls as the use case."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    async def answered(self, body: Body, headers: Headers) -> BoltResponse:
        """200 when the recorded statements are committed."""
        action = on_card(body)
        assert action is not None
        await asyncio.get_running_loop().run_in_executor(self._replay.pool, self._replay.run, str(action["value"]))
        return BoltResponse(status=200, body="")


def raw(replay: Replay) -> Callable[[Request], Awaitable[Response]]:
    """The same way in as the server's, with the raw calls behind it."""
    return Ingress(Replaying(replay), SECRET).receive


async def _ready(_: Request) -> Response:
    return PlainTextResponse("ready")


def main() -> None:
    """Serve one floor."""
    kind, port, *arguments = sys.argv[1:]
    endpoint = empty() if kind == "empty" else raw(Replay(*arguments))
    app = Starlette(routes=[Route("/", _ready), Route("/slack/events", endpoint, methods=["POST"])])
    uvicorn.run(app, port=int(port), loop="uvloop", http="httptools", log_level="error", access_log=False)


if __name__ == "__main__":
    main()
