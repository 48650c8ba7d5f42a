"""What may share a screen: low with its like, and never high with low (docs/rules.md: D4)."""

from __future__ import annotations

from policies.approval import Approval
from policies.files.policy import Severity
from policies.quorum import total
from policies.routing import Level

MOST_DOUBTS = 2  # more uncertainty factors than these want a look of their own (docs/rules.md: A7)


def simple(approval: Approval) -> bool:
    """Whether it waits for one plain yes or no to something low that can be undone, as its manifest allows (`batch`).

    What an agent itself wants looked at is not simple, whatever its action is.
    """
    policy, request = approval.policy, approval.request
    if not policy.batch or policy.severity is not Severity.LOW or policy.irreversible:
        return False
    if not approval.pending or approval.info_request is not None or approval.level is Level.HUMAN_TAKEOVER:
        return False
    doubted = request.recommended_review or len(request.uncertainty_factors) > MOST_DOUBTS
    return request.kind == "confirm" and total(policy.approvers) == 1 and not doubted


def alike(approval: Approval) -> str | None:
    """What requests on one batch card have in common: action, role, channel and policy. None: it stands alone.

    Not the person: requests go to the least loaded in turn, anybody of the role may decide them, and one screen costs
    one interruption where one for each person asked would cost several (docs/rules.md: A1).
    An urgent request stands alone too: it waits for no other.
    """
    if not simple(approval) or approval.request.urgency == "high":
        return None
    parts = (approval.action, approval.role or "", approval.policy.channel, approval.policy_version)
    return " ".join(parts)


def risk_class(approval: Approval) -> str:
    """Severity and reversibility: requests of one class may share a digest, others never do."""
    policy = approval.policy
    return f"{policy.severity.value} {policy.reversibility.value}"
