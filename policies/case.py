"""One request as the rules look at it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from policies.files.policy import Policy
from policies.history import History
from policies.request import Request
from policies.standing import Standing, uncovered


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

    @property
    def covering(self) -> Standing | None:
        """The standing approval that lets it run; None where none does."""
        found = (one for one in self.history.standings if self.uncovered_by(one) is None)
        return next(found, None)

    def uncovered_by(self, one: Standing) -> str | None:
        """Why a standing approval does not let it run; None where it does."""
        return uncovered(one, self.agent, self.request, self.policy)
