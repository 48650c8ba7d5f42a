"""What the store knows when a request arrives: its key, its agent's counts, what was spent and failed before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnClause, ColumnElement, Select, Text, and_, bindparam, func, literal, literal_column, select

from policies.action_names import is_pattern, like
from policies.amounts import SumOf
from policies.errors import Unauthorised
from policies.resubmission import HOUR
from policies.routing import FAILURE_WINDOW_SECONDS, History
from store import attempts, sessions
from store.agents import Agent, authenticated, living
from store.resubmissions import kin_of_one, withdrew_any
from store.rows import FAILED, MICROS, PENDING, UNKNOWN
from store.tables import approval_keys, approvals, delegations, switches
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Before:
    """What the store knows when a request arrives. Of `Asking`: the agent as it is now, what of its own may be the same or
    nearly so (None where that was not asked), and whether it cancelled anything within the hour."""

    existing_id: str | None
    existing_body_hash: str | None
    pending: int
    used_last_minute: int
    urgent_last_hour: int
    history: History
    agent: Agent | None = None
    kin: tuple[str, ...] | None = None
    withdrew: bool = True


@dataclass(frozen=True, slots=True)
class Asking:
    """What more is read of a request that is asked: its agent by the token's hash, and what it may have asked before."""

    hashed: str | None
    action: str
    asked_as: str
    since: datetime


def before(
    unit: Unit,
    agent_id: str,
    key: str,
    *,
    action: str,
    aggregate: SumOf | None,
    excluding: str = "",
    session_id: str | None = None,
    asking: Asking | None = None,
) -> Before:
    """One round trip for all that routing and the limits need; `aggregate` is the sum that it counts in.

    Raises Unauthorised where the token of `asking` no longer lives.

    `action` is the manifest's entry, a name or a pattern.

    The sums hold what this agent and those who act for it asked, but for the approval `excluding`. Whoever counts
    has the agent's turn (store.turns): what it reads then stays true until it has written.
    """
    key_of_sum, window, all_targets = aggregate or SumOf("", 0)
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
        "_held_since": now - sessions.AFTER_CANCEL,
        "_session_id": session_id,
    }
    patterned = is_pattern(action)
    if patterned:
        values["_action"] = like(action)
    if asking is not None:
        values |= {"_hashed": asking.hashed, "_kin_action": asking.action, "_asked_as": asking.asked_as}
        values |= {"_since": asking.since, "_cancelled_since": now - HOUR}
    shape = _Shape(
        aggregate is not None,
        all_targets,
        patterned,
        unit.connection.dialect.name,
        asking=asking is not None,
        living=unit.clock.seconds if asking is not None and asking.hashed is not None else None,
    )
    found = unit.rows(_knowing(shape), values)
    if not found:
        raise Unauthorised()
    row = found[0]
    history = History(
        agent_failures_24h=row.failures + row.silent,
        aggregate_usd=Decimal(row.of_target or 0) / MICROS,
        aggregate_unread=int(row.unread_of_target or 0),
        total_usd=Decimal(row.of_all or 0) / MICROS,
        total_unread=int(row.unread or 0),
        stopped=row.stopped is not None,
        held_elsewhere=sessions.held_elsewhere(unit, agent_id, session_id) if row.held else None,
    )
    prior = Before(row.existing_id, row.existing_body_hash, row.pending, int(row.used), row.urgent, history)
    if asking is None:
        return prior
    agent = authenticated(row, asking.hashed) if asking.hashed is not None else None
    return replace(
        prior, agent=agent, kin=tuple((row.kin or "").split(",")) if row.kin else (), withdrew=bool(row.withdrew)
    )


