"""What may share a screen: low with its like, and never high with low (docs/rules.md: D4)."""

from __future__ import annotations

from collections.abc import Iterable

from policies.approval import Approval
from policies.digest import fingerprint
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
    """What requests on one batch card have in common: the role, and whether its reviewer may be notified now.

    None: it stands alone. Not the action, agent or session, and not the person: anybody of the role may decide them,
    and one screen costs one interruption where each by itself would cost one (docs/rules.md: A1).
    An urgent request stands alone too: it waits for no other.
    """
    if not simple(approval) or approval.edits or approval.request.urgency == "high":
        return None
    return f"low {'quiet' if approval.hushed else 'told'} {approval.role or ''}"


def line_of(approval: Approval) -> str:
    """What requests that are one line of a batch card have in common: they ask for exactly the same, whoever asks."""
    level = approval.level.value if approval.level else ""
    return fingerprint([approval.action, approval.request.params, approval.policy_version, level])


def lines_of(approvals: Iterable[Approval]) -> list[list[Approval]]:
    """The lines of a batch card, each with the requests that are one, in the order in which they came."""
    found: dict[str, list[Approval]] = {}
    for approval in approvals:
        found.setdefault(line_of(approval), []).append(approval)
    return list(found.values())


def risk_class(approval: Approval) -> str:
    """Severity and reversibility: requests of one class may share a digest, others never do."""
    policy = approval.policy
    return f"{policy.severity.value} {policy.reversibility.value}"
