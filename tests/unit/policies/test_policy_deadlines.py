"""When the clock acts, to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.deadlines import Clock, Due, assigned, exhausted, granted, opened, owed, paused, reminded, resumed

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
seconds = st.integers(1, 10**7)
spans = st.timedeltas(timedelta(0), timedelta(days=400))


def test_an_opened_clock_holds_its_figures() -> None:
    """A request has its SLA, a reminder at 75 % of it, and its timeout, all from now."""
    clock = opened(NOW, sla_seconds=400, timeout_seconds=3600)
    assert clock.due_at == NOW + timedelta(seconds=400)
    assert clock.remind_at == NOW + timedelta(seconds=300)
    assert clock.expires_at == NOW + timedelta(seconds=3600)
    assert clock.wake_at == clock.remind_at


def test_without_timeout_it_waits_for_ever() -> None:
    """A held request never expires, though its SLA still runs (docs/rules.md: B4)."""
    clock = opened(NOW, sla_seconds=60, timeout_seconds=None)
    assert clock.expires_at is None
    assert owed(exhausted(clock, NOW, NOW), NOW + timedelta(days=10_000)) is Due.REMIND


@pytest.mark.parametrize(
    ("moment", "due"),
    [("remind_at", Due.REMIND), ("due_at", Due.REASSIGN), ("expires_at", Due.EXPIRE), ("claim_by", Due.EXPIRE)],
)
def test_each_moment_is_owed_from_its_own_microsecond_on(moment: str, due: Due) -> None:
    """Nothing is owed one microsecond before a moment, and what it means is owed at it."""
    clock = Clock(**{moment: NOW})
    assert owed(clock, NOW - TICK) is None
    assert owed(clock, NOW) is due
    assert owed(clock, NOW + TICK) is due


def test_a_claim_that_dies_lapses() -> None:
    """A claimed approval whose time is up is of unknown outcome, not expired."""
    assert owed(Clock(claim_by=NOW), NOW, claimed=True) is Due.LAPSE


def test_the_most_final_is_owed_first() -> None:
    """When several moments have passed, expiry comes before reassignment, and that before the reminder."""
    clock = Clock(due_at=NOW, remind_at=NOW, expires_at=NOW)
    assert owed(clock, NOW) is Due.EXPIRE
    assert owed(Clock(due_at=NOW, remind_at=NOW), NOW) is Due.REASSIGN


def test_a_reminder_goes_out_once() -> None:
    """After its reminder a request owes nothing until its SLA."""
    clock = reminded(opened(NOW, sla_seconds=400, timeout_seconds=3600), NOW + timedelta(seconds=300), NOW)
    assert owed(clock, NOW + timedelta(seconds=399)) is None
    assert owed(clock, NOW + timedelta(seconds=400)) is Due.REASSIGN


@given(seconds, seconds, spans, spans)
@settings(max_examples=100, deadline=None)
def test_a_pause_shifts_everything_by_exactly_its_length(
    sla: int, timeout: int, before: timedelta, length: timedelta
) -> None:
    """While information is awaited nothing is owed, and afterwards every moment is later by exactly that time (docs/rules.md: C1)."""
    clock = opened(NOW, sla_seconds=sla, timeout_seconds=timeout)
    still = paused(clock, NOW + before)
    assert still.wake_at is None
    assert owed(still, NOW + before + length) is None
    later = resumed(still, NOW + before + length)
    assert later.paused_at is None
    for name in ("due_at", "remind_at", "expires_at"):
        assert getattr(later, name) - getattr(clock, name) == length


def test_a_second_question_does_not_shorten_the_first_pause() -> None:
    """A clock that stands still already keeps the moment from which it does."""
    clock = paused(paused(opened(NOW, sla_seconds=60, timeout_seconds=600), NOW), NOW + timedelta(seconds=30))
    assert resumed(clock, NOW + timedelta(seconds=40)).expires_at == NOW + timedelta(seconds=640)


def test_a_clock_set_back_never_moves_a_deadline_nearer() -> None:
    """An answer that seems to come before its question shifts nothing."""
    clock = opened(NOW, sla_seconds=60, timeout_seconds=600)
    assert resumed(paused(clock, NOW), NOW - timedelta(hours=1)).expires_at == clock.expires_at


def test_resuming_a_running_clock_changes_nothing() -> None:
    """An answer that nobody asked for leaves the clock as it is."""
    clock = opened(NOW, sla_seconds=60, timeout_seconds=600)
    assert resumed(clock, NOW + timedelta(hours=1)) is clock


@given(seconds, seconds, spans)
@settings(max_examples=60, deadline=None)
def test_the_next_reviewer_gets_a_whole_sla(sla: int, timeout: int, later: timedelta) -> None:
    """A reassignment starts a fresh SLA and reminder and leaves the expiry alone."""
    clock = opened(NOW, sla_seconds=sla, timeout_seconds=timeout)
    again = assigned(reminded(clock, NOW, NOW), NOW + later, sla)
    assert again.due_at == NOW + later + timedelta(seconds=sla)
    assert again.remind_at is not None
    assert NOW + later < again.remind_at < again.due_at
    assert again.expires_at == clock.expires_at


def test_an_approval_waits_15_minutes_for_its_claim() -> None:
    """A granted approval has only one moment left: the one until which it can be claimed."""
    clock = granted(NOW, 900)
    assert clock == Clock(claim_by=NOW + timedelta(minutes=15))
    assert owed(clock, NOW + timedelta(minutes=15)) is Due.EXPIRE
