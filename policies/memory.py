"""What is remembered of requests like one that waits, where it helps to decide: from the record, never from the agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from policies.handover import Handover

TARGET_WINDOW, REVIEW_WINDOW = timedelta(hours=24), timedelta(days=7)
MOST_OF_TARGET, MOST_DECIDED = 20, 200  # that are counted; more helps nobody
LEAST_APPROVED = 3  # by one person, before it says anything


@dataclass(frozen=True, slots=True)
class Memory:
    """`of_target` counts earlier requests of this action for the same target within a day; `approved` and `rejected` what people
    decided of this action within a week, each as (user, how many), the most first; `handover` is how it came to whoever is asked."""

    of_target: int = 0
    target: str = ""
    approved: tuple[tuple[str, int], ...] = field(default=())
    rejected: tuple[tuple[str, int], ...] = field(default=())
    handover: Handover | None = None
