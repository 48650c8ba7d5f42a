"""How a request came to whoever is asked now, as its trail tells."""

from __future__ import annotations

import json

from sqlalchemy import select

from policies.approval import Approval
from policies.handover import Handover, handover_of
from store.tables import audit
from store.unit import Unit

LOOK = 20  # of its newest rows; what was before is too long ago to explain the present


def last_handover(unit: Unit, approval: Approval) -> Handover | None:
    """Of a request that more than one person was asked to decide: one look at an index."""
    if len(approval.asked) < 2:
        return None
    rows = unit.execute(
        select(audit.c.line, audit.c.texts)
        .where(audit.c.approval_id == approval.id)
        .order_by(audit.c.seq.desc())
        .limit(LOOK)
    )
    return handover_of(approval, (json.loads(row.line) | json.loads(row.texts or "{}") for row in rows))
