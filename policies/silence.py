"""What silence means and when it speaks: the one place that says so (docs/rules.md: B4)."""

from __future__ import annotations

from policies.approval import Approval
from policies.files.policy import OnTimeout, Policy, harmless
from policies.hidden import hidden_of
from policies.levels import Level


def consents(policy: Policy, level: Level | None) -> bool:
    """Whether silence can approve anything at this level.

    Only a soft approval of a slight and reversible action whose manifest says so: the loader refuses any other such line,
    and this refuses it again.
    """
    declared = policy.on_timeout is OnTimeout.APPROVE and level is Level.SOFT_APPROVAL
    return declared and harmless(policy.severity, policy.reversibility)


def approves(approval: Approval) -> bool:
    """Whether nobody's objection in time approves it: only where people could read all of it.

    What a pattern hid, nobody has seen.
    """
    return consents(approval.policy, approval.level) and not hidden_of(approval).by_pattern


def means(policy: Policy, level: Level | None) -> OnTimeout:
    """What silence means at this level: what the manifest says, and no where its yes would not count."""
    said = policy.on_timeout
    return OnTimeout.DENY if said is OnTimeout.APPROVE and not consents(policy, level) else said


def at_expiry(approval: Approval) -> OnTimeout:
    """What silence means for this approval."""
    meaning = means(approval.policy, approval.level)
    return OnTimeout.DENY if meaning is OnTimeout.APPROVE and not approves(approval) else meaning


def speaks_after(policy: Policy, level: Level | None) -> int | None:
    """Seconds until silence speaks; None where it never does."""
    if policy.on_timeout is OnTimeout.HOLD:
        return None
    return policy.soft_timeout_seconds if level is Level.SOFT_APPROVAL else policy.hard_timeout_seconds
