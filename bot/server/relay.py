"""Tells the other servers what changed, and hears it from them."""

from __future__ import annotations

import asyncio
import logging

from bot.server.signals import LiveSignals
from store import changes
from store.engine import Database

log = logging.getLogger("sayso.relay")
RECONNECT_SECONDS = 2.0


class Relay:
    """One connection a server. What is missed while it is down costs a waiting agent one long-poll, nothing more."""

    def __init__(self, database: Database, signals: LiveSignals) -> None:
        self._database = database
        self._signals = signals
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()

    async def run(self) -> None:
        """Listen and tell for ever, reconnecting."""
        self._signals.publish = self._outgoing.put_nowait
        while True:
            try:
                await self._connected()
            except* (changes.Broken, OSError) as errors:
                log.warning("not connected to the other servers: %s", errors.exceptions[0])
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _connected(self) -> None:
        listening, telling = await changes.connect(self._database), await changes.connect(self._database)
        async with listening, telling:
            await changes.listen(listening)
            # Either connection's end ends both: half a relay would go unnoticed.
            async with asyncio.TaskGroup() as both:
                both.create_task(self._tell(telling))
                both.create_task(self._listen(listening, telling))

    async def _listen(self, listening: changes.Connection, telling: changes.Connection) -> None:
        async for ids in changes.heard(listening, telling):
            for approval_id in ids:
                self._signals.heard(approval_id)
            self._signals.outbox.set()

    async def _tell(self, telling: changes.Connection) -> None:
        while True:
            ids = {await self._outgoing.get()}
            while not self._outgoing.empty() and len(ids) < changes.MOST:
                ids.add(self._outgoing.get_nowait())
            await changes.tell(telling, ids)
