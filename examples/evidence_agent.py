"""A refund agent that measures its own work, and sends what it measured instead of its word.

    SAYSO_URL=… SAYSO_TOKEN=… python examples/evidence_agent.py

The manifest says what evidence is worth; with this action a refund that stands on three good signals runs by itself:

    process_refund: {…, severity: low, reversible: true, thresholds: {auto_approve_confidence: 0.9}}

It decides each case three times, checks the decision against a schema, keeps whether its tools failed, counts its sources, and reads
the model's own assessment; the rest waits for a person. A script plays the model; put yours into `answers`. A refund is a line
in `refunds.txt`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sayso import NotApproved, Sayso, evidence

SCHEMA = {
    "type": "object",
    "required": ["customer", "amount_usd"],
    "properties": {"customer": {"type": "string"}, "amount_usd": {"type": "number", "exclusiveMinimum": 0}},
}
PAYMENTS = {17: [{"id": "payment-17"}, {"id": "parcel-17"}], 18: []}
SURE = '{"confidence": 0.97, "basis": "the payment and the photo agree", "uncertainties": []}'
UNSURE = '{"confidence": 0.6, "basis": "the letter", "uncertainties": ["no payment was found"]}'
CASES: dict[int, tuple[dict[str, Any], list[str], str]] = {
    17: ({"customer": "ann@example.com", "amount_usd": 48}, ["refund", "Refund", "refund"], SURE),
    18: ({"customer": "bob@example.com", "amount_usd": 480}, ["refund", "refuse", "ask back"], UNSURE),
}


def answers(order: int) -> tuple[dict[str, Any], list[str], str]:
    """What the model wants done, the same question asked three times, and how sure it says it is (`evidence.ASSESS`)."""
    return CASES[order]


def look_up(order: int) -> list[dict[str, str]]:
    """The agent's tool: what is known of an order."""
    if not PAYMENTS[order]:
        raise LookupError(f"no payment for order {order}")
    return PAYMENTS[order]


def measured(order: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The refund that is wanted, and the signals about it."""
    tools = evidence.Tools()
    try:
        sources = tools.watch(look_up)(order)
    except LookupError:
        sources = []  # the agent goes on without; that it failed is kept
    params, samples, said = answers(order)
    return params, evidence.signals(
        samples=samples, value=params, schema=SCHEMA, tools=tools, sources=sources, assessment=said
    )


def pay_out(customer: str, amount_usd: float) -> str:
    """Pay, and give the receipt."""
    with Path("refunds.txt").open("a", encoding="utf-8") as ledger:
        ledger.write(json.dumps([customer, amount_usd]) + "\n")
    return f"refunded ${amount_usd:g} to {customer}"


def main() -> None:
    """Ask about both cases, then pay what was granted."""
    with Sayso() as sayso:
        for order in CASES:
            params, signals = measured(order)
            print(f"order {order}: {json.dumps(signals['evidence'])}")
            asked = sayso.ask("process_refund", params, session_id="evidence", step=f"order-{order}", **signals)
            try:
                with sayso.execute(sayso.wait(asked)) as grant:
                    print(pay_out(**grant.params))
            except NotApproved as refused:
                print(refused.feedback)


if __name__ == "__main__":
    main()
