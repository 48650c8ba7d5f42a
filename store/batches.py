"""Batches: several waiting cards of one channel shown by one message (docs/rules.md: D4).

Who is on one stays on it. A batch takes more of its like while its row still says what they are (`alike`): until it is
full, or one of its requests was touched. A digest takes no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, insert, or_, select, update

from policies import messages
from policies.messages import CardFacts, Face, MessageKind, SharedFacts, Sharing
from store.outbox import IS_CARD, IS_LIVE, LEASE_SECONDS, Item, live_card
from store.tables import outbox
from store.unit import Unit

# A screen is drawn anew so long after somebody joined it: a burst that joins is one update.
JOIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Member:
    """One card on a screen: its row and its approval, and whether it has moved on to a card of its own, with whom.

    `barred` are people of its role who may not decide it.
    """

    id: int
    approval_id: str
    moved: bool
    moved_to: str | None
    barred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Open:
    """A message that may take more of its like: a batch, or a card with one request; locked for this transaction.

    `asked` are those whom a batch mentions. `busy` is one that is being sent: what it shows is not known yet.
    """

    id: int
    approval_id: str | None
    asked: tuple[str, ...]
    busy: bool


def like(unit: Unit, lead: Item, limit: int) -> list[Member]:
    """Up to `limit` cards, `lead` first, that nobody sends yet and that may share its screen, gathering ones included."""
    return _candidates(unit, lead, outbox.c.alike == lead.alike, limit)


def waiting_beside(unit: Unit, lead: Item, limit: int) -> list[Member]:
    """Up to `limit` cards of `lead`'s channel and risk that wait to be sent, `lead` first, then the urgent."""
    return _candidates(unit, lead, outbox.c.risk == lead.risk, limit)


