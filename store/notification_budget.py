"""How many cards somebody was notified of within the last hour: kept for those who have a budget."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, cast, delete, func, insert, literal, select

from store.tables import asks
from store.unit import Unit

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Given:
    """The cards of the last hour: how many, and when the first of them came."""

    count: int = 0
    first_at: datetime | None = None

    def one_more(self, now: datetime) -> Given:
        """The same after one more card."""
        return replace(self, count=self.count + 1, first_at=self.first_at or now)


def full_until(unit: Unit, user: str, most: int) -> datetime | None:
    """When `user`, who takes `most` cards an hour, may be notified of one more; None where that is now.

    Until this unit ends, no other counts for them.
    """
    if unit.connection.dialect.name == "postgresql":
        key = int.from_bytes(hashlib.sha256(f"asks {user}".encode()).digest()[:8], signed=True)
        unit.execute(select(func.pg_advisory_xact_lock(cast(literal(key), BigInteger))))
    query = select(asks.c.at).where(asks.c.user_id == user, asks.c.at > unit.now - HOUR)
    newest = unit.execute(query.order_by(asks.c.at.desc()).limit(most)).scalars().all()
    return newest[-1] + HOUR if len(newest) == most else None


def add(unit: Unit, user: str) -> None:
    """`user` is notified of a card now; what is older than an hour is forgotten."""
    unit.execute(delete(asks).where(asks.c.user_id == user, asks.c.at <= unit.now - HOUR))
    unit.execute(insert(asks), {"user_id": user, "at": unit.now})


def notified_last_hour(unit: Unit, users: Iterable[str]) -> dict[str, Given]:
    """What each of `users` was notified of within the last hour."""
    wanted = sorted(set(users))
    if not wanted:
        return {}
    query = select(asks.c.user_id, func.count().label("number"), func.min(asks.c.at).label("first"))
    query = query.where(asks.c.user_id.in_(wanted), asks.c.at > unit.now - HOUR).group_by(asks.c.user_id)
    found = {row.user_id: Given(row.number, row.first) for row in unit.execute(query)}
    return {user: found.get(user, Given()) for user in wanted}
