"""How it goes: what waits, what was missed, how long decisions take, and how each reviewer decides (docs/rules.md: F9)."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median, quantiles
from typing import Any

from sqlalchemy import ColumnElement, Text, case, func, literal_column, select
from sqlalchemy.sql.elements import KeyedColumnElement

from policies.lifecycle import State
from store.planting import PLANTED
from store.tables import approvals, decisions
from store.types import utc_day
from store.unit import Unit

# A first yes of several, and an edit that another person has to confirm: acts of a reviewer, but nothing is decided yet.
_HALF = ("vote", "revise")
_YES = ("approve", "vote", "edit", "revise")
_ALL: ColumnElement[str] = literal_column("'all'", Text())


@dataclass(frozen=True, slots=True)
class Spread:
    """How long decisions took, in seconds from the request: how many there were, median and 90th percentile."""

    count: int
    median: float
    p90: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits now: how many, how many of them past their SLA, and the age of the oldest in seconds."""

    count: int = 0
    overdue: int = 0
    oldest: float | None = None


@dataclass(frozen=True, slots=True)
class RoleStats:
    """One role: what waits for it, requests of the window that missed their SLA, and its members' decisions."""

    role: str
    waiting: Waiting
    breached: int
    spread: Spread | None


@dataclass(frozen=True, slots=True)
class ReviewerStats:
    """One person: what waits for them, and their decisions of the window (docs/rules.md: F9): how many a day, times, share of yes."""

    user: str
    waiting: Waiting
    per_day: float
    spread: Spread | None
    approval_rate: float | None


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC: requests a person was asked about, decisions, SLAs missed, and the decisions' median seconds."""

    day: date
    asked: int
    decided: int
    breached: int
    median: float | None


@dataclass(frozen=True, slots=True)
class Stats:
    """The team's figures: `waiting` is of now, the rest of the last `days` days up to this moment."""

    days: int
    waiting: Waiting
    by_route: dict[str, int]
    breached: int
    spread: Spread | None
    roles: tuple[RoleStats, ...]
    reviewers: tuple[ReviewerStats, ...]
    by_day: tuple[Day, ...]

    @property
    def asked(self) -> int:
        """How many requests a person was asked about."""
        return self.by_route.get("ask", 0)


def stats(unit: Unit, *, days: int = 14) -> Stats:
    """The figures of the last `days` days, by database time."""
    since = unit.now - timedelta(days=days)
    routes = select(approvals.c.route, func.count().label("asked")).where(approvals.c.created_at > since)
    by_route = {row.route: row.asked for row in unit.execute(routes.group_by(approvals.c.route))}
    tests = _tests_by_day(unit, since)
    if tests:
        by_route["ask"] -= sum(tests.values())
    took, missed = _Taken(unit, since), _missed(unit, since)
    return Stats(
        days=days,
        waiting=waiting(unit),
        by_route=by_route,
        breached=sum(missed.values()),
        spread=_spread(took.all),
        roles=_roles(unit, took, missed),
        reviewers=_reviewers(unit, took, days),
        by_day=tuple(_by_day(unit, since, took, tests)),
    )


class _Taken:
    """The window's decisions in one pass: milliseconds from request to decision, packed, by what they are shown under.

    Sorting them here costs a tenth of the windows that the databases would need for the same medians.
    """

    def __init__(self, unit: Unit, since: datetime) -> None:
        self.all = array("q")
        self.by_role: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self.by_day: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self.by_person: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self.yes: Counter[str] = Counter()
        day = utc_day(decisions.c.at).label("day")
        query = select(decisions.c.by, decisions.c.role, decisions.c.verb, decisions.c.latency_ms, day)
        query = query.where(decisions.c.at > since).execution_options(yield_per=5000)
        rows: Iterable[Any] = unit.execute(query)
        for by, role, verb, taken, on in rows:
            self.by_person[by].append(taken)
            self.yes[by] += verb in _YES
            if verb not in _HALF:
                self.all.append(taken)
                self.by_role[role].append(taken)
                self.by_day[on].append(taken)


