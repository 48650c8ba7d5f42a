"""When people are left alone: quiet hours, and the moment of the morning's list."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from policies import silence
from policies.approval import Approval
from policies.days_off import NO_DAYS, DaysOff
from policies.hours import Hours, hours_of

_QUIET = re.compile(r"^\d\d:\d\d-\d\d:\d\d$")
NEVER = "never"
MORNING = time(9, 0)  # of those who have no working hours
# A server that was down in the morning makes up for it, but not in the afternoon.
LATE = timedelta(hours=4)
_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def check_quiet(text: str) -> None:
    """Raise ValueError unless `text` is a daily stretch such as 22:00-07:00, or never."""
    if text == NEVER:
        return
    if not _QUIET.match(text):
        raise ValueError(f"{text!r} is not like 22:00-07:00")
    quiet_hours(text, "UTC")


def quiet_hours(text: str, timezone: str) -> Hours:
    """The quiet hours that a roster writes, by the wall clock of a zone."""
    return hours_of(f"Mon-Sun {text}", timezone)


def always_quiet(hours: Hours, quiet: Hours) -> bool:
    """Whether somebody with these working hours works in quiet hours only, in a week without change of clocks or days off."""
    at, hours = _MONDAY, replace(hours, off=NO_DAYS)
    while (at := hours.opening(at)) < _MONDAY + timedelta(days=7):
        if not quiet.covers(at):
            return False
        at = quiet.closing(at)
    return True


def notifies_at_any_hour(approval: Approval) -> bool:
    """Whether it notifies at any hour: it is declared urgent or of high severity, or silence would let it run."""
    policy = approval.policy
    if approval.request.urgency == "high" or policy.severity == "high":
        return True
    return silence.consents(policy, approval.level)


@dataclass(frozen=True, slots=True)
class Morning:
    """When somebody gets the list of what waits for them. `hours` None means 09:00 on every day that is not `off`."""

    hours: Hours | None
    quiet: Hours | None
    timezone: str
    off: DaysOff = NO_DAYS

    def latest(self, now: datetime) -> tuple[date, datetime] | None:
        """The local day and moment of the list that is due at `now`; None where none was due within LATE."""
        due = [(day, moment) for day, moment in _around(self, self._today(now)) if now - LATE < moment <= now]
        return max(due, key=lambda entry: entry[1], default=None)

    def next(self, now: datetime) -> datetime | None:
        """The first moment after `now`; None where they never work."""
        return min((moment for _, moment in _around(self, self._today(now)) if moment > now), default=None)

    def _today(self, now: datetime) -> date:
        return now.astimezone(self._clock.zone).date()

    @property
    def _clock(self) -> Hours:
        return self.hours or hours_of("Mon-Sun 09:00-17:00", self.timezone, self.off)

    def of(self, day: date) -> datetime | None:
        """The moment of that local day; None where they do not work then."""
        starts = [opens for days, opens, _ in self._clock.shifts if day.weekday() in days]
        if not starts or self._clock.off.name(day):
            return None
        # A wall clock that jumps over this time shows the one after it; of two equal times it is the first.
        moment = datetime.combine(day, min(starts), self._clock.zone).astimezone(UTC)
        return self.quiet.closing(moment) if self.quiet else moment


@lru_cache(maxsize=4096)
def _around(morning: Morning, today: date) -> list[tuple[date, datetime]]:
    days = (today + timedelta(days=step) for step in range(-2, 9))
    return [(day, moment) for day in days if (moment := morning.of(day)) is not None]
