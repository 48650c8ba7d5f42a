"""What Slack sent and the ingress let in: taps on our own buttons are answered here, all else by Bolt's listeners."""

from __future__ import annotations

import logging

from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.server import arrivals
from bot.slack.ingress import Body, Headers
from bot.slack.listeners import actions
from bot.slack.listeners.desk import Desk

log = logging.getLogger("sayso.reception")


class Reception:
    """One workspace's. Nine requests in ten are taps, and asking Bolt costs more than hearing one: it is spared that."""

    def __init__(self, bolt: AsyncApp, desk: Desk) -> None:
        self._bolt, self._desk = bolt, desk

    async def answered(self, body: Body, headers: Headers) -> BoltResponse:
        """Bolt's answer, or the same without it: 200 after the commit, 500 where nothing may be acknowledged."""
        action = actions.on_card(body)
        if action is None:
            # Bolt gets the parsed body: it would parse before it checks, and both was done in the safe order.
            request = AsyncBoltRequest(body=body, mode="socket_mode", headers=headers)
            return await self._bolt.async_dispatch(request)
        self._desk.runtime.arrivals.note(arrivals.INTERACTION)
        try:
            await actions.hear(self._desk, body, action)
        except Exception:
            log.exception("a tap was not acknowledged")
            return BoltResponse(status=500, body="")
        return BoltResponse(status=200, body="")
