"""Alarms that stand in Slack while what caused them lasts: found by their cause, and ended once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, and_, case, cast, literal, select, update

from policies import messages
from policies.messages import Cause, MessageFacts
from store.tables import outbox
from store.unit import Unit

MOST = 500  # looked at in one go


@dataclass(frozen=True, slots=True)
class Alarm:
    """One message of an alarm: what caused it, what it says, since when, and of which approval."""

    id: int
    cause: Cause
    facts: MessageFacts
    since: datetime
    approval_id: str | None


def lasting(unit: Unit, cause: Cause | None = None) -> list[Alarm]:
    """Alarms that nobody ended yet, the oldest first; all of them, or those of one cause."""
    columns = [outbox.c[name] for name in ("id", "cause", "facts", "created_at", "approval_id")]
    wanted = outbox.c.cause.is_not(None) if cause is None else outbox.c.cause == cause.stored
    rows = unit.execute(select(*columns).where(wanted).order_by(outbox.c.id).limit(MOST)).all()
    return [alarm for alarm in map(_alarm, rows) if alarm is not None]


def _alarm(row: Any) -> Alarm | None:
    try:
        return Alarm(
            row.id, messages.cause_of(row.cause), messages.facts_of(row.facts), row.created_at, row.approval_id
        )
    except ValueError:
        return None  # a newer server's; that one ends it


def end_alarm(unit: Unit, alarm: Alarm, why: str) -> bool:
    """Say in the alarm's own message that it is over; False where somebody else did. What was not posted yet never is.

    Its key is free again: the same cause may come back.
    """
    facts = messages.as_stored(messages.resolved(alarm.facts, why, unit.now - alarm.since))
    posted, held = outbox.c.slack_ts.is_not(None), outbox.c.lease.is_not(None)
    unsaid = and_(~posted, ~held, outbox.c.unsure.is_(False))
    kept = and_(~posted, held)  # it is on its way, and would be looked for by this key
    turn = case(
        (unsaid, None),
        (and_(outbox.c.next_at.is_not(None), outbox.c.next_at > unit.now), outbox.c.next_at),
        else_=unit.now,
    )
    key = case(
        (kept, outbox.c.dedupe_key),
        else_=outbox.c.dedupe_key + literal(":over:") + cast(outbox.c.id, String),
    )
    values = {"facts": facts, "cause": None, "dedupe_key": key, "wanted": outbox.c.wanted + 1, "next_at": turn}
    ended = update(outbox).where(outbox.c.id == alarm.id, outbox.c.cause == alarm.cause.stored)
    return unit.execute(ended.values(values)).rowcount == 1
