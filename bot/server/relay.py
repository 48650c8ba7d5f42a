"""Tells the other servers what changed, and hears it from them."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from bot.server.signals import LiveSignals
from store import changes
from store.changes import News
from store.engine import Database, StoreUnavailable

log = logging.getLogger("sayso.relay")
RECONNECT_SECONDS = 2.0
LOOK_SECONDS = 0.5


class Relay:
    """One connection a server. What is missed while it is down costs a waiting agent one long-poll, nothing more.

    Through a pooler, which lends no connection for long, the trail is looked at twice a second instead.
    """

    def __init__(self, database: Database, signals: LiveSignals) -> None:
        self._database = database
        self._signals = signals
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()

    async def run(self) -> None:
        """Listen and tell for ever, reconnecting; or look for ever."""
        if not changes.may_listen(self._database):
            await self._looking()
        self._signals.publish = self._outgoing.put_nowait
        while True:
            try:
                await self._connected()
            except* (changes.Broken, OSError) as errors:
                log.warning("not connected to the other servers: %s", errors.exceptions[0])
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _looking(self) -> None:
        news: News | None = None
        while True:
            try:
                look = changes.present if news is None else partial(changes.after, seq=news.through)
                found = await asyncio.to_thread(self._database.read, look)
            except StoreUnavailable as error:
                log.warning("cannot look for what other servers changed: %s", error)
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            self._wake(found.ids)
            news = found
            await asyncio.sleep(0 if found.more else LOOK_SECONDS)

    def _wake(self, ids: frozenset[str]) -> None:
        for approval_id in ids:
            self._signals.heard(approval_id)
        if ids:
            self._signals.outbox.set()

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
            self._wake(frozenset(ids))

    async def _tell(self, telling: changes.Connection) -> None:
        while True:
            ids = {await self._outgoing.get()}
            while not self._outgoing.empty() and len(ids) < changes.MOST:
                ids.add(self._outgoing.get_nowait())
            await changes.tell(telling, ids)
