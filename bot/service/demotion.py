"""Autonomy falls by itself: two failures or incidents within 24 h cost an agent a level of that action, at once (docs/rules.md: F7)."""

from __future__ import annotations

from typing import Any

from bot.service import notices
from bot.service.context import World
from policies import autonomy
from policies.approval import Approval
from policies.levels import Level
from policies.lifecycle import State
from store import history, turns
from store.unit import Unit


def after_result(world: World, unit: Unit, approval: Approval) -> dict[str, Any]:
    """Take a level from the agent where this failure costs one; what the audit adds to the result's row.

    Silence after a claim is a failure too.
    """
    failed = approval.state in (State.FAILED, State.OUTCOME_UNKNOWN)
    return _after_failure(world, unit, approval) if failed else {}


def after_label(world: World, unit: Unit, approval: Approval, word: str) -> dict[str, Any]:
    """The same where somebody says later that what succeeded was an incident (docs/rules.md: F2)."""
    wrong = word == "incident" and approval.state is State.SUCCEEDED
    return _after_failure(world, unit, approval) if wrong else {}


def _after_failure(world: World, unit: Unit, approval: Approval) -> dict[str, Any]:
    policy = world.book.manifest.policy(approval.action)
    if policy is None or policy.autonomy is None:
        return {}
    turns.take_for_ratchet(unit, approval.agent_id, policy.action)
    lost = history.demotion(unit, approval.agent_id, policy.action)
    outcomes = history.outcomes(unit, approval.agent_id, policy.action)
    level = autonomy.fallen(policy.autonomy, approval.agent, lost, outcomes, unit.now)
    if level is None:
        return {}
    history.demote(unit, approval, level)
    _tell(world, unit, approval, level)
    return {"demoted_to": level.value}


def _tell(world: World, unit: Unit, approval: Approval, level: Level) -> None:
    what = f"{approval.agent} failed {autonomy.FAILURES_TO_FALL} times within 24 h with {approval.action}"
    rule = f"incidents and silence after a claim included: from now on at least {level.value}"
    text = f"{what}, {rule}. The owner gives it back in the manifest (autonomy)."
    title = "An agent lost a level"
    notices.operations(world, unit, f"demoted:{approval.id}", "alert", approval, title=title, text=text)
