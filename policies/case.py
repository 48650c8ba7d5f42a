"""One request as the rules look at it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from policies.files.manifest import Policy
from policies.history import History
from policies.request import Request


@dataclass(frozen=True, slots=True)
class Case:
    """A request by an agent under a policy, with what came before; `amount` is in dollars, None where there is none.

    `unreadable` says why the amount that the policy names cannot be read.
    """

    agent: str
    request: Request
    policy: Policy
    history: History
    amount: Decimal | None
    unreadable: str | None = None

    @property
    def sum_of_target(self) -> Decimal:
        """The sum of the window for this target, this request included."""
        return self.history.aggregate_usd + (self.amount or 0)

    @property
    def sum_of_all(self) -> Decimal:
        """The sum of the window over all targets, this request included."""
        return self.history.total_usd + (self.amount or 0)
