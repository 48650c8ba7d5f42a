"""Does confidence mean what it says? Stated against what turned out to be true, in buckets of 0.1 (docs/rules.md: F4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

LOOK_BACK = timedelta(days=30)
SHOWN_FROM, SUGGESTS_FROM = 10, 20
WORST_ERROR = 0.10
BUCKETS = 10


@dataclass(frozen=True, slots=True)
class Bucket:
    """Outcomes whose confidence lay in [low, high): how sure the agent was on average, and how often it was right."""

    low: float
    high: float
    samples: int
    confidence: float
    accuracy: float

    @property
    def error(self) -> float:
        """By how much it was too sure; negative where it was right more often than it thought."""
        return round(self.confidence - self.accuracy, 6)


def buckets(outcomes: Iterable[tuple[float, bool]]) -> list[Bucket]:
    """Every bucket with enough samples to show, from low to high, of (confidence, whether it was right)."""
    found: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for confidence, right in outcomes:
        found[_index(confidence)].append((confidence, right))
    return [_bucket(index, found[index]) for index in sorted(found) if len(found[index]) >= SHOWN_FROM]


def _index(confidence: float) -> int:
    # 0.3 * 10 is 2.9999…: a figure on the edge belongs to the bucket that begins there.
    return min(BUCKETS - 1, int(confidence * BUCKETS + 1e-9))


def _bucket(index: int, members: Sequence[tuple[float, bool]]) -> Bucket:
    count = len(members)
    confidence = sum(one for one, _ in members) / count
    return Bucket(index / BUCKETS, (index + 1) / BUCKETS, count, confidence, sum(right for _, right in members) / count)


def higher_threshold(found: Iterable[Bucket], present: float) -> float | None:
    """The threshold to suggest instead of `present`: above every bucket that lets too much through; None where all is well."""
    bad = [one.high for one in found if one.samples >= SUGGESTS_FROM and one.error > WORST_ERROR and one.high > present]
    return max(bad, default=None)
