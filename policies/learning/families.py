"""Several questions at once: which answers stand, when any wrong one among them may happen in so many cases only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

K = TypeVar("K")


def standing(chances: Mapping[K, float], most: float) -> set[K]:
    """Those that chance does not explain, all together: where none is real, one is named with probability `most` at most.

    `chances` says of each how likely chance alone is to look like that. Hommel's test: it holds for independent questions
    and for such that go together, and finds what Bonferroni and Holm find, and more.
    """
    ordered = sorted(chances.values())
    size = next((size for size in range(len(ordered), 0, -1) if _all_by_chance(ordered[-size:], most)), 0)
    return {key for key, chance in chances.items() if chance <= (most / size if size else most)}


def _all_by_chance(worst: list[float], most: float) -> bool:
    size = len(worst)
    return all(chance > rank * most / size for rank, chance in enumerate(worst, 1))
