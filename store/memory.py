"""What the record remembers of requests like one that waits: earlier ones for the same target, and how people decided of late."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, select

from policies import paths
from policies.amounts import aggregate_of, target_of
from policies.approval import Approval
from policies.lifecycle import State
from policies.memory import MOST_DECIDED, MOST_OF_TARGET, REVIEW_WINDOW, TARGET_WINDOW, Memory
from store import handovers
from store.rows import NO_TEST
from store.tables import approvals
from store.unit import Unit

_YES = frozenset(
    {State.APPROVED, State.EDITED, State.CHOSEN, State.ANSWERED}
    | {State.CLAIMED, State.SUCCEEDED, State.FAILED, State.OUTCOME_UNKNOWN}
)
_NEVER_ASKED = ("denied", "blocked", "cancelled")


def remembered(unit: Unit, approval: Approval) -> Memory:
    """Two looks at an index, and one at its own trail where it changed hands, however long the record is."""
    of_target, target = _of_target(unit, approval)
    approved, rejected = _decided(unit, approval)
    return Memory(of_target, target, approved, rejected, handovers.last_handover(unit, approval))


def _of_target(unit: Unit, approval: Approval) -> tuple[int, str]:
    """How many came before it for the same target, and what the manifest calls that."""
    aggregate = aggregate_of(approval.policy, approval.params)
    per = approval.policy.aggregate.per if approval.policy.aggregate else None
    if aggregate is None or per is None or target_of(paths.value_at(per, approval.params)) is None:
        return 0, ""
    earlier = (
        select(approvals.c.id)
        .where(
            approvals.c.action == approval.action,
            approvals.c.aggregate_key == aggregate.key,
            approvals.c.created_at > approval.created_at - TARGET_WINDOW,
            approvals.c.created_at <= approval.created_at,
            approvals.c.id != approval.id,
            approvals.c.state.not_in(_NEVER_ASKED),
            NO_TEST,
        )
        .limit(MOST_OF_TARGET)
    )
    counted = unit.execute(select(func.count()).select_from(earlier.subquery())).scalar_one()
    return int(counted), per.rpartition(".")[2]


def _decided(unit: Unit, approval: Approval) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]:
    """Who approved and who rejected the last of this action, and how many each."""
    rows = unit.execute(
        select(approvals.c.decided_by, approvals.c.state)
        .where(
            approvals.c.action == approval.action,
            approvals.c.decided_by.is_not(None),
            approvals.c.decided_by != "policy",
            approvals.c.decided_at > unit.now - REVIEW_WINDOW,
            NO_TEST,
        )
        .order_by(approvals.c.decided_at.desc())
        .limit(MOST_DECIDED)
    ).all()
    yes = Counter(row.decided_by for row in rows if State(row.state) in _YES)
    no = Counter(row.decided_by for row in rows if State(row.state) is State.REJECTED)
    return tuple(yes.most_common()), tuple(no.most_common())
