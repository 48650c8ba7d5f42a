"""Simulated fleets of actions: how often anything is suggested where nothing should be, and what should be is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from random import Random

from policies.files.manifest import Manifest, load_manifest
from policies.learning.calibration import Case
from policies.learning.stamping import Stamping
from policies.learning.tuning import GOOD_RATE, NO_EVIDENCE, TOLERATED, Record, tuned
from tests.learning.figures import Figure

GOOD, DECIDED = 0.995, 150


@lru_cache
def manifest(asked: int, alone: int = 0) -> Manifest:
    """So many actions that a person is asked about, and that run alone."""
    base = {"title": "T", "describe": "D", "severity": "low", "reversible": True}
    names = {f"asked_{number}": base for number in range(asked)}
    names |= {f"alone_{number}": base | {"approval_required": False} for number in range(alone)}
    return load_manifest(json.dumps({"version": 1, "actions": names}))


def figures(scale: float) -> Iterator[Figure]:
    """Everything that is promised of suggestions for more and less oversight; `scale` is the share of the seeds."""
    seeds = max(20, round(1000 * scale))
    clean = {
        "any wrong suggestion, ten asked actions at the bar, 150 decisions each": lambda random: _at_the_bar(
            random, 10
        ),
        "any wrong suggestion, mixed fleet: five asked, five alone, agents calibrated": _mixed,
    }
    for what, fleet in clean.items():
        yield Figure(what, sum(bool(suggested(*fleet(Random(seed)))) for seed in range(seeds)), seeds, at_most=0.05)
    yield _power("ask→auto suggested, true rate 99.5 %, n = 150, one action", seeds, 1, 0, goal=0.90)
    yield _power("the same, each of ten such actions", seeds, 10, 0, goal=0.90)
    yield _power("the same, beside nine exactly at the bar (no test reaches 90 % here)", seeds, 1, 9, goal=None)
    for straight in (1, 8, 20):
        found = suggested(manifest(1), [Record("asked_0", unmodified=straight, ran=straight)])
        yield Figure(f"anything suggested after {straight} straight yes", len(found), 1, at_most=0.0)


def suggested(book: Manifest, records: list[Record]) -> dict[str, str]:
    """By action, the kind of change that is suggested; saying that there is no evidence suggests none."""
    found = tuned(book, {record.action: record for record in records}, watched=True)
    said = {one.record.action: one.suggestion.kind for one in found if one.suggestion}
    return {action: kind for action, kind in said.items() if kind != NO_EVIDENCE}


Fleet = tuple[Manifest, list[Record]]


def _at_the_bar(random: Random, size: int) -> Fleet:
    return manifest(size), [_asked(random, f"asked_{number}", GOOD_RATE, DECIDED) for number in range(size)]


def _mixed(random: Random) -> Fleet:
    """Each as bad as may just be: agreement at the bar, incidents as tolerated, and agents that mean what they say."""
    asked = [_asked(random, f"asked_{number}", GOOD_RATE, random.randint(20, 400)) for number in range(5)]
    return manifest(5, 5), [*asked, *(_alone(random, f"alone_{number}") for number in range(5))]


def _asked(random: Random, action: str, rate: float, decided: int) -> Record:
    yes = drawn(random, rate, decided)
    edited = drawn(random, 0.5, decided - yes)
    careful = Stamping("U0BOB", decided, decided - yes - edited, 40.0, yes, yes // 20, decided, yes)
    rejected = decided - yes - edited
    return Record(action, unmodified=yes, edited=edited, rejected=rejected, ran=yes, reviewers=(careful,))


def _alone(random: Random, action: str) -> Record:
    ran = random.randint(50, 2000)
    cases = tuple(calibrated(random, f"agent_{number % 5}") for number in range(150))
    return Record(action, alone=ran, ran=ran, incidents=drawn(random, TOLERATED, ran), cases=cases)


def calibrated(random: Random, agent: str) -> Case:
    """An agent that is right as often as it says."""
    said = random.uniform(0.5, 1)
    return Case(agent, random.random() < said, said, None, said, drawn=0.05)


def drawn(random: Random, share: float, of: int) -> int:
    """How many of so many."""
    return sum(random.random() < share for _ in range(of))


def _power(what: str, seeds: int, good: int, others: int, *, goal: float | None) -> Figure:
    hits = 0
    for seed in range(seeds):
        random = Random(seed)
        rates = [GOOD] * good + [GOOD_RATE] * others
        records = [_asked(random, f"asked_{number}", rate, DECIDED) for number, rate in enumerate(rates)]
        found = suggested(manifest(good + others), records)
        hits += sum(f"asked_{number}" in found for number in range(good))
    return Figure(what, hits, seeds * good, at_least=goal)