def _spread(taken: array[int] | None) -> Spread | None:
    if not taken:
        return None
    ordered = sorted(taken)
    p90 = quantiles(ordered, n=10, method="inclusive")[8] if len(ordered) > 1 else ordered[0]
    return Spread(len(ordered), median(ordered) / 1000, p90 / 1000)


def waiting(unit: Unit, assignee: str | None = None) -> Waiting:
    """What waits now, for everybody or for one person."""
    found = _waiting_by(unit, _ALL, assignee)
    return found.get("all", Waiting())


def _waiting_by(unit: Unit, key: ColumnElement[Any], assignee: str | None = None) -> dict[str, Waiting]:
    # A clock that stands still misses nothing.
    late = case((approvals.c.clock_paused_at.is_not(None), 0), (approvals.c.clock_due_at < unit.instant, 1), else_=0)
    query = select(
        key.label("key"),
        func.count().label("number"),
        func.sum(late).label("overdue"),
        func.min(approvals.c.created_at).label("oldest"),
    ).where(_pending)
    if assignee is not None:
        query = query.where(approvals.c.assignee == assignee)
    rows = unit.execute(query.group_by("key"))
    return {row.key: Waiting(row.number, row.overdue, (unit.now - row.oldest).total_seconds()) for row in rows}


# Written out and not bound: a partial index is only taken where the statement itself says which rows it wants.
_pending = approvals.c.state == literal_column(f"'{State.PENDING}'")


def _missed(unit: Unit, since: datetime) -> dict[str, int]:
    """Requests that missed their first SLA in the window, by the role that had to decide them."""
    query = select(approvals.c.reached_roles, func.count().label("number")).where(approvals.c.breached_at > since)
    missed: dict[str, int] = {}
    for row in unit.execute(query.group_by(approvals.c.reached_roles)):
        role = row.reached_roles[0] if row.reached_roles else ""
        missed[role] = missed.get(role, 0) + row.number
    return missed


def _roles(unit: Unit, took: _Taken, missed: dict[str, int]) -> tuple[RoleStats, ...]:
    now = _waiting_by(unit, approvals.c.role)
    names = sorted({name for name in (*took.by_role, *now, *missed) if name})
    return tuple(
        RoleStats(name, now.get(name, Waiting()), missed.get(name, 0), _spread(took.by_role.get(name)))
        for name in names
    )


def _reviewers(unit: Unit, took: _Taken, days: float) -> tuple[ReviewerStats, ...]:
    now = _waiting_by(unit, approvals.c.assignee)
    found = []
    for user in sorted({user for user in (*took.by_person, *now) if user}):
        spread = _spread(took.by_person.get(user))
        count = spread.count if spread else 0
        rate = took.yes[user] / count if count else None
        found.append(ReviewerStats(user, now.get(user, Waiting()), count / days, spread, rate))
    return tuple(found)


def _tests_by_day(unit: Unit, since: datetime) -> dict[str, int]:
    """Tests of reviewers, which no agent asked: taken off rather than left out, so that an index alone still counts the rest."""
    return _count_by_day(unit, approvals.c.created_at, since, PLANTED)


def _by_day(unit: Unit, since: datetime, took: _Taken, tests: dict[str, int]) -> Iterator[Day]:
    """The window's days in UTC, today the last, those on which nothing happened too."""
    asked = _count_by_day(unit, approvals.c.created_at, since, approvals.c.route == "ask")
    missed = _count_by_day(unit, approvals.c.breached_at, since)
    day, last = since.date() + timedelta(days=1), unit.now.date()
    while day <= last:
        key = day.isoformat()
        spread = _spread(took.by_day.get(key))
        count, middle = (spread.count, spread.median) if spread else (0, None)
        yield Day(day, asked.get(key, 0) - tests.get(key, 0), count, missed.get(key, 0), middle)
        day += timedelta(days=1)


def _count_by_day(
    unit: Unit, at: KeyedColumnElement[Any], since: datetime, *where: ColumnElement[bool]
) -> dict[str, int]:
    day = utc_day(at).label("day")
    query = select(day, func.count().label("number")).where(at > since, *where).group_by("day")
    return {row.day: row.number for row in unit.execute(query)}
