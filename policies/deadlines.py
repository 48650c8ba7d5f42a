"""When the clock acts: due, reminder, expiry, claim; a clock that stands still while information is awaited (docs/rules.md: B4, E3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from policies.frozen_values import replace
from policies.hours import Hours

REMIND_AT_SHARE = 0.75  # of the SLA: the reminder people accept
SHORTEST_GAP, LONGEST_GAP = timedelta(hours=4), timedelta(hours=24)  # between two reminders for one card
URGENT_SHARE = 0.5  # of the SLA, where the agent says that it is urgent


class SlaClock(StrEnum):
    """When an SLA runs: always, or only in the working hours of whoever was asked. The expiry always runs."""

    ALWAYS = "always"
    BUSINESS_HOURS = "business_hours"


@dataclass(frozen=True, slots=True)
class Clock:
    """An approval's moments, all UTC; None means never. `due_at` is the SLA of the present assignee.

    `reminders` is how often the assignee was reminded; until `hush_until` they have not even been told. After the fact:
    until `undo_until` Undo is offered, by `roll_back_by` the agent should have rolled back, and by `review_by` the
    sampled review should be done.
    """

    due_at: datetime | None = None
    remind_at: datetime | None = None
    expires_at: datetime | None = None
    claim_by: datetime | None = None
    paused_at: datetime | None = None
    undo_until: datetime | None = None
    roll_back_by: datetime | None = None
    review_by: datetime | None = None
    hush_until: datetime | None = None
    reminders: int = 0

    @property
    def wake_at(self) -> datetime | None:
        """The next moment at which the sweep has something to do; while paused there is none."""
        if self.paused_at is not None:
            return None
        return min((moment for moment in self._moments if moment), default=None)

    @property
    def _moments(self) -> tuple[datetime | None, ...]:
        after = (self.undo_until, self.roll_back_by, self.review_by)
        return (self.due_at, self.remind_at, self.hush_until, self.expires_at, self.claim_by, *after)


class Due(StrEnum):
    """What the sweep owes an approval at a moment, the most final first."""

    EXPIRE = "expire"
    LAPSE = "lapse"
    TELL = "tell"
    REASSIGN = "reassign"
    REMIND = "remind"
    CLOSE_UNDO = "close_undo"
    ROLL_BACK = "roll_back"
    REVIEW = "review"


def urgent(sla_seconds: float, urgency: str) -> float:
    """The SLA in seconds of a request of this urgency: half where it is high. Nothing makes it longer."""
    return sla_seconds * URGENT_SHARE if urgency == "high" else sla_seconds


def opened(now: datetime, *, sla_seconds: float, timeout_seconds: int | None, hours: Hours | None = None) -> Clock:
    """The clock of a request that starts waiting now; no timeout means it is held for ever (docs/rules.md: B4: hold)."""
    expires = now + timedelta(seconds=timeout_seconds) if timeout_seconds is not None else None
    return assigned(Clock(expires_at=expires), now, sla_seconds, hours)


def assigned(clock: Clock, now: datetime, sla_seconds: float, hours: Hours | None = None) -> Clock:
    """The clock after somebody was asked now: a fresh SLA, and a reminder at 75 % of it.

    With `hours` only that time counts in which they work. The expiry is not touched: it never waits for anybody's hours.
    """
    sla = timedelta(seconds=sla_seconds)
    remind_at = _later(now, sla * REMIND_AT_SHARE, hours)
    return replace(clock, due_at=_later(now, sla, hours), remind_at=remind_at, hush_until=None, reminders=0)


def _later(now: datetime, length: timedelta, hours: Hours | None) -> datetime:
    return hours.after(now, length) if hours else now + length


def reminded(clock: Clock, now: datetime, since: datetime) -> Clock:
    """The clock after a reminder went out for what waits `since` then.

    While an SLA runs, what comes next is its end. Afterwards the next reminder comes after as long again as it has
    waited, at least SHORTEST_GAP and at most LONGEST_GAP later, unless the expiry comes first.
    """
    counted = replace(clock, reminders=clock.reminders + 1, remind_at=None)
    return counted if clock.due_at else _reminded_next(counted, now, since)


def exhausted(clock: Clock, now: datetime, since: datetime) -> Clock:
    """The clock when nobody is left to ask: the last one asked is reminded now and then, until the final expiry."""
    planned = clock.remind_at is not None and clock.remind_at > now
    left = replace(clock, due_at=None)
    return left if planned else _reminded_next(left, now, since)


def asked_again(clock: Clock, at: datetime, now: datetime, since: datetime) -> Clock:
    """The clock when those who are left are not there now: somebody may be at that moment.

    Until then whoever was asked last is reminded as where nobody is left; who has not even heard of it comes first.
    """
    again = min(at, clock.hush_until) if clock.hush_until else at
    return replace(clock, due_at=again, remind_at=exhausted(clock, now, since).remind_at)


def hushed(clock: Clock, until: datetime) -> Clock:
    """The clock of somebody who must not be notified before `until`: they hear of it then, with a fresh SLA."""
    return replace(clock, hush_until=until, remind_at=None)


def _reminded_next(clock: Clock, now: datetime, since: datetime) -> Clock:
    following = now + min(max(now - since, SHORTEST_GAP), LONGEST_GAP)
    fits = clock.hush_until is None and (clock.expires_at is None or following < clock.expires_at)
    return replace(clock, remind_at=following if fits else None)


def paused(clock: Clock, now: datetime) -> Clock:
    """The clock while information is awaited: it stands still from the first question on (docs/rules.md: C1)."""
    return replace(clock, paused_at=clock.paused_at or now)


def resumed(clock: Clock, now: datetime, hours: Hours | None = None) -> Clock:
    """The clock after the answer: every moment moves by the time it stood still.

    An SLA that runs in working `hours` keeps what was left of it, and not the length of a pause in which nobody worked.
    """
    if clock.paused_at is None:
        return clock
    since, now = clock.paused_at, max(now, clock.paused_at)
    shift = now - since
    return replace(
        clock,
        due_at=clock.due_at and _resumed(clock.due_at, since, now, hours),
        remind_at=clock.remind_at and _resumed(clock.remind_at, since, now, hours),
        expires_at=clock.expires_at and clock.expires_at + shift,
        paused_at=None,
    )


def _resumed(moment: datetime, since: datetime, now: datetime, hours: Hours | None) -> datetime:
    if hours is None or moment <= since:
        return moment + (now - since)
    return hours.after(now, hours.between(since, moment))


def granted(now: datetime, claim_seconds: int, undo_seconds: int = 0) -> Clock:
    """The clock of an approved request: unclaimed, it expires (docs/rules.md: I13: 15 minutes unless the manifest says otherwise)."""
    return Clock(claim_by=now + timedelta(seconds=claim_seconds), undo_until=_window(now, undo_seconds))


def claimed(now: datetime, execution_seconds: int, undo_seconds: int = 0) -> Clock:
    """The clock of what runs: unreported, its outcome counts as unknown; the time for Undo counts anew."""
    return Clock(claim_by=now + timedelta(seconds=execution_seconds), undo_until=_window(now, undo_seconds))


def finished(clock: Clock, now: datetime, undo_seconds: int = 0) -> Clock:
    """The clock after the result: people have the whole window from here, unless it was undone while it ran (docs/rules.md: A14)."""
    if clock.roll_back_by is not None:
        return Clock(roll_back_by=clock.roll_back_by)
    return Clock(undo_until=_window(now, undo_seconds))


def undone(clock: Clock, now: datetime, roll_back_seconds: int) -> Clock:
    """The clock after Undo: offered no more, and the agent has so long to report that it rolled back."""
    return replace(clock, undo_until=None, roll_back_by=now + timedelta(seconds=roll_back_seconds))


def _window(now: datetime, seconds: int) -> datetime | None:
    return now + timedelta(seconds=seconds) if seconds else None


def owed(clock: Clock, now: datetime, *, claimed: bool = False) -> Due | None:
    """What is owed at `now`, or None when nothing is."""
    if clock.paused_at is not None:
        return None
    if _reached(clock.expires_at, now):
        return Due.EXPIRE
    if _reached(clock.claim_by, now):
        return Due.LAPSE if claimed else Due.EXPIRE
    if _reached(clock.hush_until, now):
        return Due.TELL
    if _reached(clock.due_at, now):
        return Due.REASSIGN
    if _reached(clock.remind_at, now):
        return Due.REMIND
    if _reached(clock.undo_until, now):
        return Due.CLOSE_UNDO
    if _reached(clock.roll_back_by, now):
        return Due.ROLL_BACK
    if _reached(clock.review_by, now):
        return Due.REVIEW
    return None


def _reached(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