def _candidates(unit: Unit, lead: Item, wanted: ColumnElement[bool], limit: int) -> list[Member]:
    free = and_(outbox.c.lease.is_(None), outbox.c.next_at.is_not(None), outbox.c.id != lead.id)
    unsent = and_(outbox.c.slack_ts.is_(None), outbox.c.unsure.is_(False), outbox.c.thread_of.is_(None))
    cards = and_(IS_CARD, IS_LIVE, outbox.c.approval_id.is_not(None))
    query = (
        select(outbox.c.id, outbox.c.approval_id, outbox.c.face, outbox.c.facts)
        .where(outbox.c.channel == lead.channel, wanted, or_(outbox.c.id == lead.id, and_(free, unsent, cards)))
        .order_by((outbox.c.id == lead.id).desc(), outbox.c.urgency.desc(), outbox.c.next_at, outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_member(row) for row in unit.execute(query)]


def _member(row: Any) -> Member:
    facts = messages.facts_of(row.facts)
    assert isinstance(facts, CardFacts)
    return Member(row.id, row.approval_id, row.face == Face.MOVED, facts.moved_to, facts.barred)


def form(
    unit: Unit,
    lead: Item,
    members: Sequence[Member],
    sharing: Sharing,
    *,
    asked: Sequence[str] = (),
    more: bool = False,
) -> Item:
    """One message for all of them from now on, leased as `lead` is: a crash finds it, or the cards as they were.

    `asked` are those whom it mentions; with `more` it takes others of its like later.
    """
    key, facts = f"screen:{lead.id}", messages.as_stored(SharedFacts(sharing, tuple(asked)))
    values = {
        "dedupe_key": key,
        "kind": MessageKind.CARD.value,
        "channel": lead.channel,
        "facts": facts,
        "urgency": lead.urgency,
        "risk": lead.risk,
        "alike": lead.alike if more else None,
        "wanted": 1,
        "attempts": 1,
        "lease": lead.lease,
        "next_at": unit.now + timedelta(seconds=LEASE_SECONDS),
        "created_at": unit.now,
    }
    number: int = unit.execute(insert(outbox).values(values).returning(outbox.c.id)).scalar_one()
    on_it = update(outbox).where(outbox.c.id.in_([member.id for member in members]))
    unit.execute(on_it.values(screen_id=number, next_at=None, lease=None, **_NOWHERE))
    return replace(
        lead,
        id=number,
        dedupe_key=key,
        facts=facts,
        approval_id=None,
        alike=None,
        wanted=1,
        shown=0,
        attempts=1,
        slack_channel=None,
        thread_ts=None,
    )


def open_like(unit: Unit, item: Item) -> Open | None:
    """The newest message in `item`'s channel that may still take it, by what its row says."""
    newest = select(outbox.c.id).where(*_may_take(item)).order_by(outbox.c.id.desc()).limit(1)
    number = unit.execute(newest).scalar_one_or_none()
    if number is None:
        return None
    columns = [outbox.c[name] for name in ("id", "approval_id", "facts", "lease", "next_at", "slack_ts")]
    query = select(*columns).where(outbox.c.id == number, *_may_take(item)).with_for_update()
    row = unit.execute(query).one_or_none()
    if row is None:
        return None
    held = row.lease is not None and row.next_at is not None and row.next_at > unit.now
    if not held and row.slack_ts is None:
        return None  # whoever sent it died: it may be in Slack or not
    busy = held and (row.slack_ts is None or row.approval_id is not None)
    return Open(row.id, row.approval_id, tuple(row.facts.get("asked", ())), busy)


def _may_take(item: Item) -> list[ColumnElement[bool]]:
    # What this courier leased together with `item` is not on its way yet.
    sent = or_(outbox.c.slack_ts.is_not(None), and_(outbox.c.lease.is_not(None), outbox.c.lease != item.lease))
    alone = and_(outbox.c.screen_id.is_(None), IS_LIVE, outbox.c.thread_of.is_(None))
    here = and_(outbox.c.alike == item.alike, outbox.c.channel == item.channel, outbox.c.id != item.id)
    return [here, alone, sent, IS_CARD, outbox.c.unsure.is_(False)]


def widen(unit: Unit, lone: Open, item: Item, *, asked: Sequence[str]) -> int:
    """The message of one card becomes that of a batch, which has its place in Slack; the number of its new row."""
    of_lone = outbox.c.id == lone.id
    taken = ("channel", "urgency", "risk", "alike", "slack_channel", "slack_ts", "thread_ts", "permalink")
    was = unit.execute(select(*(outbox.c[name] for name in taken)).where(of_lone)).one()
    values = {
        "dedupe_key": f"screen:{lone.id}",
        "kind": MessageKind.CARD.value,
        "facts": messages.as_stored(SharedFacts(Sharing.BATCH, tuple(asked))),
        "wanted": 1,
        "next_at": unit.now + timedelta(seconds=JOIN_SECONDS),
        "created_at": unit.now,
        **dict(zip(taken, was, strict=True)),
    }
    number: int = unit.execute(insert(outbox).values(values).returning(outbox.c.id)).scalar_one()
    unit.execute(update(outbox).where(of_lone).values(screen_id=number, **_NOWHERE, **_DONE))
    join(unit, number, item)
    return number


_NOWHERE: dict[str, Any] = {"slack_channel": None, "slack_ts": None, "thread_ts": None}
_DONE: dict[str, Any] = {"next_at": None, "lease": None, "attempts": 0}


def join(unit: Unit, screen_id: int, item: Item) -> None:
    """Put the leased card `item` on a screen that is in Slack: it is drawn there from now on, and posted nowhere."""
    unit.execute(update(outbox).where(outbox.c.id == item.id).values(screen_id=screen_id, **_DONE))
    soon = unit.now + timedelta(seconds=JOIN_SECONDS)
    later = and_(outbox.c.next_at.is_not(None), outbox.c.next_at > unit.now)
    turn = case((later, outbox.c.next_at), else_=soon)
    unit.execute(update(outbox).where(outbox.c.id == screen_id).values(wanted=outbox.c.wanted + 1, next_at=turn))


def shut(unit: Unit, screen_id: int) -> None:
    """This screen takes no more."""
    unit.execute(update(outbox).where(outbox.c.id == screen_id).values(alike=None))


def presented(unit: Unit, screen_id: int, approval_ids: Sequence[str]) -> list[str]:
    """Those of the approvals that Slack shows on this screen for the first time."""
    first = and_(outbox.c.screen_id == screen_id, outbox.c.approval_id.in_(approval_ids), outbox.c.shown == 0)
    marked = update(outbox).where(first).values(shown=outbox.c.wanted).returning(outbox.c.approval_id)
    return list(unit.execute(marked).scalars())


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


def screen_of(unit: Unit, approval_id: str) -> int | None:
    """The screen on which an approval is live; None where it has a card of its own."""
    query = select(outbox.c.screen_id).where(live_card, outbox.c.screen_id.is_not(None)).limit(1)
    return unit.execute(query, {"_approval_id": approval_id}).scalar_one_or_none()


def beside(unit: Unit, approval_id: str, ts: str) -> list[Member]:
    """Everything on the screen with this place in Slack that an approval is or was on; empty where it is on none."""
    on = (
        select(outbox.c.screen_id)
        .select_from(outbox.join(_screen, _screen.c.id == outbox.c.screen_id))
        .where(outbox.c.approval_id == approval_id, _screen.c.slack_ts == ts)
        .limit(1)
    )
    number = unit.execute(on).scalar_one_or_none()
    return members(unit, number) if number is not None else []
