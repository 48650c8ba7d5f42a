"""Quiet hours, what notifies_at_any_hour, reminders that back off, and the moment of the morning's list, also where clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_builders import policy, request, roster
from test_policy_approval import approval

from policies.deadlines import Clock, Due, asked_again, assigned, exhausted, hushed, opened, owed, reminded
from policies.hours import hours_of
from policies.levels import Level
from policies.quiet_hours import LATE, Morning, always_quiet, notifies_at_any_hour, quiet_hours

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago", "UTC")
QUIETS = ("22:00-07:00", "00:00-06:30", "20:15-00:00", "12:00-13:00", "02:00-03:00", "01:30-02:30", "23:59-00:01")
# Days around which the clocks of these zones are changed, and a quiet one.
CHANGES = (
    "2026-03-28",
    "2026-10-24",
    "2026-03-07",
    "2026-10-31",
    "2026-04-04",
    "2026-09-05",
    "2026-10-03",
    "2026-06-10",
)
moments = st.builds(
    lambda day, minute: datetime.fromisoformat(day).replace(tzinfo=UTC) + minute * MINUTE,
    st.sampled_from(CHANGES),
    st.integers(-24 * 60, 60 * 60),
)
anybody = st.builds(
    lambda quiet, zone: roster(people={"U0ALICE": {"quiet": quiet, "timezone": zone}}),
    st.sampled_from(QUIETS),
    st.sampled_from(ZONES),
)


@given(anybody, moments)
@settings(max_examples=150)
def test_quiet_hours_end_with_their_last_quiet_minute(people: object, now: datetime) -> None:
    """Whoever is quiet is so every minute until the told end and not at it, also on the night of a change of clocks."""
    quiet = people.quiet("U0ALICE")  # type: ignore[attr-defined]
    until = people.quiet_until("U0ALICE", now)  # type: ignore[attr-defined]
    assert (until is None) is not quiet.covers(now)
    if until is None:
        return
    assert not quiet.covers(until)
    steps = range(int((until - now) / MINUTE) + 1)
    assert all(quiet.covers(now + step * MINUTE) for step in steps if now + step * MINUTE < until)


@pytest.mark.parametrize(
    ("asked", "ends"),
    [
        ("2026-03-28T22:00:00+00:00", "2026-03-29T05:00:00+00:00"),  # 23:00 at +1 to 07:00 at +2: an hour less
        ("2026-10-24T22:00:00+00:00", "2026-10-25T06:00:00+00:00"),  # 00:00 at +2 to 07:00 at +1: an hour more
        ("2026-06-10T20:00:00+00:00", "2026-06-11T05:00:00+00:00"),
        ("2026-06-11T04:59:59+00:00", "2026-06-11T05:00:00+00:00"),
        ("2026-06-11T05:00:00+00:00", None),
        ("2026-06-11T19:59:59+00:00", None),
    ],
)
def test_the_wall_clock_says_when_it_is_quiet(asked: str, ends: str | None) -> None:
    """22:00-07:00 in Berlin ends at 07:00 there, however long that night is."""
    people = roster(people={"U0ALICE": {"quiet": "22:00-07:00", "timezone": "Europe/Berlin"}})
    wanted = datetime.fromisoformat(ends) if ends else None
    assert people.quiet_until("U0ALICE", datetime.fromisoformat(asked)) == wanted


def test_what_a_person_has_comes_before_what_all_have() -> None:
    """The roster's defaults hold for everybody who says nothing else; `never` is something else."""
    defaults = {"timezone": "Asia/Kolkata", "quiet": "20:00-08:00", "max_cards_per_hour": 5, "digest": True}
    own = {"quiet": "never", "max_cards_per_hour": 1, "max_reminders": 0, "digest": False, "timezone": "UTC"}
    people = roster(defaults=defaults, people={"U0ALICE": own})
    assert people.quiet("U0ALICE") is None
    assert people.quiet("U0BOB") == quiet_hours("20:00-08:00", "Asia/Kolkata")
    assert (people.timezone("U0ALICE"), people.timezone("U0BOB")) == ("UTC", "Asia/Kolkata")
    assert (people.budget("U0ALICE"), people.budget("U0BOB")) == (1, 5)
    assert (people.reminders("U0ALICE"), people.reminders("U0BOB")) == (0, 3)
    assert people.morning("U0ALICE") is None
    assert people.morning("U0BOB") == Morning(None, people.quiet("U0BOB"), "Asia/Kolkata")
    assert roster().budget("U0BOB") is None
    assert not roster().any_morning


