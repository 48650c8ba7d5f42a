"""Agent sessions and the global stop: what people steer while agents run (docs/rules.md: C3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, literal_column, or_, select, update
from sqlalchemy.engine import Row

from store.rows import DECIDED_BY_A_PERSON, TAKEN_OVER
from store.tables import approvals, sessions, switches
from store.unit import Unit

STOP = "stop"
AFTER_CANCEL = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Session:
    """One run of an agent; `by` is who set the state last, `at` when."""

    agent_id: str
    id: str
    state: str
    by: str | None
    at: datetime
    title: str | None = None


def _session(row: Row[Any]) -> Session:
    return Session(row.agent_id, row.id, row.state, row.by, row.at, row.title)


def get(unit: Unit, agent_id: str, session_id: str) -> Session | None:
    """The agent's own session, or None."""
    query = select(sessions).where(sessions.c.agent_id == agent_id, sessions.c.id == session_id)
    row = unit.execute(query).one_or_none()
    return _session(row) if row else None


def beat(unit: Unit, agent_id: str, session_id: str, title: str | None) -> Session:
    """Register the session, or note that it lives; a state that a person set stays."""
    values = {"agent_id": agent_id, "id": session_id, "title": title, "state": "running"}
    statement = unit.insert(sessions)
    latest = {"beat_at": statement.excluded.beat_at, "title": func.coalesce(statement.excluded.title, sessions.c.title)}
    row = unit.execute(
        statement.on_conflict_do_update(index_elements=["agent_id", "id"], set_=latest).returning(*sessions.c),
        values | {"at": unit.now, "beat_at": unit.now},
    ).one()
    return _session(row)


def forget_oldest(unit: Unit, agent_id: str, keep: int) -> None:
    """Of the agent's sessions that nobody ever steered, keep those that beat last; what people set is never forgotten."""
    unsteered = and_(sessions.c.agent_id == agent_id, sessions.c.state == "running", sessions.c.by.is_(None))
    newest = select(sessions.c.id).where(unsteered).order_by(sessions.c.beat_at.desc(), sessions.c.id).offset(keep)
    unit.execute(delete(sessions).where(unsteered, sessions.c.id.in_(newest)))


def steer(unit: Unit, session_id: str, state: str, by: str, *, agent_id: str | None = None) -> list[Session]:
    """Set the state of every agent's session of that id, or only of `agent_id`'s; a cancelled one stays cancelled.

    One that is paused already stays paused by whom and since when it was.
    """
    wanted = and_(sessions.c.id == session_id, sessions.c.state != "cancelled")
    if agent_id is not None:
        wanted = and_(wanted, sessions.c.agent_id == agent_id)
    found = unit.execute(select(sessions).where(wanted).with_for_update()).all()
    kept = [row for row in found if row.state == state == "paused"]
    fresh = [row for row in found if row not in kept]
    changed = wanted if state != "paused" else and_(wanted, sessions.c.state != state)
    unit.execute(update(sessions).where(changed).values(state=state, by=by, at=unit.now))
    return [
        *map(_session, kept),
        *(Session(row.agent_id, row.id, state, by, unit.now, row.title) for row in fresh),
    ]


# Written out, so that PostgreSQL takes the partial index.
_STOPPED = sessions.c.state != literal_column("'running'")
_ELSEWHERE = and_(
    sessions.c.agent_id == bindparam("_agent_id"),
    _STOPPED,
    sessions.c.id.is_distinct_from(bindparam("_session_id", type_=sessions.c.id.type)),
    or_(sessions.c.state == "paused", sessions.c.at > bindparam("_held_since")),
)
stopped_elsewhere = select(sessions.c.id).where(_ELSEWHERE).limit(1).scalar_subquery()
"""Another session of an agent that people hold: paused, or cancelled within AFTER_CANCEL."""

_SAID_YES = ("approved", "edited", "chosen", "answered", "claimed", "succeeded", "failed", "outcome_unknown")


