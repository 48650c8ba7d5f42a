"""What a request is about in dollars, and under which key its sum is kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from policies import paths
from policies.digest import canonical
from policies.manifest import Policy

MAX_KEY = 500


def amount_of(policy: Policy | None, params: dict[str, Any]) -> Decimal | None:
    """The amount in dollars, or None where there is none."""
    return paths.amount_at(policy.amount, params) if policy else None


def aggregate_of(policy: Policy | None, params: dict[str, Any]) -> tuple[str, int] | None:
    """The key under which amounts are summed, and the window in seconds; None where nothing is summed."""
    if policy is None or policy.aggregate is None:
        return None
    per = policy.aggregate.per
    target = paths.value_at(per, params) if per else None
    return canonical(None if target is paths.ABSENT else target)[:MAX_KEY], policy.aggregate.window_seconds
