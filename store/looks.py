"""When somebody opened a request: the last time before they decided it, for how long they can have looked (docs/rules.md: F3)."""

from __future__ import annotations

from sqlalchemy import select

from store.tables import approvals, decisions, looks
from store.unit import Unit


def keep_look(unit: Unit, approval_id: str, by: str) -> None:
    """Keep that this person has it open now; once they decided it, or where there is no such approval, nothing is kept."""
    decided = select(decisions.c.id).where(decisions.c.approval_id == approval_id, decisions.c.by == by).exists()
    query = select(approvals.c.id).where(approvals.c.id == approval_id, ~decided)
    if unit.execute(query).first() is None:
        return
    add = unit.insert(looks)
    again = add.on_conflict_do_update(index_elements=["approval_id", "by"], set_={"at": add.excluded.at})
    unit.execute(again, {"approval_id": approval_id, "by": by, "at": unit.now})
