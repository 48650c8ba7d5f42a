"""When silence is a yes: the one place that says so (docs/rules.md: B4)."""

from __future__ import annotations

from policies.approval import Approval
from policies.files.policy import OnTimeout, Reversibility, Severity
from policies.hidden import hidden_of
from policies.levels import Level


def consents(approval: Approval) -> bool:
    """Whether nobody's objection in time approves it.

    Only a soft approval of a slight and reversible action whose manifest says so (the loader refuses any other such line,
    and this refuses it again), and only where people could read all of it: what a pattern hid, nobody has seen.
    """
    policy = approval.policy
    if approval.level is not Level.SOFT_APPROVAL or policy.on_timeout is not OnTimeout.APPROVE:
        return False
    harmless = policy.severity is Severity.LOW and policy.reversibility is Reversibility.REVERSIBLE
    return harmless and not hidden_of(approval).by_pattern
