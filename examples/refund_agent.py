"""A refund agent: reads complaints in an orders database, asks before it acts, and does each thing once.

    python examples/refund_agent.py work   --orders orders.db      asks, then exits
    python examples/refund_agent.py resume --orders orders.db      a new process: acts on what was decided

`--orders` names a SQLite file, made with sample data where it is missing. SAYSO_URL, SAYSO_TOKEN and
SAYSO_STATE_DIR say where to ask, as whom, and where to remember it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from answering import to_the_point
from orders import Case, Deed, NotAllowed, Orders, dollars
from resumable import CannotAct, ResumableAgent, command_line, run

from sayso import AgentSession, Approval, Grant, Sayso
from sayso.states import State

ATTEMPTS = 2
GONE = "Money that is paid out does not come back."


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer may want, and how the agent asks for it. `instead` is what else could be done, `risk` what can go wrong."""

    action: str
    reason: str
    done: str
    risk: str = GONE
    instead: str = ""
    pays: bool = True
    urgency: str = "normal"
    question: dict[str, Any] = field(default_factory=dict)


WISHES = {
    "refund": Wish("process_refund", "The claim is what was paid.", "refunded", instead="Offer an exchange"),
    "refund_today": Wish(
        "process_urgent_refund",
        "The bank takes today's payments for a few minutes more; tomorrow the trip is over.",
        "refunded",
        instead="Pay tomorrow",
        urgency="high",
    ),
    "close_account": Wish(
        "close_account", "The customer asks for it in writing.", "closed", "An account cannot be restored.", pays=False
    ),
    "archive": Wish(
        "archive_complaint",
        "It is settled, and nobody wrote for three months.",
        "archived",
        "Nothing is lost: it can be opened again.",
        pays=False,
    ),
    "compensation": Wish(
        "pay_compensation", "It is more than one person may pay.", "paid in compensation", instead="Offer a voucher"
    ),
    "voucher": Wish("send_voucher", "A voucher says sorry.", "sent as a voucher", "Until it is used it can be taken back."),
    "shipping": Wish(
        "refund_shipping", "It came later than promised.", "of shipping refunded", "It can be charged again.",
        instead="Offer a voucher",
    ),
    "settle": Wish(
        "settle_complaint",
        "The customer leaves it to us.",
        "settled",
        "The customer is told at once.",
        pays=False,
        question={
            "kind": "choose",
            "question": "How shall I settle it?",
            "choices": [
                {"id": "repair", "label": "Repair it", "detail": "two weeks, free of charge"},
                {"id": "exchange", "label": "Exchange it", "detail": "a new one goes out today"},
            ],
        },
    ),
    "reply": Wish(
        "draft_reply",
        "I do not know, and will not guess.",
        "drafted",
        "It is a draft: a colleague reads it before it goes out.",
        pays=False,
        question={"kind": "input", "question": "What shall I write?"},
    ),
}  # fmt: skip


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
        wish = WISHES[context["wish"]]
        decided = grant.approval.decision
        deed = Deed(
            grant.params["order_id"],
            _told(grant, wish),
            _cents(grant.params.get("amount_usd", 0)),
            grant.idempotency_key,
            context["case_id"],
            grant.approval.id,
            (decided.by if decided else None) or "unknown",
        )
        try:
            refund = context["wish"] in ("refund", "refund_today")
            entry = self.orders.record(deed, grant.params["customer"], within=refund)
        except NotAllowed as problem:
            raise CannotAct(str(problem)) from None
        changed = f" instead of {context['asked']}" if grant.edited else ""
        amount = f"{dollars(deed.cents)} " if wish.pays else ""
        return f"{amount}{deed.what}{changed} (ledger entry {entry})"

    def roll_back(self, approval: Approval) -> str:
        """Take the ledger row back."""
        taken = self.orders.take_back(approval.id)
        return "the ledger row is taken back" if taken else "there was nothing to take back any more"

    def story(self, context: Mapping[str, Any]) -> AgentSession:
        """One for each customer: what one of them wants is one story, and two of them have nothing to do with each other."""
        customer = self.orders.case(context["case_id"]).customer
        return self.client.session(f"complaints-of-{customer}", f"Complaints of {customer}")

    def explain(self, question: str, context: Mapping[str, Any]) -> str:
        """What the orders database knows of what was asked."""
        return to_the_point(question, self._facts(self.orders.case(context["case_id"])))

    def accept(self, approval: Approval, context: Mapping[str, Any]) -> None:
        """Close the complaint with what people or policy said; what nobody decided is asked once more."""
        again = approval.state is State.EXPIRED and context["attempt"] < ATTEMPTS
        state = "new" if again else approval.state.value
        self.orders.close(context["case_id"], state, approval.feedback or approval.state.value)

    def failed(self, why: str, context: Mapping[str, Any]) -> None:
        """Leave the complaint to a person."""
        self.orders.close(context["case_id"], "failed", why)

    def _facts(self, case: Case) -> dict[str, str]:
        wish, refunded = WISHES[case.wish], self.orders.refunded(case.order_id)
        others = [one for one in self.orders.ledger() if one.customer == case.customer and not one.taken_back]
        claimed = f"{dollars(case.claimed_cents)}; " if wish.pays else ""
        return {
            "risk": wish.risk,
            "amount": f"{claimed}{dollars(case.paid_cents)} were paid for order {case.order_id}, "
            f"{dollars(refunded)} of it came back so far.",
            "before": f"{case.customer} is in the ledger {len(others)} times, order {case.order_id} "
            f"{sum(one.order_id == case.order_id for one in others)} times.",
            "who": f"The customer is {case.customer}.",
            "why": f"{wish.reason} The customer writes: {case.complaint}",
            "when": f"Order {case.order_id} is of {case.ordered_on}.",
            "what": f"Order {case.order_id} is: {case.item}.",
            "instead": f"Instead I could: {wish.instead}." if wish.instead else "I know no other way.",
        }

    def _ask_about(self, case: Case) -> None:
        wish = WISHES[case.wish]
        params: dict[str, Any] = {"order_id": case.order_id, "customer": case.customer}
        if wish.pays:
            whole, cents = divmod(case.claimed_cents, 100)
            params["amount_usd"] = case.claimed_cents / 100 if cents else whole  # as people write it
        context = {
            "about": f"order {case.order_id}",
            "wish": case.wish,
            "case_id": case.id,
            "attempt": case.attempts + 1,
            "asked": dollars(case.claimed_cents),
        }
        self.ask(
            wish.action,
            params,
            f"case-{case.id}-{case.attempts + 1}",
            context,
            reason=f"{wish.reason} The customer writes: {case.complaint}",
            completed_steps=["read the complaint", f"found order {case.order_id}", "looked it up in the ledger"],
            risks=[wish.risk],
            alternatives=[wish.instead] if wish.instead else [],
            expected_outcome=f"{dollars(case.claimed_cents)} go to {case.customer}, once." if wish.pays else "",
            # Complaint, order and ledger were found. Whether a complaint is settled, the agent can only suppose.
            evidence={} if case.wish == "archive" else {"retrieval_hits": 3, "schema_ok": True, "tool_errored": False},
            urgency=wish.urgency,
            **wish.question,
        )
        # Only now: a process that dies before this line asks again, under the same key, and finds the same approval.
        self.orders.asked(case)


def _told(grant: Grant, wish: Wish) -> str:
    """What is done, in words; with what a person chose or wrote."""
    said = grant.choice if grant.choice is not None else grant.answer
    return wish.done if said is None else f"{wish.done}: {said}"


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
