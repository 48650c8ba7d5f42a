"""Tells the other servers what changed, and hears it from them: PostgreSQL's LISTEN and NOTIFY, outside any transaction."""

from __future__ import annotations

import asyncio
import logging

import psycopg
from sqlalchemy.engine import URL

from bot.server.signals import LiveSignals

log = logging.getLogger("sayso.relay")
CHANNEL = "sayso_changed"
RECONNECT_SECONDS = 2.0
MAX_PAYLOAD_IDS = 100


class Relay:
    """One connection a server. What is missed while it is down costs a waiting agent one long-poll, nothing more."""

    def __init__(self, url: URL, signals: LiveSignals) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._signals = signals
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()

    async def run(self) -> None:
        """Listen and tell for ever, reconnecting."""
        self._signals.publish = self._outgoing.put_nowait
        while True:
            try:
                await self._connected()
            except* (psycopg.Error, OSError) as errors:
                log.warning("not connected to the other servers: %s", errors.exceptions[0])
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _connected(self) -> None:
        listening = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
        telling = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
        async with listening, telling:
            await listening.execute(f"LISTEN {CHANNEL}")
            # Either connection's end ends both: half a relay would go unnoticed.
            async with asyncio.TaskGroup() as both:
                both.create_task(self._tell(telling))
                both.create_task(self._listen(listening, telling.info.backend_pid))

    async def _listen(self, connection: psycopg.AsyncConnection[tuple[object, ...]], own: int) -> None:
        async for notice in connection.notifies():
            if notice.pid != own:
                self._hear(notice.payload)
        raise psycopg.OperationalError("the listening connection ended")

    def _hear(self, payload: str) -> None:
        for approval_id in payload.split(","):
            self._signals.heard(approval_id)
        self._signals.outbox.set()

    async def _tell(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        while True:
            ids = {await self._outgoing.get()}
            while not self._outgoing.empty() and len(ids) < MAX_PAYLOAD_IDS:
                ids.add(self._outgoing.get_nowait())
            await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, ",".join(sorted(ids))))
