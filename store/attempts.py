"""What an agent did beside making approvals, as far as its limits count it: kept for an hour."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import ScalarSelect, and_, bindparam, delete, func, insert, literal, select

from store.tables import approvals, attempts
from store.unit import Unit

MINUTE, HOUR = timedelta(seconds=60), timedelta(hours=1)


class Kind(StrEnum):
    """What counted."""

    REFUSED = "refused"
    SESSION = "session"
    LARGE = "large"
    URGENT = "urgent"
    AGAIN = "again"
    ALARM = "alarm"


# Parts of a statement that binds `_agent_id`, `_minute_ago` and `_hour_ago`.
_own = attempts.c.agent_id == bindparam("_agent_id")
made: ScalarSelect[int] = (
    select(func.count())
    .where(approvals.c.agent_id == bindparam("_agent_id"), approvals.c.created_at > bindparam("_minute_ago"))
    .scalar_subquery()
)
tried: ScalarSelect[int] = (
    select(func.coalesce(func.sum(attempts.c.units), 0))
    .where(_own, attempts.c.at > bindparam("_minute_ago"))
    .scalar_subquery()
)
urgent: ScalarSelect[int] = (
    select(func.count())
    .where(and_(_own, attempts.c.kind == literal(Kind.URGENT.value)), attempts.c.at > bindparam("_hour_ago"))
    .scalar_subquery()
)
_used = select((made + tried).label("used"))


def used(unit: Unit, agent_id: str) -> int:
    """How much of its minute this agent has used."""
    return int(unit.execute(_used, {"_agent_id": agent_id, "_minute_ago": unit.now - MINUTE}).scalar_one())


_forget = delete(attempts).where(_own, attempts.c.at <= bindparam("_hour_ago"))


def add(unit: Unit, agent_id: str, kind: Kind, units: int = 0) -> None:
    """Count it from now on; what is older than an hour is forgotten."""
    unit.execute(_forget, {"_agent_id": agent_id, "_hour_ago": unit.now - HOUR})
    unit.execute(insert(attempts), {"agent_id": agent_id, "kind": kind.value, "units": units, "at": unit.now})


def last_hour(unit: Unit, agent_id: str, kind: Kind) -> int:
    """How many of a kind counted for this agent within the last hour."""
    query = select(func.count()).where(attempts.c.agent_id == agent_id, attempts.c.kind == kind.value)
    return int(unit.execute(query.where(attempts.c.at > unit.now - HOUR)).scalar_one())
