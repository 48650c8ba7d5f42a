"""Rows to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import insert, update

from policies.approval import Approval, digest_of_approval
from policies.deadlines import Clock
from policies.files.policy import unknown
from policies.lifecycle import State
from policies.request import Request
from policies.routing import Level, RouteName
from store import agents, approvals, ids, rows, tables
from store.agents import Agent
from store.audit import entry_of
from store.engine import Database
from store.unit import Unit


def add_agent(database: Database, name: str = "demo") -> Agent:
    return database.run(lambda unit: agents.add(unit, name))[0]


def made(agent: Agent, now: datetime, **changes: Any) -> Approval:
    """A pending approval of that agent."""
    request = Request(action="process_refund", params={"amount_usd": 1}, session_id=changes.pop("session_id", None))
    approval = replace(
        Approval(
            id=ids.new("apr", now),
            agent_id=agent.id,
            agent=agent.name,
            request=request,
            params=request.params,
            sentence="Refund $1",
            state=State.PENDING,
            version=1,
            level=Level.HARD_APPROVAL,
            route=RouteName.ASK,
            why=("because",),
            digest="",
            policy=unknown("process_refund"),
            policy_version="v1",
            created_at=now,
            updated_at=now,
        ),
        **changes,
    )
    return replace(approval, digest=approval.digest or digest_of_approval(approval))


def add(
    database: Database,
    agent: Agent,
    key: str = "",
    *,
    amount: Decimal | None = None,
    aggregate_key: str | None = None,
    age: float = 0,
    above: tuple[str, ...] = (),
    **changes: Any,
) -> Approval:
    """Insert one, `age` seconds old."""

    def work(unit: Unit) -> Approval:
        approval = made(agent, unit.now - timedelta(seconds=age), **changes)
        approvals.add(
            unit,
            approval,
            idempotency_key=key or approval.id,
            body_hash="h",
            above=above,
        )
        unit.record(entry_of(approval, "requested", unit.now, f"agent:{agent.name}"))
        summed: dict[str, Any] = {"amount_micros": None if amount is None else int(amount * rows.MICROS)}
        row = update(tables.approvals).where(tables.approvals.c.id == approval.id)
        summed |= {"aggregate_key": aggregate_key}
        unit.execute(row.values(summed))
        unit.seals.changed(approval.id, summed)
        return approval

    return database.run(work)


def load(database: Database, approval: Approval) -> Approval:
    found = database.read(lambda unit: approvals.load(unit, approval.id))
    assert found is not None
    return found


def due_at(database: Database, seconds: float) -> Clock:
    """A clock whose SLA ends `seconds` from the database's now."""
    now = database.read(lambda unit: unit.now)
    return Clock(due_at=now + timedelta(seconds=seconds))


def told(unit: Unit, approval: Approval, event: str) -> None:
    """A row in the trail, without which nothing may change."""
    unit.record(entry_of(approval, event, unit.now, "system"))


def save(unit: Unit, before: Approval, after: Approval, *, in_time: bool = False) -> bool:
    """Save it, with its row in the trail."""
    if not approvals.save(unit, before, after, in_time=in_time):
        return False
    told(unit, after, "approved")
    return True


def approved_by(database: Database, users: Sequence[str], *, each: int) -> None:
    """So many yeses of each of these people, a minute apart, the first an hour ago, each card seen for half a minute."""
    names = database.read(lambda unit: agents.named(unit, ["busy"]))
    agent = names["busy"] if "busy" in names else add_agent(database, "busy")
    for number in range(each):
        for user in users:
            asked = add(database, agent, request=Request(action="remind", params={}), age=3700)
            database.run(partial(_approve, asked.id, user, number))


def _approve(approval_id: str, user: str, number: int, unit: Unit) -> None:
    at = unit.now - timedelta(seconds=3600 - 60 * number)
    row = update(tables.approvals).where(tables.approvals.c.id == approval_id)
    unit.execute(row.values(state="succeeded", decided_by=user, decided_at=at))
    values = {"approval_id": approval_id, "digest": "d", "verb": "approve", "by": user, "role": "finance"}
    unit.execute(insert(tables.decisions), values | {"at": at, "latency_ms": 30_000})
