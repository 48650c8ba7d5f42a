"""Who had the hidden values of an approval shown to them: of this digest, and of what was hidden then."""

from __future__ import annotations

from sqlalchemy import select

from policies.approval import Approval
from store.tables import disclosures
from store.unit import Unit


def remember(unit: Unit, approval: Approval, seal: str, by: str) -> None:
    """Keep that this person was shown what `seal` names; a second time changes nothing."""
    values = {"approval_id": approval.id, "digest": approval.digest, "seal": seal, "by": by, "at": unit.now}
    once = unit.insert(disclosures).on_conflict_do_nothing(index_elements=["approval_id", "digest", "seal", "by"])
    unit.execute(once, values)


def shown(unit: Unit, approval: Approval, seal: str, by: str) -> bool:
    """Whether this person was shown all of it, as it stands now."""
    query = select(disclosures.c.at).where(
        disclosures.c.approval_id == approval.id,
        disclosures.c.digest == approval.digest,
        disclosures.c.seal == seal,
        disclosures.c.by == by,
    )
    return unit.execute(query).first() is not None