_ENDED_WITHOUT = ("denied", "blocked", "rejected", "cancelled", "expired")
_REFUSED: list[ColumnClause[Any]] = [literal_column(f"'{state}'") for state in _ENDED_WITHOUT]
_OF_TARGET = approvals.c.aggregate_key == bindparam("_aggregate_key")
_READ = approvals.c.amount_micros.is_not(None)
_UNREAD = and_(approvals.c.aggregate_key.is_not(None), approvals.c.amount_micros.is_(None))


@dataclass(frozen=True, slots=True)
class _Shape:
    summed: bool
    all_targets: bool
    patterned: bool
    dialect: str
    asking: bool
    living: float | None  # the clock's shift, where the agent is read too


@lru_cache(maxsize=32)
def _knowing(shape: _Shape) -> Select[Any]:
    own = approvals.c.agent_id == bindparam("_agent_id")
    of_key = and_(own, approvals.c.idempotency_key == bindparam("_key"))
    lately = approvals.c.finished_at > bindparam("_day_ago")
    counted = {
        "pending": and_(own, PENDING),
        "failures": and_(own, FAILED, lately),
        "silent": and_(own, UNKNOWN, lately),
    }
    # SQLite's sum fails beyond 64 bits; its total does not, and is exact up to nine billion dollars.
    total = (func.sum if shape.dialect == "postgresql" else func.total)(approvals.c.amount_micros)
    nothing, named = literal(0), bindparam("_action", type_=Text)
    # What a pattern stands for counts together, so that no other name of a tool begins a sum of its own.
    action = approvals.c.action.like(named, escape="\\") if shape.patterned else approvals.c.action == named
    base = select() if shape.living is None else living(shape.living)
    return base.add_columns(
        _first(approvals.c.id, of_key, approval_keys.c.approval_id).label("existing_id"),
        _first(approvals.c.body_hash, of_key, approval_keys.c.body_hash).label("existing_body_hash"),
        *(select(func.count()).where(these).scalar_subquery().label(name) for name, these in counted.items()),
        (attempts.made + attempts.tried).label("used"),
        attempts.urgent.label("urgent"),
        select(switches.c.value).where(switches.c.name == "stop").scalar_subquery().label("stopped"),
        sessions.stopped_elsewhere.label("held"),
        (_summed(total, action, _READ, _OF_TARGET) if shape.summed else nothing).label("of_target"),
        (_summed(total, action, _READ) if shape.all_targets else nothing).label("of_all"),
        (_summed(func.count(), action, _UNREAD, _OF_TARGET) if shape.summed else nothing).label("unread_of_target"),
        (_summed(func.count(), action, _UNREAD) if shape.all_targets else nothing).label("unread"),
        *((kin_of_one().label("kin"), withdrew_any.label("withdrew")) if shape.asking else ()),
    )


def _first(made: ColumnElement[str], of_key: ColumnElement[bool], found: ColumnElement[str]) -> ColumnElement[str]:
    """Of the approval that was made under the key, or that was open when it was used."""
    further = and_(
        approval_keys.c.agent_id == bindparam("_agent_id"), approval_keys.c.key == bindparam("_key", type_=Text())
    )
    return func.coalesce(select(made).where(of_key).scalar_subquery(), select(found).where(further).scalar_subquery())


def _summed(what: ColumnElement[Any], *wanted: ColumnElement[bool]) -> ColumnElement[Any]:
    """`what` over the window's approvals of this agent, and over those that were made on its authority."""
    of_window = (
        select(func.coalesce(what, 0))
        .select_from(approvals)
        .where(*wanted)
        .where(approvals.c.created_at > bindparam("_window_start"), approvals.c.state.not_in(_REFUSED))
        .where(approvals.c.id != bindparam("_excluding"))
    )
    own = of_window.where(approvals.c.agent_id == bindparam("_agent_id"))
    delegated = of_window.join(delegations, delegations.c.approval_id == approvals.c.id).where(
        delegations.c.agent_id == bindparam("_agent_id"), delegations.c.at > bindparam("_window_start")
    )
    return own.scalar_subquery() + delegated.scalar_subquery()
