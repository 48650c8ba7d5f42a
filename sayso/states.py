"""Every state an approval can be in, as the agent sees it."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an approval stands; `approved`, `pending` and `final` say what an agent may do about it."""

    PENDING = "pending"
    APPROVED = "approved"
    EDITED = "edited"
    CHOSEN = "chosen"
    ANSWERED = "answered"
    REJECTED = "rejected"
    TAKEN_OVER = "taken_over"
    HANDED_BACK = "handed_back"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    DENIED = "denied"
    CLAIMED = "claimed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome_unknown"

    @property
    def pending(self) -> bool:
        """Nobody has decided yet."""
        return self is State.PENDING

    @property
    def approved(self) -> bool:
        """May be claimed now: approved, edited, chosen or answered, and not claimed yet."""
        return self in _APPROVED

    @property
    def final(self) -> bool:
        """Nothing more will happen to it."""
        return self in _FINAL


_APPROVED = frozenset({State.APPROVED, State.EDITED, State.CHOSEN, State.ANSWERED})
_FINAL = frozenset(State) - _APPROVED - {State.PENDING, State.TAKEN_OVER, State.CLAIMED}
