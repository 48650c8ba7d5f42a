"""How much may be under way at once: what is beyond it is told to come again, before it costs more than a few bytes."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.api import serializers
from bot.server.prefix import inner_path

MOST_REQUESTS = 1_000  # under way, whether or not somebody still waits for their answers
MOST_BYTES = 32_000_000  # of bodies in hand
# Few, and never to be kept out by agents: people's taps, and whoever watches us.
ALWAYS = ("/slack/events", "/healthz", "/readyz", "/metrics")


class Admission:
    """ASGI middleware. An agent that waits for a decision costs next to nothing, and counts for nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._requests = self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it in, or answer 503."""
        if scope["type"] != "http" or _waits(scope):
            await self._app(scope, receive, send)
            return
        if (self._requests >= MOST_REQUESTS or self._bytes >= MOST_BYTES) and inner_path(scope) not in ALWAYS:
            body = serializers.problem(503, "the server is busy: try again in a moment")
            headers = {"Retry-After": "2", "Connection": "close"}
            await JSONResponse(body, 503, headers, media_type="application/problem+json")(scope, receive, send)
            return
        await self._admitted(scope, receive, send)

    async def _admitted(self, scope: Scope, receive: Receive, send: Send) -> None:
        brought = 0

        async def counted() -> Message:
            nonlocal brought
            message = await receive()
            size = len(message.get("body", b""))
            brought += size
            self._bytes += size
            return message

        self._requests += 1
        try:
            await self._app(scope, counted, send)
        finally:
            self._requests -= 1
            self._bytes -= brought


def _waits(scope: Scope) -> bool:
    hooks = scope["method"] == "POST" and inner_path(scope).startswith("/v1/hooks/")
    return hooks or (scope["method"] == "GET" and b"wait=" in scope["query_string"])
