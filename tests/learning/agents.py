"""Simulated agents at work: whom the sequential preset promotes and demotes, and how soon."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from policies import sequential
from tests.learning.figures import Figure

A_DAY, FORTNIGHT = 100, 14
EXECUTIONS = 2000  # of those who want a level: many times what the test needs


def figures(scale: float) -> Iterator[Figure]:
    """Everything that is promised of the ratchet."""
    seeds = max(20, round(1000 * scale))
    for rate, goal in ((0.90, {"at_most": 0.0}), (0.95, {"at_most": 0.02}), (0.99, {"at_least": 0.90})):
        promoted = sum(sequential.proven(_works(rate, EXECUTIONS, seed)) for seed in range(seeds))
        yield Figure(
            f"promotion proposed within {EXECUTIONS} executions, true rate {rate:.2f}", promoted, seeds, **goal
        )
    for a_day in (10, A_DAY, 1000):
        some = seeds if a_day <= A_DAY else max(20, seeds // 5)
        demoted = sum(_demoted(0.99, a_day * FORTNIGHT, seed) for seed in range(some))
        yield Figure(f"a 99 % agent at {a_day} a day demoted within a fortnight", demoted, some, at_most=0.05)
    caught = sum(_demoted(0.80, A_DAY, seed) for seed in range(seeds))
    yield Figure(f"an 80 % agent at {A_DAY} a day demoted within 24 h", caught, seeds, at_least=0.95)
    after = sum(_demoted(0.80, A_DAY, seed, before=5000) for seed in range(max(20, seeds // 5)))
    yield Figure("the same after 5,000 good executions", after, max(20, seeds // 5), at_least=0.95)


def _works(rate: float, count: int, seed: int) -> Iterator[bool]:
    random = Random(seed)
    return (random.random() < rate for _ in range(count))


def _demoted(rate: float, count: int, seed: int, before: int = 0) -> bool:
    """Whether any moment of these executions would have cost a level, after so many good ones."""
    watch = sequential.Watch()
    for _ in range(before):
        watch.add(True)
    return any(watch.add(succeeded) for succeeded in _works(rate, count, seed))
