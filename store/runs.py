"""How often each action ran, each counted by itself: a flood of one makes nothing of another forgotten (docs/rules.md: F3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal_column, select

from store.tables import approvals
from store.unit import Unit

# Of one action, newest first; and names of actions, which under a pattern are as many as agents think of.
MOST_RUNS, MOST_NAMES = 50_000, 2_000
_CLAIMED = approvals.c.claimed_at.is_not(None)


@dataclass(frozen=True, slots=True)
class Runs:
    """How often an action ran since a moment: the one that was asked for, or later where there is very much."""

    count: int
    since: datetime


def runs(unit: Unit, oldest: datetime) -> dict[str, Runs]:
    """By action, what was asked for since `oldest` and ran."""
    found = ((action, _of(unit, action, oldest)) for action in _names(unit))
    return {action: one for action, one in found if one.count}


def _names(unit: Unit) -> Iterator[str]:
    """From one name to the next in the index: as many steps as there are names, however long the record is."""
    following = select(func.min(approvals.c.action)).where(_CLAIMED)
    name: str | None = unit.execute(following).scalar_one()
    for _ in range(MOST_NAMES):
        if name is None:
            return
        yield name
        name = unit.execute(following.where(approvals.c.action > name)).scalar_one()


def _of(unit: Unit, action: str, oldest: datetime) -> Runs:
    lately = (_CLAIMED, approvals.c.action == action, approvals.c.created_at > oldest)
    some = select(literal_column("1")).select_from(approvals).where(*lately).limit(MOST_RUNS + 1).subquery()
    count: int = unit.execute(select(func.count()).select_from(some)).scalar_one()
    if count <= MOST_RUNS:
        return Runs(count, oldest)
    newest = select(approvals.c.created_at).where(*lately).order_by(approvals.c.created_at.desc())
    return Runs(MOST_RUNS, unit.execute(newest.offset(MOST_RUNS).limit(1)).scalar_one())
