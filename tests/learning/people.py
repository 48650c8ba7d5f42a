"""Simulated reviewers: who only stamps, and who looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from policies.learning.stamping import Act, habits
from tests.learning.figures import Figure

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def figures(scale: float) -> Iterator[Figure]:
    """Everything that is promised of stamping."""
    seeds = max(20, round(1000 * scale))
    stampers: dict[str, Callable[[Random], list[Act]]] = {
        "comes back after minutes and says yes to all that waits": _batches,
        "200 yes at once and one no": _with_a_no,
        "says yes to each card as it comes": lambda random: _one_by_one(random, 60, lambda: random.uniform(0.8, 4.0)),
    }
    careful: dict[str, Callable[[Random], list[Act]]] = {
        "reads each card for half a minute": lambda random: _one_by_one(
            random, 200, lambda: random.lognormvariate(3.4, 0.7)
        ),
        "is quick: ten seconds a card": lambda random: _one_by_one(
            random, 200, lambda: random.lognormvariate(2.3, 0.6)
        ),
        "lets cards wait for hours, then reads one after another": _late_and_slow,
        "ticks ten in a batch after reading it": _in_batches,
        "is quick with what is routine, two in five, and says no now and then": _sorts,
    }
    for what, acts in stampers.items():
        yield Figure(f"stamper marked: {what}", _marked(acts, seeds), seeds, at_least=0.95)
    for what, acts in careful.items():
        yield Figure(f"careful one marked: {what}", _marked(acts, seeds), seeds, at_most=0.02)


def _marked(acts: Callable[[Random], list[Act]], seeds: int) -> int:
    return sum(
        any(one.rubber for _, one in habits("U0BOB", acts(Random(seed)), lambda action: (action,)))
        for seed in range(seeds)
    )


def _act(at: datetime, seen: datetime, verb: str = "approve") -> Act:
    return Act("pay", verb, at, seen)


def _batches(random: Random) -> list[Act]:
    """Five times: ten cards came over half an hour; all are tapped within seconds."""
    acts, now = [], NOON
    for _ in range(5):
        now += timedelta(minutes=random.uniform(40, 90))
        shown = sorted(now - SECOND * random.uniform(60, 1800) for _ in range(10))
        for seen in shown:
            now += SECOND * random.uniform(0.8, 3.0)
            acts.append(_act(now, seen))
    return acts


def _with_a_no(random: Random) -> list[Act]:
    acts, now, no = [], NOON, random.randrange(201)
    for number in range(201):
        now += SECOND * random.uniform(0.8, 4.0)
        acts.append(_act(now, NOON - timedelta(minutes=30), "reject" if number == no else "approve"))
    return acts


def _one_by_one(random: Random, count: int, look: Callable[[], float]) -> list[Act]:
    acts, now = [], NOON
    for _ in range(count):
        seen = now + SECOND * random.expovariate(1 / 120)
        now = seen + SECOND * look()
        acts.append(_act(now, seen, "reject" if random.random() < 0.02 else "approve"))
    return acts


def _late_and_slow(random: Random) -> list[Act]:
    acts, now = [], NOON
    for _ in range(4):
        now += timedelta(hours=random.uniform(2, 5))
        for _ in range(15):
            now += SECOND * random.lognormvariate(3.2, 0.6)
            acts.append(_act(now, now - timedelta(hours=2)))
    return acts


def _in_batches(random: Random) -> list[Act]:
    """One tap decides ten, which reach the database some hundredths of a second apart."""
    acts, now = [], NOON
    for _ in range(12):
        now += SECOND * random.uniform(90, 400)
        for number in range(10):
            acts.append(_act(now + SECOND * 0.03 * number, now - SECOND * random.uniform(90, 900)))
    return acts


def _sorts(random: Random) -> list[Act]:
    def look() -> float:
        return random.uniform(2, 5) if random.random() < 0.4 else random.lognormvariate(3.5, 0.6)

    return _one_by_one(random, 150, look)
