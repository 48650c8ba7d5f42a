"""Calls of a customer-service agent, one JSON object a line, and the manifest and roster under which they are asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SAMPLE = Path(__file__).with_name("sample.jsonl")
CHANNEL = "#finance"
AGENTS = 6
REVIEWERS = ("U0ALICE", "U0BOB", "U0CAROL", "U0DAN")
_LOW: Json = {"severity": "low", "reversible": True, "batch": True}
_HIGH: Json = {"severity": "high", "reversible": False}
_EACH: Json = {"required_role": "support", "channel": CHANNEL, "sla_seconds": 3600, "approval_timeout_seconds": 14400}
ACTIONS: dict[str, Json] = {
    "return_delivered_order_items": _LOW
    | {"title": "Return items", "describe": "Return items of {{ params.order_id }}"},
    "exchange_delivered_order_items": _LOW
    | {"title": "Exchange items", "describe": "Exchange items of {{ params.order_id }}"},
    "modify_pending_order_items": _LOW | {"title": "Change items", "describe": "Change items of {{ params.order_id }}"},
    "modify_pending_order_address": _HIGH
    | {"title": "Change the address", "describe": "Send {{ params.order_id }} to {{ params.address1 }}"},
    "modify_pending_order_payment": _HIGH
    | {"title": "Change the payment", "describe": "Charge {{ params.order_id }} to {{ params.payment_method_id }}"},
    "cancel_pending_order": _LOW
    | {"title": "Cancel an order", "describe": "Cancel {{ params.order_id }}: {{ params.reason }}"},
}
MANIFEST = {name: _EACH | action for name, action in ACTIONS.items()}
LIMITS = {"creates_per_minute": 100_000, "pending": 100_000}
ROSTER: Json = {
    "version": 1,
    "roles": {"support": {"members": list(REVIEWERS)}},
    "operations": {"channel": "#ops"},
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an agent's tool."""

    task: int
    action: str
    params: Json
    reason: str

    @property
    def agent(self) -> str:
        """Who makes it: the tasks are dealt out to a few agents."""
        return f"desk-{self.task % AGENTS}"

    @property
    def high(self) -> bool:
        """Whether it is of high severity."""
        return MANIFEST[self.action]["severity"] == "high"


def read(path: Path) -> list[Call]:
    """The calls of a file; those of actions that the manifest does not have are an error."""
    found = []
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if entry["action"] not in MANIFEST:
            raise SystemExit(f"{path}: no such action: {entry['action']}")
        found.append(Call(entry["task"], entry["action"], entry["params"], entry.get("instruction", "")[:300]))
    return found
