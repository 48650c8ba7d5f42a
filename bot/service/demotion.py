"""Autonomy falls by itself, at once: by two failures or incidents within 24 h, or by the sequential preset's tests (docs/rules.md: F7)."""

from __future__ import annotations

from typing import Any

from bot.service import notices, standing_ends
from bot.service.context import Context
from policies import autonomy
from policies.approval import Approval
from policies.files.policy import Policy
from policies.files.tightening import Ratchet
from policies.levels import Level
from policies.lifecycle import State
from policies.messages import AlertFacts, Cause, Lasting
from store import history, turns


def after_result(ctx: Context, approval: Approval) -> dict[str, Any]:
    """Take a level from the agent where this failure costs one; what the audit adds to the result's row.

    Silence after a claim is a failure too.
    """
    failed = approval.state in (State.FAILED, State.OUTCOME_UNKNOWN)
    return _after_failure(ctx, approval) if failed else {}


def after_label(ctx: Context, approval: Approval, word: str) -> dict[str, Any]:
    """The same where somebody says later that what succeeded was an incident (docs/rules.md: F2)."""
    wrong = word == "incident" and approval.state is State.SUCCEEDED
    return _after_failure(ctx, approval) if wrong else {}


def _after_failure(ctx: Context, approval: Approval) -> dict[str, Any]:
    policy = ctx.manifest.policy(approval.action)
    by_rate = policy.ratchet is Ratchet.SEQUENTIAL
    if policy.autonomy is None and not by_rate:
        return {}
    turns.take_for_ratchet(ctx.unit, approval.agent_id, policy.action)
    lost = history.demotion(ctx.unit, approval.agent_id, policy.action)
    read = history.newest_outcomes if by_rate else history.outcomes
    outcomes = read(ctx.unit, approval.agent_id, policy.action)
    level = autonomy.fallen(policy, approval.agent, lost, outcomes=outcomes, now=ctx.now)
    if level is None:
        return {}
    history.demote(ctx.unit, approval, level)
    standing_ends.after_failure(ctx, approval.agent_id, policy.action)
    _tell(ctx, approval, policy, level)
    return {"demoted_to": level.value}


def _tell(ctx: Context, approval: Approval, policy: Policy, level: Level) -> None:
    if policy.ratchet is Ratchet.SEQUENTIAL:
        what = f"{approval.agent} had a grave incident, or fails too often, with {approval.action}"
    else:
        what = f"{approval.agent} failed {autonomy.FAILURES_TO_FALL} times within 24 h with {approval.action}"
    rule = f"{what}, incidents and silence after a claim included"
    after = f"from now on at least {level.value}" if policy.autonomy else "for 24 h a person takes over"
    back = " The owner gives it back in the manifest (autonomy)." if policy.autonomy else ""
    title = "An agent lost a level"
    cause = Cause(Lasting.DEMOTED, (approval.agent_id, approval.agent, approval.action, level.value))
    notices.operations(ctx, f"demoted:{approval.id}", AlertFacts(title, f"{rule}: {after}.{back}"), approval, cause)
