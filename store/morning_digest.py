"""Who was told this morning what waits for them: once a local day, whichever server is first."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from store.tables import mornings
from store.unit import Unit


def untold(unit: Unit, days: Mapping[str, str]) -> dict[str, str]:
    """Those of `days` (a local day as 2026-12-24 by user) to whom that day's list is still owed."""
    query = select(mornings.c.user_id, mornings.c.day).where(mornings.c.user_id.in_(sorted(days)))
    seen = {row.user_id: row.day for row in unit.execute(query)}
    return {user: day for user, day in days.items() if seen.get(user, "") < day}


def begin(unit: Unit, user: str, day: str) -> bool:
    """Take it upon this unit to tell `user` on `day`; False where another did, or that day is over for them."""
    fresh = unit.insert(mornings)
    once = fresh.on_conflict_do_update(
        index_elements=["user_id"],
        set_={"day": fresh.excluded.day, "at": fresh.excluded.at},
        where=mornings.c.day < fresh.excluded.day,
    )
    values = {"user_id": user, "day": day, "at": unit.now}
    return unit.execute(once.returning(mornings.c.user_id), values).first() is not None
