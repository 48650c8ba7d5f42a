"""What the suggestions promise, in a share of the seeds that `make learning` runs: what chance cannot explain as a miss is none."""

from __future__ import annotations

import pytest

from policies.learning.chance import measured
from tests.learning.__main__ import PARTS
from tests.learning.figures import Figure


@pytest.mark.parametrize("part", PARTS)
def test_every_promise_holds(part: str) -> None:
    """In simulations with seeds: fleets, agents and reviewers that deserve a suggestion get it, and others hardly ever."""
    missed = [figure.row for figure in PARTS[part](0.06) if not possible(figure)]
    assert not missed


def possible(figure: Figure) -> bool:
    """Whether the goal may well be kept, so few seeds considered."""
    seen = measured(figure.seen, figure.seeds)
    low = figure.at_least is None or seen.high >= figure.at_least
    return low and (figure.at_most is None or seen.low <= figure.at_most)


def test_a_figure_that_misses_its_goal_says_so() -> None:
    """The table tells a miss from what is kept, and the command counts it."""
    assert [Figure("a", seen, 100, at_most=0.05).row[-1] for seen in (5, 6)] == ["ok", "MISS"]
    assert [Figure("a", seen, 100, at_least=0.95).row[-1] for seen in (95, 94)] == ["ok", "MISS"]
    assert Figure("a", 3, 100).row[-1] == "told"
    assert not possible(Figure("a", 20, 100, at_most=0.05))