def test_only_what_is_declared_presses() -> None:
    """Urgency and high severity press, and so does what silence would let run; confidence, amount and the rest do not."""
    plain = approval(policy=policy(severity="medium"))
    assert not notifies_at_any_hour(plain)
    assert not notifies_at_any_hour(replace(plain, request=request(urgency="low")))
    assert notifies_at_any_hour(replace(plain, request=request(urgency="high")))
    assert notifies_at_any_hour(approval(policy=policy(severity="high")))
    consented = policy(severity="low", on_timeout="approve")
    assert notifies_at_any_hour(approval(policy=consented, level=Level.SOFT_APPROVAL))
    assert not notifies_at_any_hour(approval(policy=consented, level=Level.HARD_APPROVAL))


# --- reminders ---------------------------------------------------------------------------------------------------


def reminders(clock: Clock, since: datetime, most: int = 12) -> list[datetime]:
    """The moments of the first reminders, each sent when it is due."""
    found: list[datetime] = []
    while clock.remind_at is not None and len(found) < most:
        assert owed(clock, clock.remind_at) is Due.REMIND
        found.append(clock.remind_at)
        clock = reminded(clock, clock.remind_at, since)
    return found


@given(st.integers(1, 10**6))
@settings(max_examples=100)
def test_reminders_back_off(sla: int) -> None:
    """The first comes at 75 % of the SLA; each further gap is no shorter, at least 4 hours and at most a day."""
    clock = opened(NOW, sla_seconds=sla, timeout_seconds=None)
    first = clock.remind_at
    assert first == NOW + timedelta(seconds=0.75 * sla)
    told = reminders(replace(clock, due_at=None), NOW)
    gaps = [after - before for before, after in pairwise(told)]
    assert len(told) == 12
    assert told[0] == first
    assert gaps == sorted(gaps)
    assert all(4 * HOUR <= gap <= 24 * HOUR for gap in gaps)
    assert gaps[-1] == 24 * HOUR


@given(st.integers(1, 10**6), st.integers(1, 10**6))
@settings(max_examples=100)
def test_no_reminder_comes_after_the_sla_or_the_expiry(sla: int, timeout: int) -> None:
    """What an SLA or an expiry says at its moment, no reminder says at or after it."""
    clock = opened(NOW, sla_seconds=sla, timeout_seconds=timeout)
    ends = min(clock.due_at or NOW, clock.expires_at or NOW)
    later = reminded(clock, NOW, NOW)
    assert later.remind_at is None or later.remind_at < ends
    alone = exhausted(replace(clock, remind_at=None), NOW, NOW)
    assert alone.remind_at is None or alone.remind_at < NOW + timedelta(seconds=timeout)


def test_a_reminder_is_counted_for_whom_it_reminds() -> None:
    """Each counts; somebody else begins at none."""
    twice = reminded(reminded(opened(NOW, sla_seconds=60, timeout_seconds=None), NOW, NOW), NOW, NOW)
    assert twice.reminders == 2
    assert assigned(twice, NOW, 60).reminders == 0


