"""Simulated time: the real service on a real database whose clock is moved from deadline to deadline, with restarts.

`python -m tests.soak.simulation --database KIND` plays many requests; `make test` plays a few.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.service import submit
from bot.service.context import Book, World
from bot.service.sweep import sweep
from policies.approval import Approval
from policies.files.manifest import load_manifest
from policies.files.roster import load_roster
from store import agents, approvals, audit, verification
from store.engine import Database
from tests.chaos.places import Report, command_line, database_url
from tests.soak import expected

MANIFEST = """
version: 1
defaults: {limits: {creates_per_minute: 100000, pending: 100000}, required_role: finance, escalation_path: [lead]}
actions:
  quick: {title: Q, describe: Q, severity: medium, reversible: false, sla_seconds: 900, approval_timeout_seconds: 3600}
  office:
    {title: O, describe: O, severity: medium, reversible: false, sla_seconds: 14400, sla_clock: business_hours,
     approval_timeout_seconds: 432000}
"""
ROSTER = """
version: 1
roles: {finance: {members: [U0ALICE, U0BOB]}, lead: {members: [U0CAROL]}}
people:
  U0ALICE: {hours: "Mon-Fri 09:00-17:00", timezone: Europe/Berlin}
  U0BOB: {hours: "Mon-Fri 09:00-17:00", timezone: America/New_York}
operations: {channel: "#ops"}
"""
PEOPLE = (
    expected.Person("U0ALICE", "finance", "Europe/Berlin"),
    expected.Person("U0BOB", "finance", "America/New_York"),
    expected.Person("U0CAROL", "lead"),
)
SLAS = {"quick": (900, 3600, False), "office": (14400, 432000, True)}
CLOSE = timedelta(seconds=90)  # what a loaded machine may take between the setting of the clock and the sweep


@dataclass
class Simulation:
    """A server that is restarted every `restart_every` sweeps, on a database whose clock stands where we want it."""

    url: str
    restart_every: int = 7
    manifest: str = MANIFEST
    roster: str = ROSTER
    sweeps: int = 0
    restarts: int = 0
    _key: int = 0
    _token: str = ""

    def __post_init__(self) -> None:
        self._shift = 0.0
        self._open()
        self._token = self.database.run(lambda unit: agents.add(unit, "simulated"))[1]

    def _open(self) -> None:
        self.database = Database(self.url, pool_size=2, shift_seconds=self._shift)
        self.world = World(self.database, Book(load_manifest(self.manifest), load_roster(self.roster)))

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    @property
    def now(self) -> datetime:
        """What the database's clock shows."""
        return self.database.read(lambda unit: unit.now)

    def at(self, moment: datetime) -> None:
        """Set the clock forward to `moment`."""
        self._shift += max(0.0, (moment - self.now).total_seconds())
        self.database.shift_seconds = self._shift

    def ask(self, action: str) -> Approval:
        """A request."""
        self._key += 1
        body = json.dumps({"action": action, "params": {"number": self._key}}).encode()
        return submit.submit(self.world, agents.token_hash(self._token), f"key-{self._key}", body).approval

    def until(self, moment: datetime) -> None:
        """Let everything happen that falls due before `moment`, waking as a server does: at the next deadline."""
        while (wake := self.database.read(approvals.next_wake)) is not None and wake < moment:
            self.at(wake + timedelta(milliseconds=5))
            sweep(self.world)
            self.sweeps += 1
            if self.sweeps % self.restart_every == 0:
                self.close()
                self._open()
                self.restarts += 1
        self.at(moment)

    def check(self) -> int:
        """Fail unless the trail is what was expected, each thing once and at its moment; how many things there were."""
        assert self.database.snapshot(verification.verify).told == []
        assert self.restarts, "the server was never restarted"
        model = expected.Model(PEOPLE, SLAS, CLOSE)
        model.replay(self.database.read(lambda unit: list(audit.lines(unit))))
        assert model.faults == [], model.faults
        assert len(model.stories) == self._key
        return model.happened


def twelve_hours(url: str, requests: int = 12) -> int:
    """`requests` within twelve hours, nobody ever answers, and the rest of the day passes; how many things happened."""
    simulation = Simulation(url, restart_every=5)
    try:
        start = datetime(2027, 1, 6, 14, tzinfo=UTC)  # a Wednesday, when Berlin and New York both work
        for number in range(requests):
            simulation.until(start + timedelta(hours=12) * number / requests)
            simulation.ask("quick")
        simulation.until(start + timedelta(hours=24))
        return simulation.check()
    finally:
        simulation.close()


# 2027: Berlin changes its clocks on 28 March and 31 October, New York on 14 March and 7 November.
BEFORE_CHANGES = (
    (3, 12, 15),
    (3, 12, 21),
    (3, 26, 8),
    (3, 26, 15),
    (10, 29, 14),
    (10, 29, 20),
    (11, 5, 9),
    (11, 5, 19),
)


def a_year(url: str, step_days: int = 40, year: int = 2027) -> int:
    """Requests all through a year, and more on the Fridays before clocks are changed; how many things happened."""
    simulation = Simulation(url)
    try:
        usual = [datetime(year, 1, 4, 9, 30, tzinfo=UTC) + timedelta(days=day) for day in range(0, 350, step_days)]
        for moment in sorted([*usual, *(datetime(year, *when, 30, tzinfo=UTC) for when in BEFORE_CHANGES)]):
            simulation.until(moment)
            simulation.ask("office")
        simulation.until(datetime(year + 1, 1, 10, tzinfo=UTC))
        return simulation.check()
    finally:
        simulation.close()


def run(urls: tuple[str, str], kind: str, scale: int) -> Report:
    """Hours and a year with `scale` times the requests of the short version."""
    report = Report(f"simulated time on {kind}")
    report.figures["happened in 24 simulated hours"] = twelve_hours(urls[0], 12 * scale)
    report.figures["happened in a simulated year"] = a_year(urls[1], step_days=max(1, 40 // scale))
    return report


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    with database_url(arguments.database, folder) as hours, database_url(arguments.database, folder) as year:
        return run((hours, year), arguments.database, arguments.n)


if __name__ == "__main__":
    command_line(_work, n=8)
