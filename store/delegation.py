"""The word that the agent of an approval gives another: it may act under it."""

from __future__ import annotations

from sqlalchemy import select

from store.tables import delegates
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
