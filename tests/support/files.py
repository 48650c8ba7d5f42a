"""The two files an operator writes, made to measure for a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

_FASTEST = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # most tests with a server begin by writing these
ANY_KIND = ["confirm", "choose", "input"]
REFUND: Json = {
    "title": "Refund a customer",
    "describe": "Refund {{ params.amount_usd | usd }} to {{ params.customer }}",
    "severity": "high",
    "reversible": False,
    "required_role": "finance",
    "escalation_path": ["finance_lead"],
    "sla_seconds": 900,
    "approval_timeout_seconds": 3600,
    "amount": "params.amount_usd",
    "conditions": {"auto_approve_below_usd": 50, "always_approve_above_usd": 500, "deny_above_usd": 10000},
    "params_schema": {
        "type": "object",
        "required": ["customer", "amount_usd"],
        "properties": {"customer": {"type": "string"}, "amount_usd": {"type": "number", "minimum": 0}},
    },
    "channel": "#finance",
    "kinds": ANY_KIND,
}
PLAIN: Json = {
    "title": "Change a thing",
    "describe": "Change {{ params.thing }}",
    "severity": "medium",
    "reversible": True,
    "required_role": "finance",
    "sla_seconds": 900,
    "approval_timeout_seconds": 3600,
    "channel": "#finance",
}
ACTIONS: dict[str, Json] = {
    "process_refund": REFUND,
    "change_thing": PLAIN | {"kinds": ANY_KIND},
    "remind": PLAIN | {"severity": "low", "approval_required": False},
    "rotate_key": PLAIN | {"severity": "high", "approval_required": False},
    "suggest": PLAIN | {"severity": "low", "on_timeout": "approve", "approval_timeout_seconds": 300},
    "hold_thing": PLAIN | {"on_timeout": "hold"},
    "climb_thing": PLAIN | {"on_timeout": "escalate", "escalation_path": ["finance_lead"]},
    "pay_twice": PLAIN | {"approvers": 2, "kinds": ANY_KIND},
    "pay_and_ship": PLAIN | {"approvers": {"finance": 1, "engineering": 1}},
}
ROSTER: Json = {
    "version": 1,
    "roles": {
        "finance": {"members": ["U0ALICE", "U0BOB"]},
        "finance_lead": {"members": ["U0CAROL"]},
        "engineering": {"members": ["U0CAROL", "U0DAN"]},
    },
    "people": {"U0ALICE": {"principal": "alice@example.com"}},
    "admins": ["U0ADMIN"],
    "operations": {"channel": "#ops"},
}


def write_manifest(folder: Path, actions: dict[str, Json] | None = None, **defaults: Any) -> Path:
    """`actions.yml` in `folder`; `defaults` may hold `limits` and the like."""
    limits = {"creates_per_minute": 1000, "pending": 500}
    document = {"version": 1, "defaults": {"limits": limits} | defaults, "actions": actions or ACTIONS}
    return _write(folder / "actions.yml", document)


def write_roster(folder: Path, roster: Json | None = None, **changes: Any) -> Path:
    """`reviewers.yml` in `folder`; `changes` replace whole top-level keys."""
    return _write(folder / "reviewers.yml", (roster or ROSTER) | changes)


def _write(path: Path, document: Json) -> Path:
    # As JSON and back: what several actions share is written out, since the loaders take no anchors.
    written = yaml.dump(json.loads(json.dumps(document)), Dumper=_FASTEST, sort_keys=False)
    path.write_text(written, encoding="utf-8")
    return path
