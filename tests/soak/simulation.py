"""Simulated time: the real service on a real database whose clock is moved from deadline to deadline, with restarts.

`python -m tests.soak.simulation` runs many years; `make test` runs one.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.service import submit
from bot.service.sweep import sweep
from bot.world import Book, World
from policies.deadlines import REMIND_AT_SHARE, SlaClock
from policies.manifest import load_manifest
from policies.roster import load_roster
from store import agents, approvals, audit, schema
from store.engine import Database, sha256_hex

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
CLOSE = timedelta(seconds=90)  # what a loaded machine may take between the setting of the clock and the sweep


@dataclass
class Simulation:
    """A server that is restarted every `restart_every` sweeps, on a database whose clock stands where we want it."""

    url: str
    restart_every: int = 7
    sweeps: int = 0
    _key: int = 0
    _token: str = ""
    _asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._shift = 0.0
        self._open()
        self._token = self.database.run(lambda unit: agents.add(unit, "simulated"))[1]

    def _open(self) -> None:
        self.database = Database(self.url, pool_size=2, shift_seconds=self._shift)
        self.world = World(self.database, Book(load_manifest(MANIFEST), load_roster(ROSTER)))

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

    def ask(self, action: str) -> str:
        """A request; its id."""
        self._key += 1
        body = json.dumps({"action": action, "params": {}}).encode()
        made = submit.submit(self.world, agents.token_hash(self._token), f"key-{self._key}", body)
        self._asked.append(made.approval.id)
        return made.approval.id

    def until(self, moment: datetime) -> None:
        """Let everything happen that falls due before `moment`, waking as a server does: at the next deadline."""
        while (wake := self.database.read(approvals.next_wake)) is not None and wake < moment:
            self.at(wake + timedelta(milliseconds=5))
            sweep(self.world)
            self.sweeps += 1
            if self.sweeps % self.restart_every == 0:
                self.close()
                self._open()
        self.at(moment)

    def check(self) -> int:
        """Fail unless every reminder, move and expiry happened exactly once and at its moment; how many there were."""
        trails: dict[str, list[dict[str, Any]]] = {name: [] for name in self._asked}
        for line in self.database.read(lambda unit: list(audit.lines(unit))):
            trails[str(line["approval_id"])].append(line)
        assert self.database.read(lambda unit: audit.verify(unit, sha256_hex))[1] == []
        return sum(_checked(self.world, trail) for trail in trails.values())


def _checked(world: World, trail: list[dict[str, Any]]) -> int:
    """One approval's story against the figures of its policy, recomputed from the audit trail alone."""
    first, *rest = trail
    policy = world.book.manifest.policy(str(first["action"]))
    assert policy is not None
    sla = timedelta(seconds=policy.sla_seconds)
    asked_at, expiry = _at(first), _at(first) + timedelta(seconds=policy.hard_timeout_seconds)
    asked: list[str] = []
    reminded = left = False
    who = None
    for line in rest:
        event, moment = line["event"], _at(line)
        if event == "timeout":
            assert abs(moment - expiry) < CLOSE, (moment, expiry)
            assert line is rest[-1], "nothing happens after the end"
            continue
        who = who or str(line["rationale"]).rpartition(" ")[2]
        hours = world.book.roster.hours(who) if policy.sla_clock is SlaClock.BUSINESS_HOURS else None
        if event == "reminded":
            assert not reminded, "a reminder comes once"
            share = sla * REMIND_AT_SHARE
            wanted = hours.after(asked_at, share) if hours else asked_at + share
            reminded = True
        else:
            assert not left, "nobody is asked after the last"
            assert reminded, "a reminder comes before the move"
            wanted = hours.after(asked_at, sla) if hours else asked_at + sla
            asked.append(who)
            left, reminded = line["decision"] is None, False
            asked_at, who = moment, line["decision"]
            assert who not in asked, "nobody is asked twice"
        assert abs(moment - wanted) < CLOSE, (event, moment, wanted)
    assert rest[-1]["event"] == "timeout", "every story ends"
    return len(rest)


def _at(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(str(line["at"]))


def twelve_hours(url: str, requests: int = 12) -> int:
    """A request an hour, and nobody ever answers."""
    simulation = Simulation(url, restart_every=5)
    try:
        start = datetime(2027, 1, 6, 14, tzinfo=UTC)  # a Wednesday, when Berlin and New York both work
        for hour in range(requests):
            simulation.until(start + timedelta(hours=hour))
            simulation.ask("quick")
        simulation.until(start + timedelta(hours=requests + 12))
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
    """Requests all through a year, and more on the Fridays before clocks are changed."""
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


def main(scale: int = 1) -> None:
    """Twelve hours and a year on a fresh SQLite file, with `scale` times the requests."""
    with tempfile.TemporaryDirectory() as folder:
        for name, run in (("hours", lambda url: twelve_hours(url, 12 * scale)), ("year", _dense(scale))):
            url = f"sqlite:///{folder}/{name}.db"
            database = Database(url, pool_size=1)
            schema.upgrade(database)
            database.close()
            print(f"{name}: {run(url)} reminders, moves and expiries, each once and in time")


def _dense(scale: int) -> Any:
    return lambda url: a_year(url, step_days=max(1, 8 // scale))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
