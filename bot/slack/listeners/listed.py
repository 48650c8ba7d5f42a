"""Notes of what kind each request of Slack's was, before it is heard: what arrives is switched on (bot/server/arrivals.py)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.server import arrivals
from bot.server.arrivals import Arrivals


class Listed(AsyncMiddleware):
    """Passes everything on."""

    def __init__(self, seen: Arrivals) -> None:
        self._seen = seen

    async def async_process(
        self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse:
        """Note it, and go on."""
        self._seen.note(kind_of(req.body))
        return await next()


def kind_of(body: dict[str, Any]) -> str:
    """The kind of a payload, in one of our own words."""
    if "command" in body:
        return arrivals.COMMAND
    if body.get("type") != "event_callback":
        return arrivals.INTERACTION
    event = body.get("event")
    kind = event.get("type") if isinstance(event, dict) else None
    return arrivals.EVENT + (kind if isinstance(kind, str) and kind in arrivals.EVENTS else "other")
