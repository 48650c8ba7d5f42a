"""One request as the rules look at it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from policies.history import History
from policies.manifest import Policy
from policies.request import Request


@dataclass(frozen=True, slots=True)
class Case:
    """A request by an agent under a policy, with what came before; `amount` is in dollars, None where there is none."""

    agent: str
    request: Request
    policy: Policy
    history: History
    amount: Decimal | None

    @property
    def amount_unreadable(self) -> bool:
        """Whether the policy names an amount and the request has none there."""
        return self.policy.amount is not None and self.amount is None

    @property
    def total(self) -> Decimal:
        """The sum of the window, this request included."""
        return self.history.aggregate_usd + (self.amount or 0)
