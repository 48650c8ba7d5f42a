"""Working hours by the wall clock of a zone, without days off: who is there now, how much working time lies between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from policies.days_off import NO_DAYS, DaysOff

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS = re.compile(r"^(?P<first>[A-Z][a-z]{2})(?:-(?P<last>[A-Z][a-z]{2}))? (?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d)$")
_DAY = timedelta(days=1)
# Whoever works a minute a week would else be waited for longer than the calendar goes.
HORIZON = timedelta(days=5 * 366)

Shift = tuple[frozenset[int], time, time]
Span = tuple[datetime, datetime]


def working_hours(text: str) -> list[Shift]:
    """Shifts as (weekdays from Monday = 0, start, end); raises ValueError naming the part that cannot be read."""
    shifts = []
    for part in text.split(","):
        match = _HOURS.match(part.strip())
        if not match or match["first"] not in _DAYS or (match["last"] or "Mon") not in _DAYS:
            raise ValueError(f"{part.strip()!r} is not like Mon-Fri 09:00-17:00")
        first, last = _DAYS.index(match["first"]), _DAYS.index(match["last"] or match["first"])
        days = frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
        try:
            start, end = time.fromisoformat(match["start"]), time.fromisoformat(match["end"])
        except ValueError:
            raise ValueError(f"{part.strip()!r} holds a time that no clock shows") from None
        if start == end:
            raise ValueError(f"{part.strip()!r} is empty")
        shifts.append((days, start, end))
    return shifts


@dataclass(frozen=True, slots=True)
class Hours:
    """The working hours of one person. All moments are aware; what is returned is UTC."""

    shifts: tuple[Shift, ...]
    zone: ZoneInfo
    off: DaysOff = NO_DAYS
    """Days on which no shift begins."""

    def covers(self, now: datetime) -> bool:
        """Whether `now` lies in working hours."""
        local = now.astimezone(self.zone)
        return any((day := _began(shift, local)) is not None and not self.off.name(day) for shift in self.shifts)

    def day_off(self, now: datetime) -> str | None:
        """Why the local day of `now` is a day off, in words; None where it is a working day like others."""
        return self.off.name(now.astimezone(self.zone).date())

    def after(self, start: datetime, length: timedelta) -> datetime:
        """The first moment at which `length` of working time has passed since `start`; HORIZON later at most."""
        begun, left = start.astimezone(UTC), length
        for begin, end in self._spans(begun):
            if left <= end - begin:
                return begin + left
            left -= end - begin
        return begun + HORIZON

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from `start` to `end`; none where the end comes first."""
        last, worked = end.astimezone(UTC), timedelta(0)
        for begin, finish in self._spans(start.astimezone(UTC)):
            if begin >= last:
                break
            worked += min(finish, last) - begin
        return worked

    def opening(self, now: datetime) -> datetime:
        """The next moment that lies in working hours: `now` itself where it does."""
        return next((begin for begin, _ in self._spans(now.astimezone(UTC))), now + HORIZON)

    def closing(self, now: datetime) -> datetime:
        """The end of the hours in which `now` lies: `now` itself where it lies in none."""
        at = now.astimezone(UTC)
        for begin, end in self._spans(at):
            if begin > at:
                break
            at = end
        return at

    def _spans(self, start: datetime) -> Iterator[Span]:
        """The stretches of working time from `start` on, in order, up to HORIZON."""
        last = start + HORIZON
        while start < last:
            until, offset = _steady(self.zone, start)
            for begin, end in self._shifts_within(start + offset, until + offset):
                yield begin - offset, end - offset
            start = until

    def _shifts_within(self, start: datetime, end: datetime) -> list[Span]:
        """The shifts of a stretch of at most a day in which the zone's clocks are not changed, by the wall clock."""
        found: list[Span] = []
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        for day in (midnight - _DAY, midnight, midnight + _DAY):
            if self.off.name(day.date()):
                continue
            for days, opens, closes in self.shifts:
                if day.weekday() in days:
                    begin, finish = day + _since_midnight(opens), day + _since_midnight(closes)
                    # A night shift belongs to the day on which it starts.
                    found.append((max(begin, start), min(finish if finish > begin else finish + _DAY, end)))
        return _merged(sorted(span for span in found if span[0] < span[1]))


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in spans:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _steady(zone: ZoneInfo, start: datetime) -> tuple[datetime, timedelta]:
    """How long from `start` (UTC) the zone keeps its distance to UTC, a day at most, and that distance."""
    offset, until = _offset(zone, start), start + _DAY
    if _offset(zone, until) == offset:
        return until, offset
    same, changed = start, until
    while changed - same > timedelta(microseconds=1):
        middle = same + (changed - same) / 2
        same, changed = (middle, changed) if _offset(zone, middle) == offset else (same, middle)
    return changed, offset


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _since_midnight(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute)


def _began(shift: Shift, local: datetime) -> date | None:
    """The day on which the shift that `local` lies in began; None where it lies in none."""
    days, start, end = shift
    clock, today = local.time(), local.date()
    if start < end:
        return today if today.weekday() in days and start <= clock < end else None
    if today.weekday() in days and clock >= start:
        return today
    yesterday = today - _DAY
    return yesterday if yesterday.weekday() in days and clock < end else None


@lru_cache(maxsize=4096)
def hours_of(text: str, timezone: str, off: DaysOff = NO_DAYS) -> Hours:
    """The hours that a roster writes, without the days off; all were checked when it was loaded."""
    return Hours(tuple(working_hours(text)), ZoneInfo(timezone), off)


@lru_cache(maxsize=4096)
def always_but(off: DaysOff, timezone: str) -> Hours:
    """The hours of somebody who is always there, except on days off."""
    return Hours(((frozenset(range(7)), time(), time()),), ZoneInfo(timezone), off)
