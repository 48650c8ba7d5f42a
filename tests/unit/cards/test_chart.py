"""The picture of the last days and the words that stand for it."""

from __future__ import annotations

import io
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.service import stats
from bot.service.stats import duration
from bot.slack import chart
from store.stats import Day, ReviewerStats, RoleStats, Spread, Stats, Waiting

FIRST = date(2026, 10, 25)
amounts = st.integers(0, 200_000)
entries = st.tuples(amounts, amounts, amounts, st.none() | st.floats(0, 40 * 86_400))


def days(values: list[tuple[int, int, int, float | None]]) -> list[Day]:
    return [Day(FIRST + timedelta(days=index), *value) for index, value in enumerate(values)]


def colours(png: bytes) -> set[tuple[int, ...]]:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    assert image.size == (chart.WIDTH, chart.HEIGHT)
    found = image.getcolors(1_000_000)
    assert found is not None
    return {colour for count, colour in found if count > 150}  # type: ignore[misc]


def near(colour: str, found: set[tuple[int, ...]]) -> bool:
    wanted = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return any(all(abs(a - b) < 12 for a, b in zip(wanted, seen, strict=True)) for seen in found)


def test_each_sort_of_figure_is_on_the_picture() -> None:
    """Asked, decided, missed and the median each have their colour there, and none where there is nothing of it."""
    full = colours(chart.picture(days([(30, 20, 12, 300.0), (25, 25, 9, 60.0)]), "55 asked"))
    assert all(near(colour, full) for colour in (chart._DECIDED, chart._MISSED, chart._MEDIAN, chart._ASKED))
    calm = colours(chart.picture(days([(0, 0, 0, None)] * 14), "nothing"))
    assert not near(chart._MEDIAN, calm)


@settings(max_examples=8, deadline=None)
@given(st.lists(entries, max_size=14))
def test_any_figures_make_a_picture_that_slack_takes(values: list[tuple[int, int, int, float | None]]) -> None:
    """No figures, huge ones and gaps: always a PNG of the same size, far below Slack's limits."""
    png = chart.picture(days(values), "any")
    assert Image.open(io.BytesIO(png)).size == (chart.WIDTH, chart.HEIGHT)
    assert len(png) < 300_000


@given(amounts)
def test_counts_are_read_from_round_whole_steps(most: int) -> None:
    """The axis of counts begins at 0, has two to four equal whole steps, and holds the largest figure."""
    ticks = chart._counts(most)
    steps = {after - before for before, after in pairwise(ticks)}
    assert ticks[0] == 0
    assert ticks[-1] >= most
    assert 3 <= len(ticks) <= 5
    assert len(steps) == 1
    assert str(int(steps.pop())).rstrip("0") in ("1", "2", "5")


@given(st.floats(0, 400 * 86_400))
def test_times_are_read_from_steps_that_people_count_in(slowest: float) -> None:
    """The axis of times begins at 0, has two or three equal steps, and holds the slowest day."""
    ticks = chart._seconds(slowest)
    assert ticks[0] == 0
    assert ticks[-1] >= slowest
    assert 3 <= len(ticks) <= 4


def test_the_words_hold_what_the_picture_shows() -> None:
    """Whoever does not see the picture reads each day's figures; days on which nothing happened are left out."""
    spread = Spread(3, 240.0, 900.0)
    found = Stats(
        14,
        Waiting(2, 1, 7200.0),
        {"ask": 1200, "auto": 7},
        4,
        spread,
        (RoleStats("finance", Waiting(2, 1, 7200.0), 4, spread),),
        (ReviewerStats("U0BOB", Waiting(), 0.2, spread, 2 / 3),),
        tuple(days([(3, 2, 1, 240.0), (0, 0, 0, None), (1, 1, 0, 90.0)])),
    )
    assert stats.team(found) == "1,200 asked · 3 decided · 4 past their SLA · median 4 min, p90 15 min"
    said = stats.spoken(found)
    assert "25 Oct: 3 asked, 2 decided in 4 min, 1 late; 27 Oct: 1 asked, 1 decided in 1.5 min" in said
    assert "26 Oct" not in said
    assert stats.of_role(found.roles[0]).startswith("2 open, oldest 2 h, 1 past SLA · 4 past their SLA")
    assert len(stats.on_home(found)) <= 10


def test_lengths_of_time_are_said_as_people_say_them() -> None:
    """Seconds, minutes, hours, days; the half where it matters."""
    said = [duration(value) for value in (0, 59, 60, 90, 3 * 60, 3600, 5400, 100_000, 900_000)]
    assert said == ["0 s", "59 s", "1 min", "1.5 min", "3 min", "1 h", "1.5 h", "1.2 d", "10 d"]
