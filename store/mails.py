"""What Slack does not show yet, and who was written to about it: at least once, by one server at a time."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, or_, select, update

from policies.messages import MessageFacts, facts_of
from store.outbox import IS_CARD, IS_LIVE
from store.tables import mails, outbox
from store.unit import Unit

LEASE_SECONDS = 120  # longer than a mail server may take
MOST = 500  # looked at in one round


@dataclass(frozen=True, slots=True)
class Missing:
    """One message that Slack does not show; `id` is its own, `since` when it was wanted."""

    id: int
    approval_id: str | None
    since: datetime
    facts: MessageFacts


_columns = (outbox.c.id, outbox.c.approval_id, outbox.c.created_at, outbox.c.facts)
_unsent = and_(outbox.c.next_at.is_not(None), outbox.c.slack_ts.is_(None))


def missing_cards(unit: Unit, before: datetime) -> list[Missing]:
    """Live cards that were wanted before that moment and are still to be posted, oldest first: by themselves or on a screen."""
    live = and_(IS_CARD, IS_LIVE, outbox.c.created_at < before, outbox.c.dedupe_key.not_like("review:%"))
    # From what is to be sent, which is little, to what is on it: nobody reads a million shown cards.
    screens = list(unit.execute(select(outbox.c.id).where(IS_CARD, _unsent, outbox.c.approval_id.is_(None))).scalars())
    own = _found(unit, select(*_columns).where(live, _unsent, outbox.c.approval_id.is_not(None)))
    shared = _found(unit, select(*_columns).where(live, outbox.c.screen_id.in_(screens))) if screens else []
    return sorted([*own, *shared], key=lambda one: (one.since, one.id))


def missing_notices(unit: Unit, channel: str, before: datetime) -> list[Missing]:
    """The same for what was to be said once in a channel."""
    waits = and_(~IS_CARD, _unsent, outbox.c.channel == channel, outbox.c.created_at < before)
    return _found(unit, select(*_columns).where(waits))


def _found(unit: Unit, query: Select[Any]) -> list[Missing]:
    rows = unit.execute(query.order_by(outbox.c.created_at, outbox.c.id).limit(MOST))
    return [Missing(row.id, row.approval_id, row.created_at, facts_of(row.facts)) for row in rows]


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to write to one reader, for LEASE_SECONDS; `told` and `last` are of the letter before."""

    reader: str
    lease: str
    told: frozenset[int]
    last: datetime | None


def take_turn(unit: Unit, reader: str) -> Turn | None:
    """Take it upon this server to write to `reader`; None while another does."""
    lease, until = secrets.token_hex(8), unit.now + timedelta(seconds=LEASE_SECONDS)
    fresh = unit.insert(mails)
    once = fresh.on_conflict_do_update(
        index_elements=["reader"],
        set_={"lease": fresh.excluded.lease, "leased_until": fresh.excluded.leased_until},
        where=or_(mails.c.leased_until.is_(None), mails.c.leased_until < unit.now),
    )
    values = {"reader": reader, "told": [], "lease": lease, "leased_until": until}
    row = unit.execute(once.returning(mails.c.told, mails.c.at), values).one_or_none()
    return None if row is None else Turn(reader, lease, frozenset(row.told), row.at)


def written(unit: Unit, turn: Turn, told: Collection[int]) -> None:
    """The letter was taken: it told of these messages."""
    _end(unit, turn, told=sorted(told), at=unit.now)


def let_go(unit: Unit, turn: Turn) -> None:
    """Nothing was written: the next round may."""
    _end(unit, turn)


def _end(unit: Unit, turn: Turn, **values: Any) -> None:
    held = and_(mails.c.reader == turn.reader, mails.c.lease == turn.lease)
    unit.execute(update(mails).where(held).values(**values, lease=None, leased_until=None))
