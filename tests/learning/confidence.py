"""Simulated agents that say how sure they are: who is named, who is not, and whether thresholds keep their promise."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from policies.learning.calibration import MOST_WRONG, NOT_SURE, Case, OwnWord, Point, threshold
from policies.learning.tuning import OVERCONFIDENT, PRAISES_ITSELF, Record, tuned
from tests.learning.figures import Figure
from tests.learning.fleets import manifest

CASES, SAID, TRUE = 30, 0.93, 0.55
ACTION = "asked_0"


def figures(scale: float) -> Iterator[Figure]:
    """Everything that is promised of confidence."""
    seeds = max(20, round(1000 * scale))
    named = [_named(seed) for seed in range(seeds)]
    caught = sum("sure" in one for one in named)
    yield Figure(
        f"over-confident among five named (n = {CASES}, {SAID} said, {TRUE} true)", caught, seeds, at_least=0.90
    )
    others = sum(bool(one - {"sure"}) for one in named)
    yield Figure("any of its four calibrated neighbours named instead of it", others, seeds, at_most=0.05)
    flagged = sum(_flagged(seed) for seed in range(seeds))
    yield Figure("any of five calibrated agents flagged, 30 to 300 cases each", flagged, seeds, at_most=0.05)
    for count in (340, 2000):
        for slope in (0.3, 0.6):
            yield _promise(count, slope, seeds)
    yield _weighted_promise(seeds)
    yield Figure(
        "an agent that labels only its successes flagged (60 judged)", _praises(0.0, seeds), seeds, at_least=0.90
    )
    yield Figure("one that labels whatever comes flagged", _praises(1.0, seeds), seeds, at_most=0.05)


def _cases(random: Random, agent: str, count: int, said: float, true: float) -> list[Case]:
    """An agent's cases: it says about so much each time, and is right so often, more where it said more."""
    found = []
    for _ in range(count):
        stated = min(1.0, max(0.0, random.gauss(said, 0.03)))
        found.append(Case(agent, random.random() < true + stated - said, stated, None, stated))
    return found


def _fleet(seed: int) -> list[Case]:
    random = Random(seed)
    honest = [case for number in range(4) for case in _cases(random, f"honest_{number}", CASES, 0.9, 0.9)]
    return [*honest, *_cases(random, "sure", CASES, SAID, TRUE)]


def _named(seed: int) -> set[str]:
    """Whom the suggestion names."""
    return _suggests(tuple(_fleet(seed)))


def _suggests(cases: tuple[Case, ...]) -> set[str]:
    (found,) = tuned(manifest(1), {ACTION: Record(ACTION, cases=cases)}, watched=True)
    said = found.suggestion
    return {said.why.partition(" ")[0]} if said and said.kind == OVERCONFIDENT else set()


def _flagged(seed: int) -> bool:
    random = Random(seed)
    cases: list[Case] = []
    for number in range(5):
        level = random.uniform(0.6, 0.95)
        cases += _cases(random, f"honest_{number}", random.randint(30, 300), level, level)
    return bool(_suggests(tuple(cases)))


def _right(stated: float, slope: float) -> float:
    return 1 - slope * (1 - stated) ** 1.2


def _wrong_above(at: float, slope: float) -> float:
    """What a threshold really lets through, where confidence is spread evenly over the hundredths from 0.50 to 1.00."""
    stated = [number / 100 for number in range(round(at * 100), 101)]
    return sum(1 - _right(one, slope) for one in stated) / len(stated)


def _promise(count: int, slope: float, seeds: int) -> Figure:
    broken = 0
    for seed in range(seeds):
        random = Random(seed)
        stated = [random.randint(50, 100) / 100 for _ in range(count)]
        found = threshold(Point(one, random.random() < _right(one, slope)) for one in stated)
        broken += found is not None and _wrong_above(found.at, slope) > MOST_WRONG
    what = f"realised error above the stated {MOST_WRONG:.0%}, {count} cases, slope {slope}"
    return Figure(what, broken, seeds, at_most=NOT_SURE)


def _weighted_promise(seeds: int) -> Figure:
    """Half the agent's work was sampled at 50 %, and half, where it errs more, at 10 %: only weights tell what all of it is like."""
    broken = 0
    for seed in range(seeds):
        random = Random(seed)
        points = []
        for _ in range(3000):
            hard, stated = random.random() < 0.5, random.randint(50, 100) / 100
            right = random.random() < _right(stated, 0.6 if hard else 0.1)
            share = 0.1 if hard else 0.5
            if random.random() < share:
                points.append(Point(stated, right, 1 / share))
        found = threshold(points)
        wrong = (_wrong_above(found.at, 0.6) + _wrong_above(found.at, 0.1)) / 2 if found else 0.0
        broken += wrong > MOST_WRONG
    return Figure("the same with two shares of the sample, weighted", broken, seeds, at_most=NOT_SURE)


def _praises(share: float, seeds: int) -> int:
    """In how many seeds an agent is named that labels its successes, and of the rest such a share as often."""
    found = 0
    for seed in range(seeds):
        random = Random(seed)
        counted = {(right, own): 0 for right in (True, False) for own in (True, False)}
        for _ in range(60):
            right = random.random() < 0.85
            own = random.random() < 0.9 * (1.0 if right else share)
            counted[right, own] += 1
        word = OwnWord(
            "bot",
            right=counted[True, True] + counted[True, False],
            right_labelled=counted[True, True],
            wrong=counted[False, True] + counted[False, False],
            wrong_labelled=counted[False, True],
        )
        (told,) = tuned(manifest(1), {ACTION: Record(ACTION, own_words=(word,))}, watched=True)
        found += told.suggestion is not None and told.suggestion.kind == PRAISES_ITSELF
    return found
