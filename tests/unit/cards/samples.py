"""Approvals to draw: one ordinary refund, and whatever a test changes of it."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.acts.registry import named
from policies.approval import Approval, Decided, Decision
from policies.chain import Link
from policies.deadlines import Clock
from policies.digest import digest_of
from policies.files.manifest import Manifest, load_manifest
from policies.files.policy import Policy
from policies.lifecycle import State
from policies.principals import of_old
from policies.request import read_request
from policies.routing import Level, RouteName
from policies.sentences import sentence

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
MANIFEST = """
version: 1
actions:
  process_refund:
    title: Refund a customer
    describe: "Refund {{ params.amount_usd | usd }} to {{ params.customer }}"
    severity: high
    reversible: false
    tags: [financial]
    required_role: finance
    escalation_path: [finance_lead]
    amount: params.amount_usd
    redact: [params.card_number]
    confirm_amount_above_usd: 100000
    params_schema:
      type: object
      required: [customer, amount_usd]
      properties:
        customer: {type: string, minLength: 1}
        amount_usd: {type: number, minimum: 0}
        currency: {enum: [USD, EUR]}
        notify: {type: boolean}
        lines: {type: array}
        meta: {type: object}
        card_number: {type: string}
  delete_branch:
    title: Delete a git branch
    describe: "Delete the branch {{ params.branch }}"
    severity: medium
    reversibility: partially_reversible
    required_role: engineering
  tidy:
    title: Tidy up
    describe: "Tidy {{ params.what }}"
    severity: low
    reversible: true
    batch: true
    required_role: engineering
"""
REFUND = {"customer": "alice@x.com", "amount_usd": 4800, "order_id": "A-1009"}


def policy(name: str = "process_refund", **changed: Any) -> Policy:
    """A policy of the sample manifest with some fields changed."""
    found = _manifest().policy(name)
    assert found.known
    return found.model_copy(update=changed)


@functools.cache
def _manifest() -> Manifest:
    return load_manifest(MANIFEST)


def approval(
    params: dict[str, Any] | None = None,
    *,
    action: str = "process_refund",
    request: dict[str, Any] | None = None,
    rules: dict[str, Any] | None = None,
    **changed: Any,
) -> Approval:
    """A pending approval; `request` and `rules` change the request body and the policy, the rest the approval."""
    params = REFUND if params is None else params
    asked = read_request({"action": action, "params": params, "reason": "The parcel was lost.", **(request or {})})
    known = policy(action, **(rules or {}))
    found = Approval(
        id="01JV8Q3ZK4W5T6Y7X8R9S0ABCD",
        agent_id="agent-1",
        agent="refund-bot",
        request=asked,
        params=params,
        sentence=sentence(known.describe, known.title, params),
        state=State.PENDING,
        version=3,
        level=Level.HARD_APPROVAL,
        route=RouteName.ASK,
        why=("$4,800 is above $500 (always_approve_above_usd)", "the action is irreversible"),
        digest=digest_of(
            approval_id="01JV8Q3ZK4W5T6Y7X8R9S0ABCD",
            agent="refund-bot",
            action=action,
            params=params,
            policy_version="0f3a9c1b2d4e",
            expires_at=None,
        ),
        policy=known,
        policy_version="0f3a9c1b2d4e",
        principals=of_old(asked.on_behalf_of),
        chain=(Link(asked.delegated_from),) if asked.delegated_from else (),
        created_at=NOW,
        updated_at=NOW,
        clock=Clock(due_at=NOW + timedelta(minutes=15), expires_at=NOW + timedelta(hours=1)),
        expires_at=NOW + timedelta(hours=1),
        assignee="U0ALICE",
        role=known.role,
        reached_roles=(known.role,),
        asked=("U0ALICE",),
        assigned_why="fewest open of 2 in finance",
    )
    return replace(found, **changed)


def decided(state: State, kind: Decided, by: str = "U0BOB", **more: Any) -> Approval:
    """An approval in a state that somebody brought about."""
    fields = {name: more.pop(name) for name in ("note", "choice", "answer", "human_steps") if name in more}
    decision = Decision(kind=kind, by=by, at=NOW + timedelta(minutes=2), latency_ms=120_000, **fields)
    return approval(state=state, decision=decision, **more)


FULL_REQUEST: dict[str, Any] = {
    "reason": "The parcel was lost twice and the customer asked for the money back.",
    "risks": ["The parcel may still arrive", "Refund twice"],
    "alternatives": ["Send it again"],
    "expected_outcome": "The customer has the money within 3 days.",
    "completed_steps": ["Looked up the order", "Asked the carrier"],
    "evidence": {"retrieval_hits": 3, "tool_errored": False, "self_consistency": 0.72, "schema_ok": True},
    "confidence": 0.93,
    "confidence_basis": "The carrier confirmed the loss",
    "uncertainty_factors": ["The second parcel is not traced"],
    "on_behalf_of": "carol@example.com",
    "delegated_from": "support-desk",
}


def read(verb: str, state: dict[str, Any], found: Approval | None = None) -> Any:
    """What is read of the form of an act."""
    act = named(verb)
    assert act is not None
    assert act.read is not None
    return act.read(state, lambda: found or approval())
