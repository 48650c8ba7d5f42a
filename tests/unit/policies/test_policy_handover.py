"""What the trail says of how a request came to whoever is asked now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from policies.approval import Seat, Vote
from policies.handover import TIME_IS_UP, Handover, handover_of
from tests.unit.cards.samples import NOW, approval

MOVED = replace(approval(), assignee="U0BOB", asked=("U0ALICE", "U0BOB"))
LATE = {"event": "reassigned", "actor": "system", "decision": "U0BOB", "rationale": f"finance, 0 open; {TIME_IS_UP}"}
BY_HAND = {"event": "escalated", "actor": "U0ALICE", "decision": "pending", "rationale": "Too odd"}


def test_time_that_was_up_names_who_let_it_lie() -> None:
    """The sweep's last move names the last who was asked, said nothing, and is not asked now."""
    assert handover_of(MOVED, [LATE]) == Handover(late="U0ALICE")
    seated = replace(MOVED, asked=("U0ALICE", "U0BOB", "U0CAROL"), seats=(Seat("legal", "U0CAROL"),))
    assert handover_of(seated, [LATE]) == Handover(late="U0ALICE")
    voted = replace(MOVED, votes=(Vote("U0ALICE", "finance", NOW),))
    assert handover_of(voted, [LATE]) is None


def test_who_passed_it_on_is_named_with_their_words() -> None:
    """A person's hand comes with their note; an admin who deals cards out anew says nothing of this one."""
    assert handover_of(MOVED, [BY_HAND]) == Handover(by="U0ALICE", note="Too odd")
    dealt = {"event": "reassigned", "actor": "U0ADMIN", "decision": "U0BOB", "rationale": "finance, 0 open"}
    assert handover_of(MOVED, [dealt]) == Handover(by="U0ADMIN")


def test_only_the_last_move_counts() -> None:
    """What happened beside it is passed over, and what came before it is past."""
    beside: list[dict[str, Any]] = [
        {"event": "reminded", "actor": "system", "rationale": "75 % of the SLA"},
        {"event": "escalated", "actor": "system", "decision": "U0BOB", "rationale": "nobody is left"},
    ]
    assert handover_of(MOVED, [*beside, BY_HAND, LATE]) == Handover(by="U0ALICE", note="Too odd")
    assert handover_of(MOVED, [*beside, LATE, BY_HAND]) == Handover(late="U0ALICE")
    assert handover_of(MOVED, beside) is None
    assert handover_of(MOVED, [LATE | {"decision": "U0CAROL"}]) is None