def held_elsewhere(unit: Unit, agent_id: str, session_id: str | None) -> str | None:
    """Which other session of this agent people hold, in words; None where this one need not care.

    An agent names its own sessions, so a new name must not lead out of what people stopped: only a session in which a
    person said yes, or which a person resumed, goes on by itself meanwhile.
    """
    if session_id is not None and _vouched_for(unit, agent_id, session_id):
        return None
    values = {"_agent_id": agent_id, "_session_id": session_id, "_held_since": unit.now - AFTER_CANCEL}
    query = select(sessions.c.id, sessions.c.state).where(_ELSEWHERE).order_by(sessions.c.at.desc()).limit(1)
    row = unit.execute(query, values).one_or_none()
    if row is None:
        return None
    only = "nothing runs by policy alone in a session in which nobody has said yes"
    return f"a person set another session of this agent ({row.id[:60]!a}) to {row.state}: meanwhile {only}"


def _vouched_for(unit: Unit, agent_id: str, session_id: str) -> bool:
    resumed = select(sessions.c.id).where(
        sessions.c.agent_id == agent_id,
        sessions.c.id == session_id,
        sessions.c.state == "running",
        sessions.c.by.is_not(None),
    )
    yes = select(approvals.c.id).where(
        approvals.c.agent_id == agent_id,
        approvals.c.session_id == session_id,
        approvals.c.state.in_(_SAID_YES),
        DECIDED_BY_A_PERSON,
    )
    return any(unit.execute(query.limit(1)).first() is not None for query in (resumed, yes))


def stopped_by(unit: Unit) -> str | None:
    """Who stopped everything, or None while things run."""
    row = unit.execute(select(switches.c.by).where(switches.c.name == STOP)).one_or_none()
    return row.by if row else None


@dataclass(frozen=True, slots=True)
class Holding:
    """What keeps a session's approvals from running: who stopped everything, how the session stands and by whom, and who
    does one of its requests by hand."""

    stopped_by: str | None
    state: str | None
    by: str | None
    taken_over_by: str | None


def hold_of(unit: Unit, agent_id: str, session_id: str | None) -> Holding:
    """One round trip; of no session only who stopped everything."""
    row = unit.execute(_holding, {"_agent_id": agent_id, "_session_id": session_id}).one()
    return Holding(row.stopped_by, row.state, row.by, row.taken_over_by)


_own = and_(sessions.c.agent_id == bindparam("_agent_id"), sessions.c.id == bindparam("_session_id"))
_by_hand = and_(approvals.c.agent_id == bindparam("_agent_id"), approvals.c.session_id == bindparam("_session_id"))
_holding = select(
    select(switches.c.by).where(switches.c.name == STOP).scalar_subquery().label("stopped_by"),
    select(sessions.c.state).where(_own).scalar_subquery().label("state"),
    select(sessions.c.by).where(_own).scalar_subquery().label("by"),
    select(approvals.c.decided_by).where(_by_hand, TAKEN_OVER).limit(1).scalar_subquery().label("taken_over_by"),
)


def stopped_at(unit: Unit) -> datetime | None:
    """When everything was stopped; None while things run."""
    return unit.execute(select(switches.c.at).where(switches.c.name == STOP)).scalar_one_or_none()


def of_id(unit: Unit, session_id: str, agent_id: str | None = None) -> list[Session]:
    """Every agent's session of that id, or only `agent_id`'s."""
    wanted = sessions.c.id == session_id
    if agent_id is not None:
        wanted = and_(wanted, sessions.c.agent_id == agent_id)
    return [_session(row) for row in unit.execute(select(sessions).where(wanted)).all()]


def running(unit: Unit, limit: int = 10) -> list[Session]:
    """The sessions that run or are paused, whoever beat last first."""
    query = select(sessions).where(sessions.c.state != "cancelled").order_by(sessions.c.beat_at.desc()).limit(limit)
    return [_session(row) for row in unit.execute(query).all()]


def stop(unit: Unit, by: str) -> bool:
    """Hold every execution; False when it was held already."""
    values = {"name": STOP, "value": True, "by": by, "at": unit.now}
    first = unit.insert(switches).on_conflict_do_nothing(index_elements=["name"]).returning(switches.c.name)
    return unit.execute(first, values).one_or_none() is not None


def start(unit: Unit) -> bool:
    """Let executions go on; False when nothing was held."""
    return unit.execute(delete(switches).where(switches.c.name == STOP)).rowcount == 1
