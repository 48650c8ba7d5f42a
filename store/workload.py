"""How busy people are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import CompoundSelect, and_, case, func, literal, or_, select, union_all

from store.rows import NO_TEST, PENDING
from store.tables import absences, approvals
from store.types import database_now
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a person is: open approvals, when they were last asked, whether they are away, until when and with whom
    in their stead. `tests` of the open ones are tests of theirs: seen and counted as any other, but they fill nobody up."""

    open: int
    last_assigned_at: datetime | None
    away: bool
    away_until: datetime | None
    delegate: str | None = None
    tests: int = 0


def loads(unit: Unit, users: Iterable[str]) -> dict[str, Load]:
    """The load of each of `users`, in one round trip."""
    wanted = tuple(sorted(set(users)))
    if not wanted:
        return {}
    rows = unit.rows(_loading(wanted, unit.clock.seconds), {})
    return {row.user: Load(row.open, row.last, bool(row.away), row.until, row.delegate, row.tests) for row in rows}


# Counted and not asked for: else SQLite takes the index of everything that is open, and reads each row of it.
_OPEN = func.count(case((PENDING, 1)))


@lru_cache(maxsize=256)
def _loading(users: tuple[str, ...], clock_shift: float) -> CompoundSelect[Any]:
    parts = []
    for user in users:
        of_user = approvals.c.assignee == user
        away = and_(
            absences.c.user_id == user, or_(absences.c.until.is_(None), absences.c.until > database_now(clock_shift))
        )
        parts.append(
            select(
                literal(user).label("user"),
                select(func.count()).where(of_user, PENDING).scalar_subquery().label("open"),
                select(_OPEN).where(of_user, approvals.c.planted.is_not(None)).scalar_subquery().label("tests"),
                select(func.max(approvals.c.assigned_at)).where(of_user).scalar_subquery().label("last"),
                select(func.count()).where(away).scalar_subquery().label("away"),
                select(absences.c.until).where(away).scalar_subquery().label("until"),
                select(absences.c.delegate).where(away).scalar_subquery().label("delegate"),
            )
        )
    return union_all(*parts)


def open_reviews(unit: Unit, users: Iterable[str]) -> dict[str, int]:
    """How many reviews after the fact wait for each of `users`."""
    query = select(approvals.c.reviewer, func.count().label("open")).where(approvals.c.reviewer.in_(sorted(users)))
    return {row.reviewer: row.open for row in unit.execute(query.group_by(approvals.c.reviewer))}


@dataclass(frozen=True, slots=True)
class Overdue:
    """How many open requests nobody decided in time, and for how many seconds the oldest has been so."""

    count: int
    oldest_seconds: float


def overdue(unit: Unit) -> Overdue:
    """What is open past its time to be decided; whoever waits for the agent's own answer is not."""
    late = and_(PENDING, NO_TEST, approvals.c.clock_due_at <= unit.now, approvals.c.clock_paused_at.is_(None))
    row = unit.execute(
        select(func.count().label("late"), func.min(approvals.c.clock_due_at).label("first")).where(late)
    ).one()
    return Overdue(row.late, max(0.0, (unit.now - row.first).total_seconds()) if row.first else 0.0)
