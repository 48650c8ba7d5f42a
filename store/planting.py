"""Tests of reviewers as rows: when the last one of an action came, what brings the next about, and how they ended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, or_, select

from policies.learning.planting import Tested, answer
from store.agents import Agent, seeming
from store.rows import NO_TEST, PENDING, decision_of_row
from store.tables import agents, approvals
from store.unit import Unit

PLANTED = approvals.c.planted.is_not(None)
MOST_LOOKED_AT = 50  # of the newest decisions, for an agent from which a test may seem to come
MOST_TESTS = 10_000  # of which figures tell, the newest


@dataclass(frozen=True, slots=True)
class Last:
    """The newest test of an action, and how many there were."""

    id: str
    at: datetime | None
    count: int


def last(unit: Unit, action: str) -> Last:
    """The newest test of an action; without an id where there was none."""
    of_action = (PLANTED, approvals.c.action == action)
    count = unit.execute(select(func.count()).select_from(approvals).where(*of_action)).scalar_one()
    newest = select(approvals.c.id, approvals.c.created_at).where(*of_action)
    row = unit.execute(newest.order_by(approvals.c.created_at.desc(), approvals.c.id.desc()).limit(1)).one_or_none()
    return Last(row.id, row.created_at, count) if row else Last("", None, 0)


# Written out and not bound: a partial index is only taken where the statement itself says which rows it wants.
_BY_PEOPLE: tuple[ColumnElement[bool], ...] = (
    approvals.c.decided_by.is_not(None),
    approvals.c.decided_by != literal_column("'policy'"),
)


def decision_after(unit: Unit, action: str, since: datetime, number: int) -> tuple[str, datetime] | None:
    """The `number`-th decision of a person on this action after `since`: of which approval, and when; None where it is to come."""
    query = (
        select(approvals.c.id, approvals.c.decided_at)
        .where(approvals.c.action == action, *_BY_PEOPLE, approvals.c.decided_at > since)
        .where(NO_TEST, ~approvals.c.decided_by.startswith("agent:"))
        .order_by(approvals.c.decided_at, approvals.c.id)
    )
    row = unit.execute(query.offset(number - 1).limit(1)).one_or_none()
    return (row.id, row.decided_at) if row else None


def seems_to_come_from(unit: Unit, action: str) -> Agent | None:
    """The agent whose request of this action people decided last, that lives and asks for itself, outside of a session."""
    query = (
        select(approvals.c.session_id, approvals.c.chain, agents)
        .join(agents, agents.c.id == approvals.c.agent_id)
        .where(approvals.c.action == action, *_BY_PEOPLE, NO_TEST)
        .order_by(approvals.c.decided_at.desc())
        .limit(MOST_LOOKED_AT)
    )
    for row in unit.execute(query):
        alone = row.session_id is None and not row.chain and row.parent_id is None
        if alone and row.revoked_at is None:
            return seeming(row)
    return None


def tested_last(unit: Unit, users: Collection[str]) -> datetime | None:
    """When any of these accounts was asked, or answered, a test last."""
    theirs = or_(approvals.c.assignee.in_(sorted(users)), approvals.c.decided_by.in_(sorted(users)))
    found: datetime | None = unit.execute(select(func.max(approvals.c.created_at)).where(PLANTED, theirs)).scalar_one()
    return found


def count_tests(unit: Unit) -> int:
    """How many there are, waiting or over."""
    return int(unit.execute(select(func.count()).select_from(approvals).where(PLANTED)).scalar_one())


def waiting_tests(unit: Unit) -> list[tuple[str, str, str]]:
    """Every test that waits: its id, action, and the agent it seems to come from."""
    # Not ordered there: SQLite would go through all approvals in their order instead of through the index of tests.
    rows = unit.execute(select(approvals.c.id, approvals.c.action, approvals.c.planted).where(PLANTED, PENDING))
    return sorted((row.id, row.action, row.planted["seeming_agent_id"]) for row in rows)


def ended_tests(unit: Unit, *, by: Collection[str] = ()) -> list[Tested]:
    """The tests that are over, the newest first; with `by` those that one of these accounts decided."""
    columns: list[Any] = [approvals.c.action, approvals.c.decision]
    query = select(*columns).where(PLANTED, approvals.c.decision.is_not(None))
    if by:
        query = query.where(approvals.c.decided_by.in_(sorted(by)))
    rows = unit.execute(query.order_by(approvals.c.created_at.desc()).limit(MOST_TESTS))
    decided = ((row.action, decision_of_row(row.decision)) for row in rows)
    return [
        Tested(action, None if one.by == "policy" else one.by, one.at, answer(one)) for action, one in decided if one
    ]
