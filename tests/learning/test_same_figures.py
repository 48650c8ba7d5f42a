"""Written out here, and the same as elsewhere to 1e-9: scipy's bounds and tails, scikit-learn's calibration curve, pandas' sums."""

from __future__ import annotations

import math
from itertools import combinations
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import betainc
from sklearn.calibration import calibration_curve

from policies.learning import chance, families
from policies.learning.calibration import Case, Point, calibrations, curve

NEAR = 1e-9
COUNTS = [
    (0, 1),
    (1, 1),
    (0, 20),
    (19, 20),
    (148, 150),
    (150, 150),
    (3, 1000),
    (985, 1000),
    (99_000, 100_000),
    (17, 1_000_000),
]


@pytest.mark.parametrize(("hits", "n"), COUNTS)
def test_bounds_of_a_share_are_those_of_scipy(hits: int, n: int) -> None:
    """Clopper and Pearson's, each bound at 95 % by itself."""
    low = stats.beta.ppf(0.05, hits, n - hits + 1) if hits else 0.0
    high = stats.beta.ppf(0.95, hits + 1, n - hits) if hits < n else 1.0
    found = chance.measured(hits, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=NEAR)
    exact = stats.binomtest(hits, n).proportion_ci(0.90, method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=NEAR)


@given(
    hits=st.integers(0, 3000),
    more=st.integers(0, 3000),
    share=st.floats(1e-6, 1 - 1e-6),
    sure=st.floats(0.5, 0.9999),
)
def test_tails_and_bounds_are_those_of_scipy(hits: int, more: int, share: float, sure: float) -> None:
    """Of any counts, shares and certainties."""
    n = hits + more
    assert chance.at_least(hits, n, share) == pytest.approx(stats.binom.sf(hits - 1, n, share), abs=NEAR)
    assert chance.at_most(hits, n, share) == pytest.approx(stats.binom.cdf(hits, n, share), abs=NEAR)
    wanted = stats.beta.ppf(1 - sure, hits, more + 1) if hits else 0.0
    assert chance.lower(hits, n, sure) == pytest.approx(wanted, abs=NEAR)


@given(x=st.floats(0, 1, allow_subnormal=False), a=st.floats(0.01, 5000), b=st.floats(0.01, 5000))
def test_the_beta_function_is_that_of_scipy(x: float, a: float, b: float) -> None:
    """Also between whole numbers, as weighted counts need it."""
    assert chance.beta(x, a, b) == pytest.approx(float(betainc(a, b, x)), abs=NEAR)


@given(data=st.data(), everything=st.integers(1, 400))
def test_what_two_lots_have_in_common_is_that_of_scipy(data: st.DataObject, everything: int) -> None:
    """Fisher's test, one-sided."""
    ours, theirs = data.draw(st.integers(0, everything)), data.draw(st.integers(0, everything))
    common = data.draw(st.integers(max(0, ours + theirs - everything), min(ours, theirs)))
    wanted = stats.hypergeom.cdf(common, everything, theirs, ours)
    assert chance.fewer_in_common(common, ours, theirs, everything) == pytest.approx(wanted, abs=NEAR)


@given(chances=st.lists(st.floats(0, 1), min_size=0, max_size=7), most=st.floats(0.001, 0.2))
def test_answers_stand_where_every_set_of_questions_with_them_does(chances: list[float], most: float) -> None:
    """Hommel's test is Simes' test of every intersection: an answer stands where each set that holds it is no chance."""

    def no_chance(some: tuple[int, ...]) -> bool:
        ordered = sorted(chances[index] for index in some)
        return any(one <= rank * most / len(ordered) for rank, one in enumerate(ordered, 1))

    every = range(len(chances))
    sets = [some for size in range(1, len(chances) + 1) for some in combinations(every, size)]
    wanted = {index for index in every if all(no_chance(some) for some in sets if index in some)}
    assert families.standing(dict(enumerate(chances)), most) == wanted


def _rows(count: int, seed: int) -> pd.DataFrame:
    random = Random(seed)
    said = [random.random() for _ in range(count)]
    right = [random.random() < one**1.5 for one in said]
    agents = [random.choice(["a", "b", "c"]) for _ in range(count)]
    drawn = [random.choice([0.05, 0.1, 0.5]) for _ in range(count)]
    return pd.DataFrame({"agent": agents, "said": said, "right": right, "drawn": drawn})


@pytest.mark.parametrize("count", [400, 20_000])
def test_buckets_are_those_of_scikit_learn(count: int) -> None:
    """Ten of the same width: how often it was right, and how sure it was on average."""
    rows = _rows(count, seed=1)
    true, stated = calibration_curve(rows["right"], rows["said"], n_bins=10, strategy="uniform")
    found = curve("said", [Point(said, right) for said, right in zip(rows["said"], rows["right"], strict=True)]).buckets
    assert [one.accuracy for one in found] == pytest.approx(list(true), abs=NEAR)
    assert [one.confidence for one in found] == pytest.approx(list(stated), abs=NEAR)


@pytest.mark.parametrize("count", [600, 20_000])
def test_weighted_figures_are_those_of_pandas(count: int) -> None:
    """For each agent and bucket: shares weighed by how each case was drawn, and as how many equal ones they count."""
    rows = _rows(count, seed=2)
    cases = [
        Case(agent, bool(right), said, None, said, drawn)
        for agent, said, right, drawn in rows.itertuples(index=False, name=None)
    ]
    rows["weight"] = 1 / rows["drawn"]
    rows["bucket"] = np.floor(rows["said"] * 10) / 10
    rows["weighed"] = rows["weight"] * rows["right"]
    rows["stated"] = rows["weight"] * rows["said"]
    rows["squared"] = rows["weight"] ** 2
    sums = rows.groupby(["agent", "bucket"])[["weight", "weighed", "stated", "squared"]].sum()
    seen = 0
    for one in calibrations(cases):
        for bucket in one.curves[0].buckets:
            wanted = sums.loc[(one.agent, bucket.low)]
            equal = wanted["weight"] ** 2 / wanted["squared"]
            assert bucket.accuracy == pytest.approx(wanted["weighed"] / wanted["weight"], abs=NEAR)
            assert bucket.confidence == pytest.approx(wanted["stated"] / wanted["weight"], abs=NEAR)
            assert bucket.right.n == pytest.approx(equal, rel=NEAR)
            share = wanted["weighed"] / wanted["weight"]
            low = stats.beta.ppf(0.05, share * equal, equal - share * equal + 1) if share else 0.0
            assert bucket.right.low == pytest.approx(low, abs=NEAR)
            assert not math.isnan(bucket.right.high)
            seen += 1
    assert seen == 30
