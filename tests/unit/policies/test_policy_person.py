"""One person's own figures, with how many they are counted from and their bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from policies.learning.person import Person, middle, nameable, person
from policies.learning.stamping import Act, looks

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def decided(user: str, count: int, *, apart: float = 60, look: float = 30, verbs: str = "approve") -> Person:
    """So many decisions, each `apart` seconds after the last, looked at for `look` seconds."""
    moments = [START + timedelta(seconds=apart * number) for number in range(count)]
    acts = [Act("pay", verbs, at, at - timedelta(seconds=look)) for at in moments]
    return person(user, acts, list(looks(acts)), right=3, labelled=4)


def test_the_figures_of_somebody_who_looks() -> None:
    """Pace, gap, look, share of yes and what came of it, each with how many it is from."""
    one = decided("U0BOB", 28)
    assert one.gap is not None
    assert one.look is not None
    assert (one.decided, one.per_day, one.gap.seconds, one.gap.n, one.look.seconds) == (28, 2.0, 60, 27, 30)
    assert (one.yes.hits, one.yes.n, one.fast.hits, one.stamping) == (28, 28, 0, False)
    assert (one.afterwards.hits, one.afterwards.n) == (3, 4)
    assert decided("U0BOB", 28, look=1).stamping
    assert decided("U0BOB", 28, verbs="reject").yes.hits == 0
    none = person("U0BOB", [], [], right=0, labelled=0)
    assert (none.decided, none.gap, none.yes.rate, none.stamping) == (0, None, None, False)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_the_bounds_of_a_median_are_exact(values: list[float]) -> None:
    """As many values lie outside each bound as chance allows in 5 % of cases, and not one more."""
    found = middle(values)
    assert found is not None
    fewest = int(binom.ppf(0.05, len(values), 0.5))
    outside = fewest if binom.cdf(fewest, len(values), 0.5) <= 0.05 else fewest - 1
    ordered = sorted(values)
    expected = (ordered[outside], ordered[-1 - outside]) if outside >= 0 else (None, None)
    assert (found.low, found.high) == expected


@pytest.mark.parametrize(("people", "each", "named"), [(4, 9, 0), (5, 4, 0), (5, 5, 5), (6, 5, 6)])
def test_small_groups_are_not_named(people: int, each: int, named: int) -> None:
    """Fewer than five people with five decisions: nobody is named; else all of them, by no order of merit."""
    found = [decided(f"U{9 - number}", each) for number in range(people)]
    told = nameable([*found, decided("U0NEW", 1)])
    assert [one.user for one in told] == sorted(one.user for one in found)[:named]
