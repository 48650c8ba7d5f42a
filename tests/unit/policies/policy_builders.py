"""Manifests, policies and requests for these tests: one harmless base, changed where a test says so."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from policies.files.manifest import Manifest, load_manifest
from policies.files.policy import Policy
from policies.files.roster import Roster, load_roster
from policies.request import Request, read_request

BASE: dict[str, Any] = {
    "title": "Pay somebody",
    "describe": "Pay {{ params.amount_usd | usd }} to {{ params.to }}",
    "severity": "medium",
    "reversible": True,
    "required_role": "finance",
    "escalation_path": ["lead", "board"],
    "amount": "params.amount_usd",
}
SIGNALS_GOOD = {"retrieval_hits": 2, "tool_errored": False, "self_consistency": 0.8, "schema_ok": True}
SIGNALS_BAD = {"retrieval_hits": 1, "tool_errored": False, "self_consistency": 0.79, "schema_ok": False}


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, mappings merged; a change to None takes the key out."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def manifest_text(defaults: dict[str, Any] | None = None, **changes: Any) -> str:
    """The file of one action, `pay`."""
    file: dict[str, Any] = {"version": 1, "actions": {"pay": merged(BASE, changes)}}
    if defaults:
        file["defaults"] = defaults
    return yaml.safe_dump(file, sort_keys=False)


def manifest(defaults: dict[str, Any] | None = None, **changes: Any) -> Manifest:
    """That file, loaded."""
    return load_manifest(manifest_text(defaults, **changes))


def policy(**changes: Any) -> Policy:
    """The policy of `pay`."""
    found = manifest(**changes).policy("pay")
    assert found.known
    return found


def request(**changes: Any) -> Request:
    """A request to pay $80."""
    return read_request(merged({"action": "pay", "params": {"amount_usd": 80, "to": "bob"}}, changes))


def roster(**changes: Any) -> Roster:
    """Two people in finance, one lead, one on the board, one admin, an operations channel."""
    file = {
        "version": 1,
        "roles": {
            "finance": {"members": ["U0ALICE", "U0BOB"]},
            "lead": {"members": ["U0CAROL"]},
            "board": {"members": ["U0DAN"]},
        },
        "admins": ["U0ADMIN"],
        "operations": {"channel": "#ops"},
    }
    return load_roster(yaml.safe_dump(merged(file, changes), sort_keys=False))
