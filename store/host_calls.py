"""Which approval stands for which call of a host: a step keeps its approval whatever id the host gives the call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Row

from policies.lifecycle import GRANTED, OPEN, State
from store.tables import approvals, host_calls
from store.unit import Unit

_UNFINISHED = sorted(GRANTED | OPEN)


@dataclass(frozen=True, slots=True)
class HostCall:
    """One try of a step. `made_by` and `claimed_by` are the host's ids of the calls that asked and that ran it."""

    approval_id: str
    agent_id: str
    session_id: str
    step: str
    attempt: int
    made_by: str
    claimed_by: str | None = None
    nonce: str | None = None
    deferred_at: datetime | None = None


def _call(row: Row[Any]) -> HostCall:
    return HostCall(
        row.approval_id,
        row.agent_id,
        row.session_id,
        row.step,
        row.attempt,
        row.made_by,
        row.claimed_by,
        row.nonce,
        row.deferred_at,
    )


def latest(unit: Unit, agent_id: str, step: str) -> HostCall | None:
    """The newest try of a step, or None."""
    wanted = select(host_calls).where(host_calls.c.agent_id == agent_id, host_calls.c.step == step)
    row = unit.execute(wanted.order_by(host_calls.c.attempt.desc()).limit(1)).one_or_none()
    return _call(row) if row else None


def of_approval(unit: Unit, approval_id: str) -> HostCall | None:
    """The try behind an approval, or None."""
    row = unit.execute(select(host_calls).where(host_calls.c.approval_id == approval_id)).one_or_none()
    return _call(row) if row else None


def add(unit: Unit, call: HostCall) -> None:
    """Keep a new try; one that is there already stays as it is."""
    values = {
        "approval_id": call.approval_id,
        "agent_id": call.agent_id,
        "session_id": call.session_id,
        "step": call.step,
        "attempt": call.attempt,
        "made_by": call.made_by,
        "at": unit.now,
    }
    unit.execute(unit.insert(host_calls).on_conflict_do_nothing(), values)


def claimed(unit: Unit, approval_id: str, call: str, nonce: str) -> None:
    """Note which call of the host holds the grant."""
    unit.execute(update(host_calls).where(host_calls.c.approval_id == approval_id).values(claimed_by=call, nonce=nonce))


def with_grant(unit: Unit, agent_id: str, session_id: str, call: str) -> HostCall | None:
    """The try whose grant this call of the host holds, or None."""
    wanted = select(host_calls).where(
        host_calls.c.agent_id == agent_id, host_calls.c.session_id == session_id, host_calls.c.claimed_by == call
    )
    row = unit.execute(wanted.order_by(host_calls.c.at.desc()).limit(1)).one_or_none()
    return _call(row) if row else None


def nameless(unit: Unit, agent_id: str, session_id: str) -> list[HostCall]:
    """The tries of a session that run now, and whose host gives its calls no ids; oldest first."""
    wanted = (
        select(host_calls)
        .join(approvals, approvals.c.id == host_calls.c.approval_id)
        .where(
            host_calls.c.agent_id == agent_id,
            host_calls.c.session_id == session_id,
            host_calls.c.made_by == "",
            host_calls.c.nonce.is_not(None),
            approvals.c.state == State.CLAIMED,
        )
    )
    return [_call(row) for row in unit.execute(wanted.order_by(host_calls.c.at)).all()]


def permit(unit: Unit, approval_id: str) -> bool:
    """Let the host's own question about a call that holds its grant pass, once."""
    once = update(host_calls).where(host_calls.c.approval_id == approval_id, host_calls.c.permitted.is_(False))
    return unit.execute(once.values(permitted=True)).rowcount == 1


def defer(unit: Unit, call: HostCall) -> bool:
    """Note that the host was told to come back for this one; False where another of the session is still out.

    Of two calls of one turn that are both deferred, a host keeps only the last. Call it in the agent's turn.
    """
    out = (
        select(host_calls.c.approval_id)
        .join(approvals, approvals.c.id == host_calls.c.approval_id)
        .where(
            host_calls.c.agent_id == call.agent_id,
            host_calls.c.session_id == call.session_id,
            host_calls.c.deferred_at.is_not(None),
            host_calls.c.approval_id != call.approval_id,
            approvals.c.state.in_(_UNFINISHED),
        )
    )
    if unit.execute(out.limit(1)).first() is not None:
        return False
    unit.execute(update(host_calls).where(host_calls.c.approval_id == call.approval_id).values(deferred_at=unit.now))
    return True
