"""What the servers tell each other of changed approvals: PostgreSQL's LISTEN and NOTIFY, outside any transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Any

import psycopg

from store.engine import Database

CHANNEL = "sayso_changed"
MOST = 100  # ids in one notice
Broken = psycopg.Error
"""What the functions below raise where a connection cannot be made, or ends."""
Connection = psycopg.AsyncConnection[tuple[Any, ...]]


async def connect(database: Database) -> Connection:
    """A connection of its own, in no transaction."""
    dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return await psycopg.AsyncConnection.connect(dsn, autocommit=True)


async def tell(connection: Connection, ids: Collection[str]) -> None:
    """Tell every server that listens that these approvals have changed."""
    await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, ",".join(sorted(ids))))


async def listen(connection: Connection) -> None:
    """From now on `heard` misses nothing."""
    await connection.execute(f"LISTEN {CHANNEL}")


async def heard(connection: Connection, telling: Connection) -> AsyncIterator[list[str]]:
    """The ids of what other servers changed, as they tell it; raises Broken where the connection ends.

    What this server tells by `telling` is not heard.
    """
    async for notice in connection.notifies():
        if notice.pid != telling.info.backend_pid:
            yield notice.payload.split(",")
    raise psycopg.OperationalError("the listening connection ended")
