"""A refund agent: reads complaints in an orders database, asks before it pays, and pays each refund once.

    python examples/refund_agent.py work   --orders orders.db      asks, then exits
    python examples/refund_agent.py resume --orders orders.db      a new process: acts on what was decided

`--orders` names a SQLite file, made with sample data where it is missing. SAYSO_URL, SAYSO_TOKEN and
SAYSO_STATE_DIR say where to ask, as whom, and where to remember it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from orders import Case, NotRefundable, Orders, dollars
from resumable import CannotAct, ResumableAgent, command_line, run

from sayso import Approval, Grant, Sayso
from sayso.states import State

ACTIONS = {"refund": "process_refund", "refund_today": "process_urgent_refund", "close_account": "close_account"}
REASONS = {
    "refund": "The claim is what was paid.",
    "refund_today": "The bank takes today's payments for a few minutes more; tomorrow the trip is over.",
    "close_account": "The customer asks for it in writing.",
}
ATTEMPTS = 2


class RefundAgent(ResumableAgent):
    """Works through the complaints."""

    session_id: ClassVar[str] = "refund-desk"
    title: ClassVar[str] = "Refund desk"

    def __init__(self, client: Sayso, orders: Orders) -> None:
        super().__init__(client)
        self.orders = orders

    def work(self, limit: int) -> int:
        """Ask about each new complaint; what policy decides alone is settled at once."""
        cases = self.orders.new_cases(limit)
        for case in cases:
            self.session.checkpoint()
            self._ask_about(case)
        return len(cases)

    def act(self, grant: Grant, context: Mapping[str, Any]) -> str:
        """Write the ledger row: the granted order and amount, under the grant's idempotency key."""
        by = grant.approval.decision.by if grant.approval.decision else None
        order_id, cents = grant.params["order_id"], _cents(grant.params["amount_usd"])
        try:
            entry = self.orders.refund(
                order_id,
                grant.params["customer"],
                cents,
                key=grant.idempotency_key,
                case_id=context["case_id"],
                approval_id=grant.approval.id,
                decided_by=by or "unknown",
            )
        except NotRefundable as problem:
            raise CannotAct(str(problem)) from None
        changed = f", changed by {by} from {context['asked']}" if grant.edited else f", approved by {by}"
        return f"refunded {dollars(cents)}{changed} (ledger entry {entry})"

    def explain(self, context: Mapping[str, Any]) -> str:
        """Everything the orders database knows about this complaint."""
        case = self.orders.case(context["case_id"])
        return (
            f"Order {case.order_id} of {case.ordered_on}: {case.item}, paid {dollars(case.paid_cents)}, refunded so far "
            f"{dollars(self.orders.refunded(case.order_id))}. The customer writes: {case.complaint}"
        )

    def accept(self, approval: Approval, context: Mapping[str, Any]) -> None:
        """Close the complaint with what people or policy said; what nobody decided is asked once more."""
        again = approval.state is State.EXPIRED and context["attempt"] < ATTEMPTS
        state = "new" if again else approval.state.value
        self.orders.close(context["case_id"], state, approval.feedback or approval.state.value)

    def failed(self, why: str, context: Mapping[str, Any]) -> None:
        """Leave the complaint to a person."""
        self.orders.close(context["case_id"], "failed", why)

    def _ask_about(self, case: Case) -> None:
        refund = case.wish != "close_account"
        params: dict[str, Any] = {"order_id": case.order_id, "customer": case.customer}
        if refund:
            params["amount_usd"] = case.claimed_cents / 100
        refunded = self.orders.refunded(case.order_id)
        context = {
            "about": f"order {case.order_id}",
            "case_id": case.id,
            "attempt": case.attempts + 1,
            "asked": dollars(case.claimed_cents),
        }
        self.ask(
            ACTIONS[case.wish],
            params,
            f"case-{case.id}-{case.attempts + 1}",
            context,
            reason=f"{REASONS[case.wish]} Refunded so far: {dollars(refunded)}. The customer writes: {case.complaint}",
            completed_steps=["read the complaint", f"found order {case.order_id}", "looked it up in the ledger"],
            risks=["Money that is paid out does not come back."] if refund else ["An account cannot be restored."],
            alternatives=["Offer an exchange"] if refund else [],
            expected_outcome=f"{dollars(case.claimed_cents)} go back to {case.customer}, once." if refund else "",
            evidence={"retrieval_hits": 3, "schema_ok": True, "tool_errored": False},  # complaint, order, ledger
            urgency="high" if case.wish == "refund_today" else "normal",
        )
        # Only now: a process that dies before this line asks again, under the same key, and finds the same approval.
        self.orders.asked(case)


def _cents(amount_usd: float) -> int:
    """Dollars as cents. Raises CannotAct for a part of a cent."""
    cents = Decimal(str(amount_usd)) * 100
    if cents != cents.to_integral_value():
        raise CannotAct(f"{amount_usd} is not a whole number of cents")
    return int(cents)


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; the exit status."""
    parser = command_line(__doc__)
    parser.add_argument("--orders", type=Path, required=True, help="the orders database, a SQLite file")
    options = parser.parse_args(arguments)
    return run(options, lambda client: RefundAgent(client, Orders(options.orders)))


if __name__ == "__main__":
    sys.exit(main())
