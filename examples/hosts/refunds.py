"""What the agents of these examples do: pay a refund, which here is a line in `refunds.txt`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

QUESTION = "Order 17 arrived crushed: refund Ann what she paid."
WANTED: dict[str, Any] = {"order_id": 17, "customer": "ann@example.com", "amount_usd": 480}
REASON = "The parcel arrived crushed."


def pay_out(order_id: int, customer: str, amount_usd: float) -> str:
    """Pay, and give the receipt."""
    with Path(os.environ.get("REFUNDS", "refunds.txt")).open("a", encoding="utf-8") as ledger:
        ledger.write(json.dumps([order_id, customer, amount_usd]) + "\n")
    return f"refunded ${amount_usd:g} to {customer}"
