"""What the servers tell each other of changed approvals: PostgreSQL's LISTEN and NOTIFY, outside any transaction.

LISTEN needs a session of its own, which a pooler does not give: then it goes by SAYSO_DATABASE_LISTEN_URL, or the trail is
looked at again and again. That misses nothing either: its rows are numbered in the order in which they were committed.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import func, select

from store import database_url
from store.database_url import LISTEN_SETTING, BadDatabaseUrl
from store.engine import Database, StoreUnavailable
from store.tables import audit
from store.unit import Unit

CHANNEL = "sayso_changed"
MOST = 100  # ids in one notice
MOST_ROWS = 1000  # of the trail, looked at in one go
_NOTICE_SECONDS = 3.0
Broken = psycopg.Error
"""What the functions below raise where a connection cannot be made, or ends."""
Connection = psycopg.AsyncConnection[tuple[Any, ...]]


def may_listen(database: Database) -> bool:
    """Whether a session can be had that hears notices."""
    return database.listen_url is not None or not database.pooled


async def connect(database: Database) -> Connection:
    """A connection of its own, in no transaction."""
    return await psycopg.AsyncConnection.connect(**_arguments(database), autocommit=True)


def _arguments(database: Database) -> dict[str, Any]:
    return database_url.arguments(database.listen_url or database.url)


def require_listening(database: Database) -> None:
    """Raise BadDatabaseUrl or StoreUnavailable where SAYSO_DATABASE_LISTEN_URL does not hear what the database is told."""
    if database.listen_url is None:
        return
    if database.sqlite:
        raise _bad("is for PostgreSQL, and SAYSO_DATABASE_URL is a SQLite file")
    channel = f"sayso_{secrets.token_hex(8)}"
    try:
        with psycopg.connect(**_arguments(database), autocommit=True) as session:
            session.execute(f"LISTEN {channel}".encode())
            database.run(lambda unit: unit.execute(select(func.pg_notify(channel, ""))).scalar_one())
            if any(True for _ in session.notifies(timeout=_NOTICE_SECONDS, stop_after=1)):
                return
    except psycopg.Error as error:
        reason = (str(error).splitlines() or ["no answer"])[0]
        raise StoreUnavailable(f"{LISTEN_SETTING}: cannot connect: {reason}", field=LISTEN_SETTING) from None
    raise _bad("hears nothing of SAYSO_DATABASE_URL: it leads through a pooler, or to another database")


def _bad(what: str) -> BadDatabaseUrl:
    return BadDatabaseUrl(f"{LISTEN_SETTING}: {what}", field=LISTEN_SETTING)


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


@dataclass(frozen=True, slots=True)
class News:
    """What the trail tells since a row of it: up to which row, and whose approvals it tells of."""

    through: int
    ids: frozenset[str] = frozenset()
    more: bool = False


def present(unit: Unit) -> News:
    """Nothing new: the trail's end."""
    return News(unit.execute(select(func.coalesce(func.max(audit.c.seq), 0))).scalar_one())


def after(unit: Unit, seq: int) -> News:
    """What came after a row of the trail, at most MOST_ROWS of it."""
    query = select(audit.c.seq, audit.c.approval_id).where(audit.c.seq > seq).order_by(audit.c.seq).limit(MOST_ROWS)
    rows = unit.execute(query).all()
    ids = frozenset(row.approval_id for row in rows if row.approval_id)
    return News(rows[-1].seq if rows else seq, ids, more=len(rows) == MOST_ROWS)
