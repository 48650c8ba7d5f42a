"""Whether what several clients saw can have happened one call after another (Wing and Gong's search, memoised). Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.model import Model, Op, answers

FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Call:
    """A call with the moments between which it took effect; without an answer it may have, at any time, or never."""

    op: Op
    begun: float
    ended: float = FOREVER
    answer: str | None = None


def linearizable(calls: Sequence[Call], start: Model) -> bool:
    """Whether some order that respects real time explains every answer."""
    seen: set[tuple[int, Model]] = set()
    waiting = [(0, start)]
    everything = sum(1 << index for index, call in enumerate(calls) if call.answer is not None)
    while waiting:
        done, model = waiting.pop()
        if done & everything == everything:
            return True
        if (done, model) in seen:
            continue
        seen.add((done, model))
        waiting.extend(_nexts(calls, done, model))
    return False


def _nexts(calls: Sequence[Call], done: int, model: Model) -> list[tuple[int, Model]]:
    left = [index for index in range(len(calls)) if not done >> index & 1]
    horizon = min(calls[index].ended for index in left)
    return [
        (done | 1 << index, after)
        for index in left
        if calls[index].begun <= horizon
        for answer, after in answers(model, calls[index].op)
        if calls[index].answer in (None, answer)
    ]


def overlapping(calls: Sequence[Call]) -> bool:
    """Whether any two calls were under way at once."""
    ordered = sorted(calls, key=lambda call: call.begun)
    return any(later.begun < earlier.ended for earlier, later in itertools.pairwise(ordered))
