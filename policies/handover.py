"""How a request came to whoever is asked now: somebody passed it on, or time was up for the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from policies.approval import Approval

TIME_IS_UP: Final = "the previous reviewer did not answer in time"
_MOVED: Final = ("escalated", "reassigned")


@dataclass(frozen=True, slots=True)
class Handover:
    """Who passed it on, with their words; or who let it lie until time was up."""

    by: str | None = None
    note: str | None = None
    late: str | None = None


def handover_of(approval: Approval, trail: Iterable[Mapping[str, Any]]) -> Handover | None:
    """What the trail, newest first, says of the last time that it changed hands; None where it did not, or by itself for other reasons."""
    for row in trail:
        if row["event"] not in _MOVED:
            continue
        if row["actor"] != "system":
            return Handover(by=row["actor"], note=row.get("rationale") if row["event"] == "escalated" else None)
        if row.get("decision") == approval.assignee and str(row.get("rationale") or "").endswith(TIME_IS_UP):
            before = _asked_before(approval)
            return Handover(late=before) if before else None
    return None


def _asked_before(approval: Approval) -> str | None:
    """Whose turn it was: the last who was asked, said nothing, and is not asked now."""
    now = {approval.assignee, *(seat.user for seat in approval.seats), *(vote.user for vote in approval.votes)}
    return next((user for user in reversed(approval.asked) if user not in now), None)
