"""What people decided, and from when on they can have looked at it: shown to them, or opened by them (docs/rules.md: F3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Subquery, and_, func, select

from store.tables import approvals, decisions, looks, outbox
from store.unit import Unit

MOST = 20_000  # looked at, newest first

Decided = tuple[str, str, str, str, datetime, datetime]
"""Of one decision: the approval, who, the action, the verb, when, and when they could see it."""


def decided(unit: Unit, since: datetime, by: str | None = None) -> Iterator[Decided]:
    """The decisions since then, newest first, of everybody or of one person."""
    newest = _newest(since, by)
    shown = _shown(unit, newest)
    query = (
        select(newest, approvals.c.action, looks.c.at.label("opened"))
        .join(approvals, approvals.c.id == newest.c.approval_id)
        .outerjoin(looks, and_(looks.c.approval_id == newest.c.approval_id, looks.c.by == newest.c.by))
        .order_by(newest.c.id.desc())
    )
    # Rows are many, and taken apart at once: a name looked up in each would cost more than the database does.
    rows: Iterable[Any] = unit.execute(query)
    for _, approval_id, verb, user, at, latency_ms, action, opened in rows:
        seen = at - timedelta(milliseconds=latency_ms)
        for moment in (*shown.get(approval_id, ()), opened):
            if moment is not None and seen < moment <= at:
                seen = moment
        yield approval_id, user, action, verb, at, seen


def _newest(since: datetime, by: str | None) -> Subquery:
    columns = ("id", "approval_id", "verb", "by", "at", "latency_ms")
    query = select(*(decisions.c[name] for name in columns)).where(decisions.c.at > since)
    query = query if by is None else query.where(decisions.c.by == by)
    return query.order_by(decisions.c.id.desc()).limit(MOST).subquery()


def _shown(unit: Unit, newest: Subquery) -> dict[str, list[datetime]]:
    """When Slack posted the cards of what was decided: a message's name there is its moment."""
    screen = outbox.alias("screen")
    query = (
        select(outbox.c.approval_id, func.coalesce(screen.c.slack_ts, outbox.c.slack_ts).label("ts"))
        .outerjoin(screen, screen.c.id == outbox.c.screen_id)
        .where(outbox.c.kind == "card", outbox.c.approval_id.in_(select(newest.c.approval_id)))
    )
    found: dict[str, list[datetime]] = defaultdict(list)
    for row in unit.execute(query):
        moment = _moment(row.ts)
        if moment is not None:
            found[row.approval_id].append(moment)
    return found


def _moment(ts: str | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(ts), UTC) if ts else None
    except (ValueError, OverflowError, OSError):
        return None
