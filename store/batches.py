"""Batches: several waiting cards of one channel shown by one message. Who is on it never changes once it is made (docs/rules.md: D4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, insert, or_, select, update

from store.outbox import LEASE_SECONDS, Item, live_card
from store.tables import outbox
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Member:
    """One card on a screen: its row and its approval, and whether it has moved on to a card of its own, with whom."""

    id: int
    approval_id: str
    moved: bool
    moved_to: str | None


def like(unit: Unit, lead: Item, limit: int) -> list[Member]:
    """Up to `limit` cards, `lead` first, that nobody sends yet and that may share its screen, gathering ones included."""
    return _candidates(unit, lead, outbox.c.alike == lead.alike, limit)


def waiting(unit: Unit, lead: Item, limit: int) -> list[Member]:
    """Up to `limit` cards of `lead`'s channel and risk that wait to be sent, `lead` first, then the urgent."""
    return _candidates(unit, lead, outbox.c.risk == lead.risk, limit)


def _candidates(unit: Unit, lead: Item, wanted: ColumnElement[bool], limit: int) -> list[Member]:
    free = and_(outbox.c.lease.is_(None), outbox.c.next_at.is_not(None), outbox.c.id != lead.id)
    unsent = and_(outbox.c.slack_ts.is_(None), outbox.c.unsure.is_(False), outbox.c.thread_of.is_(None))
    cards = and_(outbox.c.kind == "card", outbox.c.face == "live", outbox.c.approval_id.is_not(None))
    query = (
        select(outbox.c.id, outbox.c.approval_id, outbox.c.face, outbox.c.facts)
        .where(outbox.c.channel == lead.channel, wanted, or_(outbox.c.id == lead.id, and_(free, unsent, cards)))
        .order_by((outbox.c.id == lead.id).desc(), outbox.c.urgency.desc(), outbox.c.next_at, outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_member(row) for row in unit.execute(query)]


def _member(row: Any) -> Member:
    return Member(row.id, row.approval_id, row.face == "moved", row.facts.get("moved_to"))


def form(unit: Unit, lead: Item, members: Sequence[Member], kind: str) -> Item:
    """One message for all of them from now on, leased as `lead` is: a crash finds it, or the cards as they were."""
    key, facts = f"screen:{lead.id}", {"screen": kind}
    values = {
        "dedupe_key": key,
        "kind": "card",
        "channel": lead.channel,
        "facts": facts,
        "urgency": lead.urgency,
        "risk": lead.risk,
        "wanted": 1,
        "attempts": 1,
        "lease": lead.lease,
        "next_at": unit.now + timedelta(seconds=LEASE_SECONDS),
        "created_at": unit.now,
    }
    number: int = unit.execute(insert(outbox).values(values).returning(outbox.c.id)).scalar_one()
    on_it = update(outbox).where(outbox.c.id.in_([member.id for member in members]))
    unit.execute(on_it.values(screen_id=number, next_at=None, lease=None))
    return replace(
        lead, id=number, dedupe_key=key, facts=facts, approval_id=None, alike=None, wanted=1, shown=0, attempts=1
    )


_on_screen = (
    select(outbox.c.id, outbox.c.approval_id, outbox.c.face, outbox.c.facts)
    .where(outbox.c.screen_id == bindparam("_screen_id"))
    .order_by(outbox.c.id)
)


def members(unit: Unit, screen_id: int) -> list[Member]:
    """Everything on a screen, the oldest first."""
    return [_member(row) for row in unit.execute(_on_screen, {"_screen_id": screen_id})]


_screen = outbox.alias("screen")
_place_of = (
    select(_screen.c.slack_channel, _screen.c.slack_ts)
    .select_from(outbox.join(_screen, _screen.c.id == outbox.c.screen_id))
    .where(live_card)
    .limit(1)
)


def place_of(unit: Unit, approval_id: str) -> tuple[str | None, str | None] | None:
    """(channel, ts) of the screen on which an approval is live; None where it has a card of its own.

    Both are None while the screen is not known to be in Slack.
    """
    row = unit.execute(_place_of, {"_approval_id": approval_id}).one_or_none()
    return (row.slack_channel, row.slack_ts) if row else None
