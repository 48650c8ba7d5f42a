"""The floors that are servers: Bolt's empty answer, and our own way in with raw sqlite3 calls behind it.

`python -m tests.bench.floors empty PORT` · `… raw PORT DATABASE STATEMENTS ID` · `… bare PORT DATABASE STATEMENTS ID`
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
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.slack.ingress import Ingress, parsed
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


def _bolt(listener: Callable[..., Awaitable[None]], **settings: Any) -> AsyncApp:
    async def authorize(enterprise_id: str | None, team_id: str | None, **_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token="xoxb-bench", bot_id="B0SAYSO")

    app = AsyncApp(authorize=authorize, process_before_response=True, signing_secret=SECRET, **settings)
    app.action("approve")(listener)
    return app


def empty() -> Callable[[Request], Awaitable[Response]]:
    """Bolt as it comes, acknowledging and nothing else."""

    async def listen(ack: AsyncAck) -> None:
        await ack()

    return AsyncSlackRequestHandler(_bolt(listen)).handle


def raw(replay: Replay) -> Callable[[Request], Awaitable[Response]]:
    """The same ingress and Bolt as the server's, with the raw calls as the use case."""

    async def listen(ack: AsyncAck, action: dict[str, Any]) -> None:
        await asyncio.get_running_loop().run_in_executor(replay.pool, replay.run, str(action["value"]))
        await ack()

    trimmed = dict.fromkeys(
        (
            "request_verification_enabled",
            "ssl_check_enabled",
            "url_verification_enabled",
            "ignoring_self_events_enabled",
            "attaching_function_token_enabled",
            "attaching_conversation_kwargs_enabled",
        ),
        False,
    )
    return Ingress(_bolt(listen, **trimmed), SECRET).receive


def bare(replay: Replay) -> Callable[[Request], Awaitable[Response]]:
    """No Bolt: the signature, the body, the raw calls."""
    ingress = Ingress(AsyncApp(token="xoxb-bench", signing_secret=SECRET), SECRET)

    async def receive(request: Request) -> Response:
        content, headers = await request.body(), request.headers
        if not ingress.signed(content, headers.get("x-slack-request-timestamp"), headers.get("x-slack-signature")):
            return PlainTextResponse("invalid signature", 401)
        body = parsed(content, headers.get("content-type", ""))
        assert body is not None
        await asyncio.get_running_loop().run_in_executor(replay.pool, replay.run, body["actions"][0]["value"])
        return PlainTextResponse("")

    return receive


async def _ready(_: Request) -> Response:
    return PlainTextResponse("ready")


def main() -> None:
    """Serve one floor."""
    kind, port, *arguments = sys.argv[1:]
    endpoint = empty() if kind == "empty" else {"raw": raw, "bare": bare}[kind](Replay(*arguments))
    app = Starlette(routes=[Route("/", _ready), Route("/slack/events", endpoint, methods=["POST"])])
    uvicorn.run(app, port=int(port), loop="uvloop", http="httptools", log_level="error", access_log=False)


if __name__ == "__main__":
    main()
