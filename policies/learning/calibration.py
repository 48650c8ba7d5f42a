"""Does confidence mean what it says? For each agent and action by itself: what was stated against what turned out (docs/rules.md: F4).

What an agent says of itself and what its evidence says are two curves. Each case weighs by how it came to be labelled: one of a
random sample stands for all that could have been drawn, one that somebody chose stands for itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from policies.learning import chance
from policies.learning.chance import Measured, measured

LOOK_BACK = timedelta(days=30)
SHOWN_FROM, SUGGESTS_FROM = 10, 20
WORST_ERROR = 0.10
BUCKETS = 10
MOST_WRONG, NOT_SURE = 0.05, 0.10  # what a threshold promises, and how often it may break its promise
_LOWEST = 50  # thresholds are whole hundredths, from 1.00 down to this one


@dataclass(frozen=True, slots=True)
class Case:
    """One outcome that somebody other than the agent knows: how sure the agent was, by its own word and by its evidence.

    `effective` is what policy compared with the threshold. `drawn` is the share of the sample that it was drawn in at
    random; None where somebody chose to label it.
    """

    agent: str
    right: bool
    said: float | None = None
    evidence: float | None = None
    effective: float | None = None
    drawn: float | None = None

    @property
    def weight(self) -> float:
        """How many cases it stands for."""
        return 1.0 if self.drawn is None else 1.0 / self.drawn


@dataclass(frozen=True, slots=True)
class Point:
    """One stated confidence and what came of it, with its weight."""

    stated: float
    right: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """Outcomes whose confidence lay in [low, high): how sure the agent was on average, and how often it was right."""

    low: float
    high: float
    samples: int
    confidence: float
    right: Measured

    @property
    def accuracy(self) -> float:
        """How often it was right."""
        return self.right.rate or 0.0

    @property
    def error(self) -> float:
        """By how much it was too sure; negative where it was right more often than it thought."""
        return round(self.confidence - self.accuracy, 6)

    @property
    def by_chance(self) -> float:
        """How likely an agent that means what it says is right so seldom."""
        return chance.at_most(self.right.hits, self.right.n, self.confidence)


@dataclass(frozen=True, slots=True)
class Threshold:
    """From this confidence on at most MOST_WRONG are wrong, with the certainty 1 - NOT_SURE; from so many cases, so many of them wrong."""

    at: float
    samples: int
    wrong: int

    def __str__(self) -> str:
        return (
            f"with the threshold {self.at:.2f} at most {MOST_WRONG:.0%} are wrong, at {1 - NOT_SURE:.0%} certainty, "
            f"from {self.samples} cases"
        )


@dataclass(frozen=True, slots=True)
class Curve:
    """One agent's confidence of one kind (`said` or `evidence`): all of it in one, and in buckets of 0.1."""

    kind: str
    whole: Bucket
    buckets: tuple[Bucket, ...]

    @property
    def judged(self) -> Iterator[Bucket]:
        """What has enough samples to be judged."""
        return (one for one in (self.whole, *self.buckets) if one.samples >= SUGGESTS_FROM)


@dataclass(frozen=True, slots=True)
class Calibration:
    """One agent with one action. `random` says whether only the random sample counts; else what people chose counts too."""

    agent: str
    random: bool
    curves: tuple[Curve, ...]
    threshold: Threshold | None


def calibrations(cases: Iterable[Case]) -> list[Calibration]:
    """Every agent with enough cases to show, by name."""
    by_agent: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_agent[case.agent].append(case)
    return [_calibration(agent, by_agent[agent]) for agent in sorted(by_agent) if len(by_agent[agent]) >= SHOWN_FROM]


def _calibration(agent: str, cases: Sequence[Case]) -> Calibration:
    counted, random = representative(cases)
    effective = [Point(one.effective, one.right, one.weight) for one in counted if one.effective is not None]
    kinds = {
        "said": [Point(one.said, one.right, one.weight) for one in counted if one.said is not None],
        "evidence": [Point(one.evidence, one.right, one.weight) for one in counted if one.evidence is not None],
    }
    found = tuple(curve(kind, points) for kind, points in kinds.items() if len(points) >= SHOWN_FROM)
    return Calibration(agent, random, found, threshold(effective))


