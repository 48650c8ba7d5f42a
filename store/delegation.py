"""Who acts under whom: the word that the agent of an approval gives another, and what is open under an agent."""

from __future__ import annotations

from sqlalchemy import delete, or_, select

from policies.approval import Approval
from policies.lifecycle import GRANTED, OPEN
from store.rows import PENDING, columns, from_row
from store.tables import agents, approvals, delegates, delegations
from store.unit import Unit


def give(unit: Unit, approval_id: str, agent_id: str) -> bool:
    """Keep that this agent may act under the approval; False where that was said before."""
    once = unit.insert(delegates).on_conflict_do_nothing(index_elements=["approval_id", "agent_id"])
    values = {"approval_id": approval_id, "agent_id": agent_id, "at": unit.now}
    # A returned row says it on both databases; the count of rows of an insert does not.
    kept = unit.execute(once.returning(delegates.c.agent_id), values).first() is not None
    if kept:
        unit.seals.beside(delegates, [values])
    return kept


def given(unit: Unit, approval_id: str, agent_id: str) -> bool:
    """Whether this agent may act under the approval."""
    query = select(delegates.c.at).where(delegates.c.approval_id == approval_id, delegates.c.agent_id == agent_id)
    return unit.execute(query).first() is not None


def forget(unit: Unit, agent_id: str) -> list[str]:
    """The word that this agent was given holds no longer; the ids of the approvals under which it was given."""
    given = delete(delegates).where(delegates.c.agent_id == agent_id).returning(*delegates.c)
    rows = [row._asdict() for row in unit.execute(given)]
    unit.seals.gone(delegates, rows)
    return [row["approval_id"] for row in rows]


def open_under(unit: Unit, agent_id: str) -> list[Approval]:
    """What this agent, or another under it, asked for and can still be decided or claimed."""
    below = select(delegations.c.approval_id).where(delegations.c.agent_id == agent_id)
    whose = or_(approvals.c.agent_id == agent_id, approvals.c.id.in_(below))
    query = select(*columns).where(whose, approvals.c.state.in_(_OPEN)).order_by(approvals.c.id)
    return [from_row(row) for row in unit.execute(query).all()]


_OPEN = tuple(state.value for state in sorted(OPEN | GRANTED))
MOST_STRAYS = 100


def strays(unit: Unit) -> list[Approval]:
    """What waits for a person though its agent is revoked."""
    # One look into the index of open requests for each revoked agent: joined, all that is open would be read.
    waiting = select(approvals.c.id).where(PENDING, approvals.c.agent_id == agents.c.id).limit(1).scalar_subquery()
    gone = (
        unit.execute(select(agents.c.id).where(agents.c.revoked_at.is_not(None), waiting.is_not(None))).scalars().all()
    )
    if not gone:
        return []
    query = select(*columns).where(PENDING, approvals.c.agent_id.in_(gone)).order_by(approvals.c.id)
    return [from_row(row) for row in unit.execute(query.limit(MOST_STRAYS)).all()]
