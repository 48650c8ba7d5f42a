"""Labels: later truth about an outcome, once for each who says it (docs/rules.md: F2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from policies.approval import Approval
from store.agents import Agent
from store.learning import LABELLER, OWN
from store.tables import labels
from store.unit import Unit


def said_by(agent: Agent, approval: Approval) -> str:
    """Who says so: of an agent's own work it is always the agent's word, whatever token it has."""
    judges = agent.labels and agent.id != approval.agent_id
    return f"{LABELLER}{agent.name}" if judges else f"agent:{agent.name}"


def keep(unit: Unit, approval: Approval, word: str, *, by: str, detail: str | None) -> bool:
    """Keep a label; False where the same was said before by the same."""
    values: dict[str, Any] = {"approval_id": approval.id, "label": word, "detail": detail, "by": by, "at": unit.now}
    once = unit.insert(labels).on_conflict_do_nothing(index_elements=["approval_id", "label", "by"])
    # A returned row says it on both databases; the count of rows of an insert does not.
    kept = unit.execute(once.returning(labels.c.id), values).first() is not None
    if kept:
        unit.seals.beside(labels, [values])
    return kept


@dataclass(frozen=True, slots=True)
class Said:
    """A label, and whoever said it."""

    word: str
    by: str


def newest_label(unit: Unit, approval_id: str) -> Said | None:
    """The last label of somebody other than the agent itself."""
    query = select(labels.c.label, labels.c.by).where(
        labels.c.approval_id == approval_id, labels.c.by.not_like(f"{OWN}%")
    )
    row = unit.execute(query.order_by(labels.c.id.desc()).limit(1)).one_or_none()
    return Said(row.label, row.by.removeprefix(LABELLER)) if row else None
