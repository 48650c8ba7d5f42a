"""The simulation of many workspaces says what it is told to: the same seed the same hour, one message a second in a channel."""

from __future__ import annotations

import random

from tests.scale import demand
from tests.scale.__main__ import STEPS, table
from tests.scale.costs import Costs


def test_a_seed_is_an_hour() -> None:
    """The same seed draws the same hour, another one another."""
    assert demand.hour(1, 50, 100) == demand.hour(1, 50, 100) != demand.hour(2, 50, 100)


def test_as_much_is_asked_for_as_was_said() -> None:
    """The mean is that of all workspaces, however uneven they are."""
    found = demand.hour(1, 2_000, 100)
    assert 90 < found.approvals / 2_000 < 110
    assert found.busiest > 500


def test_a_channel_takes_one_message_a_second() -> None:
    """Sixty requests at once into three channels wait for each other; those that come alone wait for nobody."""
    at_once = demand._waits(random.Random(1), [5.0] * 60)
    assert 25 <= max(at_once) <= 40
    assert sorted(at_once)[:3] == [0.0, 0.0, 0.0]
    assert demand._waits(random.Random(1), [float(10 * number) for number in range(60)]) == [0.0] * 60


def test_the_table_has_a_figure_for_every_step() -> None:
    """Twice the cost of an approval is twice the cores; each line has a figure for each number of workspaces."""
    hours = [demand.hour(1, count, 100) for count in (1, 5, 10, 20)]
    once = table(Costs(50, 0.01, 5_000, 0.001, 1e6), hours)
    twice = table(Costs(50, 0.02, 5_000, 0.001, 1e6), hours)
    assert {len(line) for line in once} == {2 + len(STEPS)}
    (cores,) = [line for line in once if line[0] == "cores for approvals"]
    (more,) = [line for line in twice if line[0] == "cores for approvals"]
    assert abs(float(more[-1]) - 2 * float(cores[-1])) <= 0.02
