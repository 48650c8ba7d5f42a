"""How it goes: what waits, how long decisions take, and how each reviewer decides (F9)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from statistics import median, quantiles

from sqlalchemy import func, select

from store.tables import approvals, decisions
from store.unit import Unit

MOST = 20_000  # decisions looked at, newest first


@dataclass(frozen=True, slots=True)
class RoleFigures:
    """One role's decisions of the window: how many, and seconds from request to decision."""

    role: str
    decided: int
    median_seconds: float
    p90_seconds: float


@dataclass(frozen=True, slots=True)
class ReviewerFigures:
    """One person's decisions of the window (F9): how many a day, median seconds, share of yes."""

    user: str
    decided: int
    per_day: float
    median_seconds: float
    approval_rate: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The team's figures of the last `days` days; `waiting`, `oldest_seconds` and `overdue` are of now."""

    days: int
    waiting: int
    overdue: int
    oldest_seconds: float | None
    by_route: dict[str, int]
    roles: tuple[RoleFigures, ...]
    reviewers: tuple[ReviewerFigures, ...]

    @property
    def asked(self) -> int:
        """How many requests a person was asked about."""
        return self.by_route.get("ask", 0)


def figures(unit: Unit, *, days: int = 14) -> Figures:
    """The figures of the last `days` days, by database time."""
    since = unit.now - timedelta(days=days)
    waiting, oldest, overdue = _waiting(unit)
    by_route = select(approvals.c.route, func.count().label("asked")).where(approvals.c.created_at > since)
    routes = {row.route: row.asked for row in unit.execute(by_route.group_by(approvals.c.route))}
    query = (
        select(decisions.c.role, decisions.c.by, decisions.c.verb, decisions.c.latency_ms)
        .where(decisions.c.at > since)
        .order_by(decisions.c.id.desc())
        .limit(MOST)
    )
    by_role: dict[str, list[float]] = defaultdict(list)
    by_person: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for row in unit.execute(query):
        by_role[row.role].append(row.latency_ms / 1000)
        by_person[row.by].append((row.verb, row.latency_ms / 1000))
    roles = tuple(_role(role, taken) for role, taken in sorted(by_role.items()))
    people = tuple(_reviewer(user, acts, days) for user, acts in sorted(by_person.items()))
    return Figures(days, waiting, overdue, oldest, routes, roles, people)


def _waiting(unit: Unit) -> tuple[int, float | None, int]:
    is_open = approvals.c.state == "pending"
    late = select(func.count()).where(is_open, approvals.c.clock_due_at < unit.clock).scalar_subquery()
    row = unit.execute(
        select(
            func.count().label("waiting"), func.min(approvals.c.created_at).label("oldest"), late.label("late")
        ).where(is_open)
    ).one()
    return row.waiting, (unit.now - row.oldest).total_seconds() if row.oldest else None, row.late


def _role(role: str, seconds: list[float]) -> RoleFigures:
    return RoleFigures(role, len(seconds), median(seconds), _p90(seconds))


def _reviewer(user: str, acts: list[tuple[str, float]], days: int) -> ReviewerFigures:
    yes = sum(verb in ("approve", "vote", "edit") for verb, _ in acts)
    return ReviewerFigures(user, len(acts), len(acts) / days, median(taken for _, taken in acts), yes / len(acts))


def _p90(values: list[float]) -> float:
    return quantiles(values, n=10, method="inclusive")[8] if len(values) > 1 else values[0]