def test_who_was_not_told_is_told_before_anybody_else_is_asked() -> None:
    """Quiet hours end: the assignee hears of it and gets a whole SLA, even where the old one is over by then."""
    clock = hushed(opened(NOW, sla_seconds=60, timeout_seconds=86_400), NOW + 8 * HOUR)
    assert owed(clock, NOW + timedelta(seconds=60)) is Due.REASSIGN, "others are asked meanwhile"
    nobody = asked_again(clock, NOW + 20 * HOUR, NOW + timedelta(seconds=60), NOW)
    assert owed(nobody, NOW + 8 * HOUR - MINUTE) is None
    assert owed(nobody, NOW + 8 * HOUR) is Due.TELL
    told = assigned(nobody, NOW + 8 * HOUR, 60)
    assert (told.hush_until, told.due_at) == (None, NOW + 8 * HOUR + MINUTE)
    assert told.expires_at == clock.expires_at, "the expiry waits for nobody"
    assert owed(replace(clock, expires_at=NOW + 8 * HOUR), NOW + 8 * HOUR) is Due.EXPIRE


# --- mornings ----------------------------------------------------------------------------------------------------

HOURS = ("Mon-Fri 09:00-17:00", "Mon-Sun 22:00-06:00", "Sat-Sun 02:30-03:30, Sat 08:00-12:00", None)
QUIET_OR_NOT = (None, "22:00-07:00", "00:00-10:15")


def morning(hours: str | None, quiet: str | None, zone: str) -> Morning:
    return Morning(hours_of(hours, zone) if hours else None, quiet_hours(quiet, zone) if quiet else None, zone)


mornings = st.builds(morning, st.sampled_from(HOURS), st.sampled_from(QUIET_OR_NOT), st.sampled_from(ZONES))


@given(mornings, moments)
@settings(max_examples=100)
def test_there_is_one_morning_a_working_day(found: Morning, start: datetime) -> None:
    """From one morning to the next every day of work comes once, in order, also where clocks change."""
    days: list[date] = []
    at = start
    for _ in range(10):
        following = found.next(at)
        assert following is not None
        assert following > at
        due = found.latest(following)
        assert due is not None
        assert due[1] == following
        assert found.quiet is None or not found.quiet.covers(following)
        days.append(due[0])
        at = following
    hours = found.hours or hours_of("Mon-Sun 09:00-17:00", found.timezone)
    works = {day for shift in hours.shifts for day in shift[0]}
    span = (days[0] + timedelta(days=step) for step in range((days[-1] - days[0]).days + 1))
    assert days == [day for day in span if day.weekday() in works]


@given(mornings, moments, st.timedeltas(timedelta(0), timedelta(hours=12)))
@settings(max_examples=100)
def test_a_late_server_makes_up_for_a_morning_and_not_for_a_day(
    found: Morning, start: datetime, late: timedelta
) -> None:
    """The list is owed from its moment on for four hours, and before it or later it is not."""
    moment = found.next(start)
    assert moment is not None
    due = found.latest(moment)
    after = found.latest(moment + late)
    assert due is not None
    assert (after == due) is (late < LATE)
    before = found.latest(moment - timedelta(microseconds=1))
    assert before != due


@pytest.mark.parametrize("zone", ZONES)
def test_a_morning_is_at_the_wall_clock(zone: str) -> None:
    """The day's first hour begins the day by the clock on the wall, in every week of the year."""
    found, at = morning("Mon-Fri 09:00-17:00", None, zone), datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(261):
        at = found.next(at) or at
        local = at.astimezone(ZoneInfo(zone))
        assert (local.time(), local.weekday() < 5) == (time(9), True)
    assert at.date() >= date(2026, 12, 30)


def test_whoever_works_only_in_quiet_hours_is_noticed() -> None:
    """Working hours that lie in quiet hours entirely are found, and one free minute in the week is enough."""
    night = quiet_hours("20:00-08:00", "Europe/Berlin")
    assert always_quiet(hours_of("Mon-Fri 22:00-06:00", "Europe/Berlin"), night)
    assert not always_quiet(hours_of("Mon-Fri 22:00-06:00, Sat 08:00-08:01", "Europe/Berlin"), night)
    assert not always_quiet(hours_of("Mon-Fri 19:59-06:00", "Europe/Berlin"), night)
