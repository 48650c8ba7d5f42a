"""That something was asked before, and what became of it: what is kept with the later request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class What(StrEnum):
    """What became of an earlier request, or that it still waits."""

    REJECTED = "rejected"
    UNDONE = "undone"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    BY_HAND = "by_hand"
    OPEN = "open"


NO = frozenset({What.REJECTED, What.UNDONE})


@dataclass(frozen=True, slots=True)
class Earlier:
    """One earlier request that a later one repeats.

    `by` is who decided, or who it waits for; `named` what they are called where a message must not mention them.
    `differs` are the paths in which it is not the same; none where only the spelling is another. `agent` is empty where
    it was the same one.
    """

    id: str
    what: What
    at: datetime
    agent: str = ""
    by: str | None = None
    named: str | None = None
    note: str | None = None
    role: str | None = None
    session_id: str | None = None
    differs: tuple[str, ...] = ()
    more: bool = False  # than what is asked now, by the amount

    @property
    def no(self) -> bool:
        """Whether a person said no to it."""
        return self.what in NO


@dataclass(frozen=True, slots=True)
class Again:
    """That a request was asked before: `earlier` are the ones to tell of, what was refused first, newest first.

    Of `role` only `reviewers`, who said no, are asked again; nobody is bound where there are none.
    """

    earlier: tuple[Earlier, ...] = ()
    role: str | None = None
    reviewers: tuple[str, ...] = ()

    @property
    def noes(self) -> tuple[Earlier, ...]:
        """What a person said no to, newest first."""
        return tuple(one for one in self.earlier if one.no)

    @property
    def withdrawn(self) -> Earlier | None:
        """The newest that the agent itself cancelled."""
        return next((one for one in self.earlier if one.what is What.CANCELLED), None)
