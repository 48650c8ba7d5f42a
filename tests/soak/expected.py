"""What the clock owes, worked out a second time: who is asked, when they are reminded, and when it moves on or ends.

Nothing of the product's own reckoning is used. Working time is counted by walking along the wall clock in quarters of an
hour, and who is asked is found from the trail alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Line = Mapping[str, Any]
QUARTER = timedelta(minutes=15)
REMINDER = 0.75
REMINDERS = 3  # for one reviewer
SHORTEST, LONGEST = timedelta(hours=4), timedelta(hours=24)  # between two reminders when nobody is left to ask


@dataclass(frozen=True)
class Person:
    """Somebody of a role, who works Monday to Friday from `opens` to `closes` in `zone`, or always."""

    user: str
    role: str
    zone: str | None = None
    opens: int = 9
    closes: int = 17

    def works(self, moment: datetime) -> bool:
        """Whether they are there."""
        if self.zone is None:
            return True
        local = moment.astimezone(ZoneInfo(self.zone))
        within = self.opens <= local.hour < self.closes
        return local.weekday() < 5 and within

    def worked(self, start: datetime, length: timedelta) -> datetime:
        """When they will have worked so long since `start`: a quarter of an hour is worked as a whole or not at all."""
        now = start.astimezone(UTC)
        while True:
            into = timedelta(minutes=now.minute % 15, seconds=now.second, microseconds=now.microsecond)
            upto = now - into + QUARTER
            if self.works(now):
                if length <= upto - now:
                    return now + length
                length -= upto - now
            now = upto


@dataclass
class Story:
    """One approval: since when its reviewer is asked, who that is, and what is still to come."""

    asked_at: datetime
    expires_at: datetime
    sla: timedelta
    by_hours: bool
    who: Person
    asked: list[str] = field(default_factory=list)
    reminded: bool = False
    exhausted: bool = False
    ended: bool = False
    begun_at: datetime = field(init=False)
    reminders: int = 0
    told_at: datetime | None = None

    def __post_init__(self) -> None:
        self.begun_at = self.asked_at

    def next(self) -> tuple[str, datetime]:
        """What happens next, and when."""
        found = {"timeout": self.expires_at}
        if not self.exhausted:
            found["moved"] = self._after(self.sla)
            if not self.reminded:
                found["reminded"] = self._after(self.sla * REMINDER)
        elif self.told_at is not None and self.reminders < REMINDERS:
            found["reminded"] = self.told_at + min(max(self.told_at - self.begun_at, SHORTEST), LONGEST)
        event = min(found, key=lambda name: found[name])
        return event, found[event]

    def _after(self, length: timedelta) -> datetime:
        return self.who.worked(self.asked_at, length) if self.by_hours else self.asked_at + length


class Model:
    """Replays a trail line by line and says what should have been in it instead."""

    def __init__(self, people: Sequence[Person], slas: Mapping[str, tuple[int, int, bool]], close: timedelta) -> None:
        """`slas` are SLA and timeout in seconds by action, and whether the SLA runs in working hours only."""
        self.people, self.slas, self.close = people, slas, close
        self.stories: dict[str, Story] = {}
        self.faults: list[str] = []
        self.happened = 0

    def replay(self, lines: Sequence[Line]) -> None:
        """The whole trail; every story must have come to its end."""
        for line in lines:
            name = str(line["approval_id"])
            if line["event"] == "requested":
                self.stories[name] = self._begun(line)
            else:
                self.happened += 1
                self._judge(name, self.stories[name], line)
        self.faults += [f"{name} has no end" for name, story in self.stories.items() if not story.ended]

    def _begun(self, line: Line) -> Story:
        sla, timeout, by_hours = self.slas[line["action"]]
        now = _at(line)
        who = self._chosen(self.people, now, ())
        assert who is not None, "somebody is always there"
        return Story(now, now + timedelta(seconds=timeout), timedelta(seconds=sla), by_hours, who, [who.user])

    def _judge(self, name: str, story: Story, line: Line) -> None:
        event, due = story.next()
        seen, now = str(line["event"]), _at(line)
        if story.ended:
            self.faults.append(f"{name}: {seen} after its end")
        if abs(now - due) > self.close:
            self.faults.append(f"{name}: {seen} at {now} instead of {event} at {due}")
        if event == "timeout":
            self._same(name, seen, "timeout")
            story.ended = True
        elif event == "reminded":
            story.reminders += 1
            why = f"reminder {story.reminders}" if story.exhausted else "75 % of the SLA"
            self._same(name, f"{seen} {line['rationale']}", f"reminded {why}, {story.who.user}")
            story.reminded, story.told_at = True, now
        else:
            self._moved(name, story, line, now)

    def _moved(self, name: str, story: Story, line: Line, now: datetime) -> None:
        roles = list(dict.fromkeys(person.role for person in self.people))
        ahead = [person for person in self.people if roles.index(person.role) >= roles.index(story.who.role)]
        found = self._chosen(ahead, now, story.asked)
        if found is None:
            self._same(name, f"{line['event']} {line['decision']}", "escalated None")
            story.exhausted, story.told_at = True, now
            return
        event = "reassigned" if found.role == story.who.role else "escalated"
        self._same(name, f"{line['event']} {line['decision']}", f"{event} {found.user}")
        story.who, story.asked_at, story.reminded, story.reminders = found, now, False, 0
        story.asked.append(found.user)

    def _chosen(self, people: Sequence[Person], now: datetime, asked: Sequence[str]) -> Person | None:
        for role in dict.fromkeys(person.role for person in people):
            free = [one for one in people if one.role == role and one.user not in asked and one.works(now)]
            if free:
                return min(free, key=self._busy)
        return None

    def _busy(self, person: Person) -> tuple[int, datetime, str]:
        theirs = [story for story in self.stories.values() if story.who.user == person.user]
        never = datetime.min.replace(tzinfo=UTC)
        last = max((story.asked_at for story in theirs), default=never)
        return sum(not story.ended for story in theirs), last, person.user

    def _same(self, name: str, seen: str, wanted: str) -> None:
        if seen != wanted:
            self.faults.append(f"{name}: {seen!r} instead of {wanted!r}")


def _at(line: Line) -> datetime:
    return datetime.fromisoformat(str(line["at"]))
