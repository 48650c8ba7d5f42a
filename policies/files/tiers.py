"""How soon an answer is needed, by name: pairs of SLA and timeout (docs/rules.md: E4, B4)."""

from __future__ import annotations

from enum import StrEnum

from policies.files.limits import DAY


class Tier(StrEnum):
    """A tier of response."""

    AUTOMATED = "automated"
    ASYNC_REVIEW = "async_review"
    SYNCHRONOUS_GATE = "synchronous_gate"
    ESCALATION = "escalation"


# (SLA of one reviewer, time until on_timeout) in seconds; None where the tier says nothing.
# An agent stands at a synchronous gate for five minutes in all: two people can be asked in that time.
# An automated action waits for nobody, so it has no figures of its own.
TIERS: dict[Tier | None, tuple[int | None, int | None]] = {
    None: (None, None),
    Tier.AUTOMATED: (None, None),
    Tier.ASYNC_REVIEW: (3600, DAY),
    Tier.SYNCHRONOUS_GATE: (150, 300),
    Tier.ESCALATION: (1800, DAY),
}
