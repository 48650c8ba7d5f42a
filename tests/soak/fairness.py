"""1,000 requests for twelve reviewers with mixed hours and absences: how evenly they are dealt out, beside two usual ways.

`python -m tests.soak.fairness` prints the table. Ours is the real service on a real database; round-robin and "least
recently assigned" are a few lines each, and are told who is there. All three see the same requests, and each reviewer
decides as many cards an hour under each of them.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import yaml

from bot.service import authorization, decide
from bot.service.context import Directory, PersonFacts
from policies.approval import Approval
from store import directory
from tests.chaos.places import Report, command_line, database_url
from tests.soak.expected import Person
from tests.soak.simulation import Simulation

START = datetime(2027, 1, 6, tzinfo=UTC)  # a Wednesday
HOUR = timedelta(hours=1)
HOURS = 24
TEAM = "T0PLAY"
PEOPLE = (
    *(Person(f"U0BERLIN{n}", "finance", "Europe/Berlin", 8 + n, 16 + n) for n in range(4)),
    *(Person(f"U0BOSTON{n}", "finance", "America/New_York", 8 + n, 17) for n in range(3)),
    *(Person(f"U0TOKYO{n}", "finance", "Asia/Tokyo", 9, 18) for n in range(3)),
    *(Person(f"U0ANYTIME{n}", "finance") for n in range(2)),
)
# Who is away from which hour of the day until which.
AWAY = {"U0BERLIN1": (10, 14), "U0BOSTON2": (15, 20), "U0TOKYO0": (0, 4), "U0ANYTIME1": (6, 18)}
PACE = {
    person.user: 3 + 7 * number % 13 for number, person in enumerate(PEOPLE)
}  # decisions an hour, of 1,000 requests a day
MANIFEST = """
version: 1
defaults: {limits: {creates_per_minute: 1000000, pending: 1000000}, required_role: finance}
actions:
  fair:
    {title: F, describe: F, severity: medium, reversible: false, sla_seconds: 5000000, approval_timeout_seconds: 9000000}
