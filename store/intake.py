"""What the store knows when a request arrives: its key, its agent's counts, what was spent and failed before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnClause, ColumnElement, Select, and_, bindparam, func, literal, literal_column, select

from policies.routing import FAILURE_WINDOW_SECONDS, History
from store import attempts
from store.rows import FAILED, MICROS, PENDING
from store.tables import approvals, delegations, switches
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Before:
    """What the store knows when a request arrives."""

    existing_id: str | None
    existing_body_hash: str | None
    pending: int
    used_last_minute: int
    urgent_last_hour: int
    history: History


def before(
    unit: Unit, agent_id: str, key: str, action: str, aggregate: tuple[str, int] | None, *, excluding: str = ""
) -> Before:
    """One round trip for all that routing and the limits need; `aggregate` is (key, window in seconds).

    The sum holds what this agent and those who act for it asked, but for the approval `excluding`.
    """
    key_of_sum, window = aggregate or ("", 0)
    now = unit.now
    values = {
        "_agent_id": agent_id,
        "_key": key,
        "_action": action,
        "_minute_ago": now - attempts.MINUTE,
        "_hour_ago": now - attempts.HOUR,
        "_day_ago": now - timedelta(seconds=FAILURE_WINDOW_SECONDS),
        "_aggregate_key": key_of_sum,
        "_window_start": now - timedelta(seconds=window),
        "_excluding": excluding,
    }
    row = unit.execute(_knowing(aggregate is not None, unit.connection.dialect.name), values).one()
    history = History(
        agent_failures_24h=row.failures,
        aggregate_usd=Decimal(row.total or 0) / MICROS,
        stopped=row.stopped is not None,
    )
    return Before(row.existing_id, row.existing_body_hash, row.pending, int(row.used), row.urgent, history)


_ENDED_WITHOUT = ("denied", "blocked", "rejected", "cancelled", "expired")
_REFUSED: list[ColumnClause[Any]] = [literal_column(f"'{state}'") for state in _ENDED_WITHOUT]


@lru_cache(maxsize=8)
def _knowing(summed: bool, dialect: str) -> Select[Any]:
    own = approvals.c.agent_id == bindparam("_agent_id")
    of_key = and_(own, approvals.c.idempotency_key == bindparam("_key"))
    counted = {
        "pending": and_(own, PENDING),
        "failures": and_(own, FAILED, approvals.c.finished_at > bindparam("_day_ago")),
    }
    stopped = select(switches.c.value).where(switches.c.name == "stop").scalar_subquery()
    return select(
        select(approvals.c.id).where(of_key).scalar_subquery().label("existing_id"),
        select(approvals.c.body_hash).where(of_key).scalar_subquery().label("existing_body_hash"),
        *(select(func.count()).where(these).scalar_subquery().label(name) for name, these in counted.items()),
        (attempts.made + attempts.tried).label("used"),
        attempts.urgent.label("urgent"),
        stopped.label("stopped"),
        (_total(dialect) if summed else literal(0)).label("total"),
    )


def _total(dialect: str) -> ColumnElement[Any]:
    # SQLite's sum fails beyond 64 bits; its total does not, and is exact up to nine billion dollars.
    total = func.sum if dialect == "postgresql" else func.total
    summed = select(func.coalesce(total(approvals.c.amount_micros), 0)).where(
        approvals.c.action == bindparam("_action"),
        approvals.c.aggregate_key == bindparam("_aggregate_key"),
        approvals.c.amount_micros.is_not(None),
        approvals.c.created_at > bindparam("_window_start"),
        approvals.c.state.not_in(_REFUSED),
        approvals.c.id != bindparam("_excluding"),
    )
    own = summed.where(approvals.c.agent_id == bindparam("_agent_id"))
    delegated = summed.join(delegations, delegations.c.approval_id == approvals.c.id).where(
        delegations.c.agent_id == bindparam("_agent_id"), delegations.c.at > bindparam("_window_start")
    )
    return own.scalar_subquery() + delegated.scalar_subquery()
