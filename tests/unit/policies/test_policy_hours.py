"""Working time between two moments, by the wall clock, whatever happens to that clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.deadlines import assigned, opened, paused, resumed, urgent
from policies.hours import HORIZON, Hours, hours_of

MINUTE = timedelta(minutes=1)
OFFICE = hours_of("Mon-Fri 09:00-17:00", "Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
TEXTS = (
    "Mon-Fri 09:00-17:00",
    "Mon-Sun 22:00-06:00",
    "Sat-Sun 01:30-03:30",
    "Sun 02:00-03:00, Sun 02:30-04:00, Mon 00:00-12:00",
    "Mon-Sun 00:00-12:00, Mon-Sun 12:00-00:00",
    "Wed 10:00-10:01",
)
# The last Sundays and first Sundays on which the clocks of these zones change, and a quiet week.
WEEKENDS = ("2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-04", "2026-10-03", "2026-06-10")
everybody = st.builds(hours_of, st.sampled_from(TEXTS), st.sampled_from(ZONES))
starts = st.builds(
    lambda day, minute: datetime.fromisoformat(day).replace(tzinfo=UTC) + minute * MINUTE,
    st.sampled_from(WEEKENDS),
    st.integers(-12 * 60, 48 * 60),
)


def minutes(hours: Hours, start: datetime, count: int) -> list[bool]:
    """The reference: each minute asked by itself whether it lies in working hours."""
    return [hours.covers(start + index * MINUTE) for index in range(count)]


@given(everybody, starts, st.integers(0, 36 * 60))
@settings(max_examples=120, deadline=None)
def test_working_time_is_the_minutes_that_are_worked(hours: Hours, start: datetime, count: int) -> None:
    """Between two moments lie exactly the minutes that lie in working hours one by one, also where clocks change."""
    assert hours.between(start, start + count * MINUTE) == sum(minutes(hours, start, count)) * MINUTE


@given(everybody, starts, st.integers(1, 600))
@settings(max_examples=120, deadline=None)
def test_a_length_of_working_time_ends_with_its_last_minute(hours: Hours, start: datetime, length: int) -> None:
    """So much working time after a moment is the end of that minute, counted one by one, which completes it."""
    worked, moment, last = 0, start, start + timedelta(days=8)
    while worked < length and moment < last:
        worked += hours.covers(moment)
        moment += MINUTE
    if worked == length:
        assert hours.after(start, length * MINUTE) == moment
    else:
        assert hours.after(start, length * MINUTE) > last


@given(everybody, starts)
@settings(max_examples=80, deadline=None)
def test_the_opening_is_the_first_minute_that_is_worked(hours: Hours, start: datetime) -> None:
    """The next opening is the first moment that lies in working hours: now, where now does."""
    following = (start + index * MINUTE for index in range(15 * 24 * 60))
    assert hours.opening(start) == next(moment for moment in following if hours.covers(moment))


def test_a_card_on_friday_afternoon_is_due_on_monday_morning() -> None:
    """Fifteen minutes from 16:50 on a Friday end at 09:05 on Monday, and the weekend may change the clocks."""
    for friday, monday in (("2026-01-30T15:50", "2026-02-02T08:05"), ("2026-03-27T15:50", "2026-03-30T07:05")):
        start = datetime.fromisoformat(friday).replace(tzinfo=UTC)
        assert OFFICE.after(start, timedelta(minutes=15)) == datetime.fromisoformat(monday).replace(tzinfo=UTC)


@given(everybody, starts, st.integers(1, 10**5), st.integers(1, 10**7))
@settings(max_examples=80, deadline=None)
def test_nobodys_hours_move_the_expiry(hours: Hours, start: datetime, sla: int, timeout: int) -> None:
    """The SLA may wait for working hours; the final expiry never does, at no assignment."""
    clock = opened(start, sla_seconds=sla, timeout_seconds=timeout, hours=hours)
    assert clock.expires_at == start + timedelta(seconds=timeout)
    again = assigned(clock, start + timedelta(seconds=sla), sla, hours)
    assert again.expires_at == clock.expires_at
    for moment in (clock, again):
        assert moment.remind_at is not None
        assert moment.due_at is not None
        assert moment.remind_at <= moment.due_at


@given(everybody, starts, st.integers(2, 300), st.integers(0, 2000))
@settings(max_examples=80, deadline=None)
def test_a_question_leaves_as_much_working_time_as_there_was(
    hours: Hours, start: datetime, sla: int, length: int
) -> None:
    """After a question the reviewer has the working time that was left; the expiry moves by the whole pause (docs/rules.md: C1)."""
    clock = opened(start, sla_seconds=sla * 60, timeout_seconds=10**7, hours=hours)
    asked, answered = start + MINUTE, start + MINUTE * (1 + length)
    later = resumed(paused(clock, asked), answered, hours)
    assert clock.due_at is not None
    assert later.due_at is not None
    assert clock.expires_at is not None
    if hours.between(asked, clock.due_at) > timedelta(0):
        assert hours.between(answered, later.due_at) == hours.between(asked, clock.due_at)
    assert later.expires_at == clock.expires_at + length * MINUTE


def test_who_works_a_minute_a_week_is_not_waited_for_beyond_the_horizon() -> None:
    """An SLA longer than anybody lives ends at the horizon, and is found out within a moment."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert hours_of("Wed 10:00-10:01", "UTC").after(start, timedelta(days=30)) == start + HORIZON


@pytest.mark.parametrize(("urgency", "seconds"), [("low", 900), ("normal", 900), ("high", 450)])
def test_urgency_shortens_and_never_lengthens(urgency: str, seconds: float) -> None:
    """High urgency halves the SLA; no urgency makes it longer."""
    assert urgent(900, urgency) == seconds
