"""What requests cost people stays within the goals, on a small sample of calls that were made up for this."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attention.calls import SAMPLE, read
from tests.attention.scenarios import SCENARIOS, Scenario, play, the_same


@pytest.mark.parametrize("scenario", SCENARIOS[:2], ids=lambda found: found.name)
def test_a_sample_keeps_the_goals(scenario: Scenario, tmp_path: Path) -> None:
    """In bursts and one by one: few taps, posts and mentions a call, all decided by people, no value unseen."""
    cost = play(scenario, read(SAMPLE), tmp_path)
    assert cost.missed == ()
    assert cost.high_taps == 2, "the sample holds calls of high severity, and each asks once more"


def test_twenty_agents_are_one_card(tmp_path: Path) -> None:
    """Twenty agents that ask for the same thing three seconds apart are one card, one mention, one tap."""
    assert the_same(read(SAMPLE)[0], tmp_path) == (1, 1, pytest.approx(1 / 20))
