"""The ratchet: down by itself, up only by the owner's own line (docs/rules.md: F7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from policies.autonomy import Execution, earned, fallen
from policies.files.tightening import Autonomy
from policies.history import Demotion
from policies.levels import Level

FREE, TOLD, SOFT, HARD, TAKE = list(Level)
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
GRANTED = Autonomy.model_validate({"agents": {"bot": {"level": "notify_only", "since": "2026-01-08T00:00:00Z"}}})


def outcomes(text: str, step: timedelta = timedelta(hours=1)) -> list[Execution]:
    """Successes (+) and failures (-), oldest first, the last one now."""
    return [Execution(mark == "+", NOW - step * (len(text) - 1 - index)) for index, mark in enumerate(text)]


@pytest.mark.parametrize(
    ("text", "hours", "level"),
    [
        ("-", 1, None),
        ("--", 1, HARD),
        ("-+++-", 1, HARD),
        ("--", 23, HARD),
        ("--", 24, None),
        ("--++++", 12, None),
        ("++++++++++", 1, None),
    ],
)
def test_two_failures_within_a_day_cost_a_level(text: str, hours: int, level: Level | None) -> None:
    """Two failures less than 24 h apart cost one level; one, or two further apart, cost none."""
    assert fallen(Autonomy(), "bot", None, outcomes=outcomes(text, timedelta(hours=hours)), now=NOW) is level


def test_a_failure_costs_only_once() -> None:
    """Failures that cost a level are spent: the next level takes two more."""
    lost = Demotion(HARD, NOW - timedelta(minutes=90))
    assert fallen(Autonomy(), "bot", lost, outcomes=outcomes("---", timedelta(hours=1)), now=NOW) is TAKE
    assert fallen(Autonomy(), "bot", lost, outcomes=outcomes("---", timedelta(hours=2)), now=NOW) is None


def test_nobody_falls_below_takeover() -> None:
    """Where a person does everything by hand already, there is nothing left to lose."""
    assert fallen(Autonomy(start=TAKE), "bot", None, outcomes=outcomes("--"), now=NOW) is None


@pytest.mark.parametrize(
    ("text", "level"),
    [("+" * 9, None), ("+" * 10, TOLD), ("+" * 30, TOLD), ("+" * 10 + "-" + "+" * 9, None), ("-" + "+" * 10, TOLD)],
)
def test_ten_successes_in_a_row_earn_a_proposal(text: str, level: Level | None) -> None:
    """Ten successes without a failure between them earn one level, not more; nine do not."""
    assert earned(Autonomy(), "bot", None, outcomes(text)) is level


def test_what_was_earned_is_earned_once() -> None:
    """Successes from before the present level was granted, or before a level was lost, do not count again."""
    assert earned(GRANTED, "bot", None, outcomes("+" * 10, timedelta(hours=1))) is FREE
    assert earned(GRANTED, "bot", None, outcomes("+" * 10, timedelta(hours=9))) is None
    assert earned(Autonomy(), "bot", Demotion(HARD, NOW - timedelta(hours=5)), outcomes("+" * 10)) is None
    assert earned(Autonomy(start=FREE), "bot", None, outcomes("+" * 10)) is None