def representative(cases: Sequence[Case]) -> tuple[Sequence[Case], bool]:
    """Only the random ones where those suffice, and whether that is so: what somebody chose says nothing about the rest."""
    drawn = [case for case in cases if case.drawn is not None]
    return (drawn, True) if len(drawn) >= SUGGESTS_FROM else (cases, False)


def curve(kind: str, points: Sequence[Point]) -> Curve:
    """These points in one, and in every bucket with enough samples to show."""
    return Curve(kind, _bucket(0.0, 1.0, points), tuple(buckets(points)))


def buckets(points: Iterable[Point]) -> list[Bucket]:
    """Every bucket with enough samples to show, from low to high."""
    found: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        found[_index(point.stated)].append(point)
    return [
        _bucket(index / BUCKETS, (index + 1) / BUCKETS, found[index])
        for index in sorted(found)
        if len(found[index]) >= SHOWN_FROM
    ]


def _index(confidence: float) -> int:
    # 0.3 * 10 is 2.9999…: a figure on the edge belongs to the bucket that begins there.
    return min(BUCKETS - 1, int(confidence * BUCKETS + 1e-9))


def _bucket(low: float, high: float, members: Sequence[Point]) -> Bucket:
    total = sum(one.weight for one in members)
    stated = sum(one.weight * one.stated for one in members) / total
    return Bucket(low, high, len(members), stated, _right(members))


def _right(members: Iterable[Point]) -> Measured:
    """The weighted share of right ones, told as so many equal cases as know as much."""
    listed = list(members)
    total = sum(one.weight for one in listed)
    equal = total**2 / sum(one.weight**2 for one in listed)
    return measured(sum(one.weight for one in listed if one.right) / total * equal, equal)


def threshold(points: Iterable[Point]) -> Threshold | None:
    """The lowest threshold that keeps its promise; None where none can be shown to.

    Learn-then-Test: from the highest threshold that has enough cases downwards, as long as chance does not explain that so few
    were wrong. Thresholds are fixed in advance and tested in order, so that all of them together break the promise no more often.
    """
    ordered = sorted(points, key=lambda one: -one.stated)
    found, above, taken = None, _Above(), 0
    for hundredth in range(100, _LOWEST - 1, -1):
        while taken < len(ordered) and ordered[taken].stated >= hundredth / 100 - 1e-9:
            above.add(ordered[taken])
            taken += 1
        if not above.enough:
            continue
        if above.by_chance > NOT_SURE:
            break
        found = Threshold(hundredth / 100, above.samples, above.wrong)
    return found


@dataclass(slots=True)
class _Above:
    """What lies above a threshold so far."""

    samples: int = 0
    wrong: int = 0
    total: float = 0.0
    squares: float = 0.0
    missed: float = 0.0

    def add(self, point: Point) -> None:
        self.samples, self.wrong = self.samples + 1, self.wrong + (not point.right)
        self.total, self.squares = self.total + point.weight, self.squares + point.weight**2
        self.missed += 0.0 if point.right else point.weight

    @property
    def enough(self) -> bool:
        """Whether so many cases could show anything, were all of them right."""
        return self.samples > 0 and (1 - MOST_WRONG) ** self._equal <= NOT_SURE

    @property
    def by_chance(self) -> float:
        return chance.at_most(self.missed / self.total * self._equal, self._equal, MOST_WRONG)

    @property
    def _equal(self) -> float:
        return self.total**2 / self.squares


@dataclass(frozen=True, slots=True)
class OwnWord:
    """What one agent labelled of its own work, beside what others know of it: how it ended, and what they labelled."""

    agent: str
    right: int
    right_labelled: int
    wrong: int
    wrong_labelled: int

    @property
    def by_chance(self) -> float:
        """How likely so few of the wrong ones are labelled, did it label whatever comes."""
        return self._chance_of(self.wrong_labelled)

    @property
    def least_by_chance(self) -> float:
        """The same, had it labelled as few of the wrong ones as could be: what so many cases can show at most."""
        return self._chance_of(max(0, self._labelled - self.right))

    @property
    def _labelled(self) -> int:
        return self.right_labelled + self.wrong_labelled

    def _chance_of(self, wrong_labelled: int) -> float:
        return chance.fewer_in_common(wrong_labelled, self._labelled, self.wrong, self.right + self.wrong)

    def __str__(self) -> str:
        return (
            f"{self.agent} labelled {self.right_labelled} of {self.right} that were right, "
            f"and {self.wrong_labelled} of {self.wrong} that were not"
        )