"""


def roster() -> str:
    """The roster of these twelve."""
    hours = {
        person.user: {"hours": f"Mon-Fri {person.opens:02}:00-{person.closes:02}:00", "timezone": person.zone}
        for person in PEOPLE
        if person.zone
    }
    roles = {"finance": {"members": [person.user for person in PEOPLE]}}
    return yaml.safe_dump({"version": 1, "roles": roles, "people": hours, "operations": {"channel": "#ops"}})


def available(hour: int) -> list[str]:
    """Who is there in that hour of the day, worked out without the product."""
    moment = START + hour * HOUR
    there = [person.user for person in PEOPLE if person.works(moment)]
    return [user for user in there if not (user in AWAY and AWAY[user][0] <= hour < AWAY[user][1])]


class Dealer(Protocol):
    """A way to deal out cards."""

    def begin(self, hour: int) -> None:
        """An hour of the day begins."""

    def deal(self) -> str:
        """A request comes; whose card it is."""

    def decided(self, user: str) -> None:
        """`user` decided the oldest card they have."""


class Ours:
    """The service on a database; it finds out by itself who is there and how busy."""

    def __init__(self, url: str) -> None:
        self._simulation = Simulation(url, manifest=MANIFEST, roster=roster())
        people = {person.user: PersonFacts(person.user, team=TEAM) for person in PEOPLE}
        self._simulation.world.directory = Directory(people, home_team=TEAM)
        self._cards: dict[str, deque[Approval]] = defaultdict(deque)

    def begin(self, hour: int) -> None:
        """Set the clock, and say who goes away."""
        self._simulation.at(START + hour * HOUR + timedelta(seconds=1))
        for user, (since, until) in AWAY.items():
            if hour == since:
                back = START + until * HOUR
                self._simulation.database.run(lambda unit, user=user, back=back: directory.set_away(unit, user, back))

    def deal(self) -> str:
        """Ask."""
        made = self._simulation.ask("fair")
        assert made.assignee is not None
        self._cards[made.assignee].append(made)
        return made.assignee

    def decided(self, user: str) -> None:
        """A yes to their oldest card."""
        card, world = self._cards[user].popleft(), self._simulation.world
        actor = world.directory.actor(world.book.roster, user, team=TEAM)
        decide.approve(world, authorization.Tap(card.id, card.digest, actor))

    def close(self) -> None:
        """Let go of the database."""
        self._simulation.close()


@dataclass
class RoundRobin:
    """The next in the list who is there."""

    there: list[str] = field(default_factory=list)
    _last: int = -1

    def begin(self, hour: int) -> None:
        """Who is there changes."""
        self.there = available(hour)

    def deal(self) -> str:
        """One further in the list."""
        users = [person.user for person in PEOPLE]
        while True:
            self._last = (self._last + 1) % len(users)
            if users[self._last] in self.there:
                return users[self._last]

    def decided(self, user: str) -> None:
        """Makes no difference."""


@dataclass
class LeastRecent:
    """Of those who are there, whoever was asked longest ago."""

    there: list[str] = field(default_factory=list)
    _asked: dict[str, int] = field(default_factory=dict)

    def begin(self, hour: int) -> None:
        """Who is there changes."""
        self.there = available(hour)

    def deal(self) -> str:
        """Whoever waited longest."""
        user = min(self.there, key=lambda one: (self._asked.get(one, -1), one))
        self._asked[user] = max(self._asked.values(), default=0) + 1
        return user

    def decided(self, user: str) -> None:
        """Makes no difference."""


@dataclass
class Outcome:
    """How one way of dealing did."""

    distances: list[int] = field(default_factory=list)
    fullest: int = 0
    absent: int = 0
    waited: list[int] = field(default_factory=list)
    left: int = 0


def play(dealer: Dealer, counts: Sequence[int]) -> Outcome:
    """A day: in each hour those who are there decide what they manage, then its requests come."""
    outcome, cards = Outcome(), {person.user: deque[int]() for person in PEOPLE}
    share = sum(counts) / 1000
    for hour, count in enumerate(counts):
        dealer.begin(hour)
        there = available(hour)
        for user in there:
            for _ in range(min(math.ceil(PACE[user] * share), len(cards[user]))):
                outcome.waited.append(hour - cards[user].popleft())
                dealer.decided(user)
        before = {user: len(held) for user, held in cards.items()}
        for _ in range(count):
            user = dealer.deal()
            outcome.absent += user not in there
            cards[user].append(hour)
        after = {user: len(held) for user, held in cards.items()}
        wanted = ideal(before, there, count)
        outcome.distances.append(max(abs(after[user] - wanted[user]) for user in after))
        outcome.fullest = max(outcome.fullest, *after.values())
    outcome.left = sum(map(len, cards.values()))
    outcome.waited += [len(counts) - asked for held in cards.values() for asked in held]
    return outcome


def ideal(before: Mapping[str, int], there: Sequence[str], count: int) -> dict[str, int]:
    """The loads after `count` more, poured like water over those who are there."""
    level = Counter(before)
    for _ in range(count):
        level[min(there, key=lambda user: level[user])] += 1
    return dict(level)


def hourly(n: int, seed: int) -> list[int]:
    """`n` requests over the hours of a day, busy and quiet ones."""
    random_ = random.Random(seed)
    counts = Counter(random_.choices(range(HOURS), weights=[random_.uniform(0.3, 2) for _ in range(HOURS)], k=n))
    return [counts[hour] for hour in range(HOURS)]


def run(url: str, *, n: int, seed: int = 1) -> tuple[Report, str]:
    """The same day three times; a report, and the table."""
    counts = hourly(n, seed)
    ours = Ours(url)
    try:
        outcomes = {"ours: fewest open": play(ours, counts)}
    finally:
        ours.close()
    outcomes |= {"round-robin": play(RoundRobin(), counts), "least recently assigned": play(LeastRecent(), counts)}
    report = Report("1,000 requests, twelve reviewers" if n == 1000 else f"{n} requests, twelve reviewers")
    mine = outcomes["ours: fewest open"]
    report.require(max(mine.distances) <= 1, f"{max(mine.distances)} from the ideal load")
    report.require(mine.absent == 0, f"{mine.absent} requests went to somebody who was not there")
    report.figures |= {
        "requests": sum(counts),
        **{f"{name}, worst": max(outcome.distances) for name, outcome in outcomes.items()},
    }
    return report, table(outcomes)


def table(outcomes: Mapping[str, Outcome]) -> str:
    """The three beside each other."""
    lines = ["| | furthest from the ideal | on average | fullest desk | hours waited | left at the end |"]
    lines.append("|---|---|---|---|---|---|")
    for name, it in outcomes.items():
        average, waited = sum(it.distances) / len(it.distances), sum(it.waited) / max(1, len(it.waited))
        lines.append(f"| {name} | {max(it.distances)} | {average:.1f} | {it.fullest} | {waited:.2f} | {it.left} |")
    return "\n".join(lines)


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    with database_url(arguments.database, folder) as url:
        report, words = run(url, n=arguments.n, seed=arguments.seed)
    print(words)
    return report


if __name__ == "__main__":
    command_line(_work, n=1000)
