"""The outbox: which message should show what; newest wins, sent under a lease with fencing (docs/rules.md: I4)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, case, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from policies import messages
from policies.messages import CardFacts, Cause, Face, MessageFacts, MessageKind, ReviewFacts
from store import bulk
from store.tables import outbox
from store.together import PutOff
from store.types import JsonText
from store.unit import Unit, insert_into

if TYPE_CHECKING:
    from policies.approval import Approval

LEASE_SECONDS = 30
# A screen is drawn anew so long after a change: ten decisions of one tap are one update.
SETTLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Item:
    """One message to show: a card that follows its approval (a screen: several), or a notice that is said once."""

    id: int
    kind: MessageKind
    approval_id: str | None
    channel: str
    thread_of: str | None
    facts: dict[str, Any]
    face: Face
    urgency: int
    wanted: int
    shown: int
    slack_channel: str | None
    slack_ts: str | None
    unsure: bool
    attempts: int
    lease: str
    dedupe_key: str
    next_at: datetime
    screen_id: int | None
    alike: str | None
    risk: str | None
    permalink: str | None = None
    redraws: int = 0
    thread_ts: str | None = None

    @property
    def screen(self) -> bool:
        """Whether it shows several cards (batches.py)."""
        return self.kind is MessageKind.CARD and self.approval_id is None

    @property
    def card(self) -> bool:
        """Whether it follows its approval, or several."""
        return self.kind is MessageKind.CARD

    @property
    def live(self) -> bool:
        """Whether it is a card that shows its approval as it stands."""
        return self.card and self.face is Face.LIVE

    @property
    def told(self) -> MessageFacts:
        """What it keeps beside its approval; `facts` is that as the row has it. Raises ValueError where nobody here knows it."""
        return messages.facts_of(self.facts)

    @property
    def posted(self) -> bool:
        """Whether Slack is known to show it."""
        return self.slack_ts is not None


def put_card(
    unit: Unit,
    *,
    approval_id: str,
    version: int,
    channel: str,
    urgency: int,
    round_: int | str,
    risk: str | None = None,
    alike: str | None = None,
    after: timedelta = timedelta(0),
    barred: Sequence[str] = (),
    thread_of: str | None = None,
) -> None:
    """Want a live card for this approval, in the thread of another's where one is named; `round_` tells its cards apart.

    With `alike` it waits `after` for its like, to share a screen with them, and joins one that is there already, unless
    that asks only people who are `barred` from deciding it; `risk` is what a digest keeps apart.
    """
    values = _row(
        unit,
        f"card:{approval_id}:{round_}",
        MessageKind.CARD,
        approval_id,
        channel,
        thread_of,
        CardFacts(barred=tuple(barred)),
        urgency,
        version,
        next_at=unit.now + after,
        alike=alike,
        risk=risk,
    )
    _want(unit, values)


def put_review(unit: Unit, approval: Approval, *, channel: str, round_: int, at: datetime) -> None:
    """Want a card at that moment for a review after the fact; `round_` numbers those who are asked."""
    key, facts = f"review:{approval.id}:{round_}", ReviewFacts(round_)
    _want(unit, _row(unit, key, MessageKind.CARD, approval.id, channel, None, facts, 0, approval.version, next_at=at))


def put_notice(
    unit: Unit,
    key: str,
    *,
    channel: str,
    facts: MessageFacts,
    approval_id: str | None = None,
    thread_of: str | None = None,
    urgency: int = 0,
    cause: Cause | None = None,
) -> bool:
    """Want something said once; the same key again says nothing more, which is False. `thread_of` is an approval id or None.

    With a `cause` it is an alarm, which ends when that is gone (alarms.py).
    """
    stored = cause.stored if cause else None
    values = _row(
        unit, f"notice:{key}", MessageKind.NOTICE, approval_id, channel, thread_of, facts, urgency, 1, cause=stored
    )
    return unit.execute(_inserting(unit.connection.dialect.name, asking=True), values).first() is not None


@cache
def _inserting(dialect: str, *, asking: bool) -> sqlite.Insert | postgresql.Insert | ReturningInsert[Any]:
    """What adds a message unless its key is there; `asking` whether it was not."""
    new = insert_into(dialect, outbox).on_conflict_do_nothing(index_elements=["dedupe_key"])
    return new.returning(outbox.c.id) if asking else new.inline()


def _want(unit: Unit, values: dict[str, Any]) -> None:
    unit.put_off(PutOff(outbox, _inserting(unit.connection.dialect.name, asking=False), values))


def _row(
    unit: Unit,
    key: str,
    kind: MessageKind,
    approval_id: str | None,
    channel: str,
    thread_of: str | None,
    facts: MessageFacts,
    urgency: int,
    wanted: int,
    **more: Any,
) -> dict[str, Any]:
    return {
        "dedupe_key": key,
        "kind": kind.value,
        "approval_id": approval_id,
        "channel": channel,
        "thread_of": thread_of,
        "facts": messages.as_stored(facts),
        "urgency": urgency,
        "wanted": wanted,
        "next_at": unit.now,
        "created_at": unit.now,
        **more,
    }


IS_CARD, IS_LIVE = outbox.c.kind == MessageKind.CARD.value, outbox.c.face == Face.LIVE.value


def _live(cards: FromClause, approval_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Which of `cards` show this approval."""
    return and_(
        cards.c.approval_id == approval_id, cards.c.kind == MessageKind.CARD.value, cards.c.face == Face.LIVE.value
    )


live_card = _live(outbox, bindparam("_approval_id"))
# What shows an approval: its live cards, and where one of them is on a screen, the screen.
_showing = outbox.c.id.in_(
    select(outbox.c.id)
    .where(live_card)
    .union_all(select(outbox.c.screen_id).where(live_card, outbox.c.screen_id.is_not(None)))
)
_is_screen = outbox.c.approval_id.is_(None)
_Value = ColumnElement[Any]


def _turn(now: _Value, soon: _Value) -> ColumnElement[Any]:
    """When a message that has changed is sent.

    A card that is leased or put off keeps its turn: its holder sends it again where more is wanted by then, and another
    courier would post it a second time. One that is on a screen has no turn.
    """
    return case(
        (outbox.c.screen_id.is_not(None), None),
        (and_(outbox.c.next_at.is_not(None), outbox.c.next_at > now), outbox.c.next_at),
        (_is_screen, soon),
        else_=now,
    )


def _changed(wanted: _Value, now: _Value, soon: _Value) -> dict[str, _Value]:
    """What an approval that moved on sets in what shows it; a screen's revisions are its own: it has several approvals."""
    return {
        "wanted": case((_is_screen, outbox.c.wanted + 1), else_=wanted),
        "next_at": _turn(now, soon),
    }


_CHANGE = {"_wanted": outbox.c.wanted, "_now": outbox.c.next_at, "_soon": outbox.c.next_at}
_moved_on = _changed(*(bindparam(name, type_=column.type) for name, column in _CHANGE.items()))
_in_turn = _moved_on["next_at"]
_refresh = update(outbox).where(_showing).values(_moved_on)
_refresh_and_close = _refresh.values(alike=None)
_retire = (
    update(outbox)
    .where(_showing)
    .values(
        _moved_on
        | {
            "alike": None,
            "face": case((_is_screen, outbox.c.face), else_=Face.MOVED.value),
            "facts": case((_is_screen, outbox.c.facts), else_=bindparam("_facts", type_=JsonText())),
        }
    )
)
# The same for many approvals by one statement. Of two rows of one screen, the screen is drawn anew once.
_card = outbox.alias("card")
_refresh_together = bulk.Bulk(
    outbox,
    (("_approval_id", outbox.c.approval_id), *_CHANGE.items()),
    bulk.setting(_changed(*(bulk.typed_value(name, column) for name, column in _CHANGE.items()))),
    "outbox.id = showing.id",
    f" JOIN outbox AS card ON {bulk.sql(_live(_card, bulk.typed_value('_approval_id', outbox.c.approval_id)))}"
    " CROSS JOIN LATERAL (VALUES (card.id), (card.screen_id)) AS showing(id)",
)


def refresh(unit: Unit, approval_id: str, version: int, *, touched: bool = False) -> None:
    """Every live card of the approval should now show `version`, and the screen it is on should be drawn anew.

    `touched` where a person did something on it: then no other request joins that message any more.
    """
    statement = _refresh_and_close if touched else _refresh
    unit.put_off(PutOff(outbox, statement, _change(unit, approval_id, version)))


def close(unit: Unit, approval_id: str) -> None:
    """The message on which an approval is live takes no other requests from now on."""
    unit.execute(update(outbox).where(_showing).values(alike=None), {"_approval_id": approval_id})


def refresh_later(unit: Unit, approval_id: str, version: int) -> None:
    """The same, written together with others of its transaction."""
    bulk.later(unit, _refresh, _refresh_together, _change(unit, approval_id, version))


def again(unit: Unit, keys: Sequence[str]) -> bool:
    """Notices that were said should be shown once more, as things stand now; False where none was."""
    again = update(outbox).where(outbox.c.dedupe_key.in_([f"notice:{key}" for key in keys]))
    return unit.execute(again.values(wanted=outbox.c.wanted + 1, next_at=_in_turn), _moments(unit)).rowcount > 0


def restate(unit: Unit, key: str, facts: MessageFacts) -> bool:
    """The notice of this key says something else from now on, in place; False where none was said."""
    said = update(outbox).where(outbox.c.dedupe_key == f"notice:{key}")
    values = {"facts": messages.as_stored(facts), "wanted": outbox.c.wanted + 1, "next_at": _in_turn}
    return unit.execute(said.values(values), _moments(unit)).rowcount > 0


def redraw(unit: Unit, approval_ids: Sequence[str]) -> None:
    """The live cards of these approvals should be drawn anew, though none of them moved on."""
    there = or_(outbox.c.slack_ts.is_not(None), outbox.c.next_at.is_not(None))
    shown = and_(IS_CARD, IS_LIVE, there)
    statement = update(outbox).where(shown, outbox.c.approval_id.in_(approval_ids))
    unit.execute(statement.values(next_at=_in_turn, redraws=outbox.c.redraws + 1), _moments(unit))


def relink(unit: Unit, approval_id: str) -> None:
    """A new card is there: those it was moved from should lead to it."""
    moved = and_(outbox.c.approval_id == approval_id, IS_CARD, outbox.c.face == Face.MOVED.value)
    statement = update(outbox).where(moved, outbox.c.slack_ts.is_not(None)).values(next_at=_in_turn)
    unit.execute(statement, _moments(unit))


def retire(unit: Unit, approval_id: str, version: int, moved_to: str | None) -> None:
    """The approval's live cards become compact ones that say where it moved."""
    unit.execute(_retire, _change(unit, approval_id, version) | {"_facts": {"moved_to": moved_to}})


def _change(unit: Unit, approval_id: str, version: int) -> dict[str, Any]:
    return {"_approval_id": approval_id, "_wanted": version, **_moments(unit)}


def _moments(unit: Unit) -> dict[str, Any]:
    return {"_now": unit.now, "_soon": unit.now + timedelta(seconds=SETTLE_SECONDS)}


_columns = [column for column in outbox.c if column.name not in ("last_error", "created_at", "cause")]


def lease(unit: Unit, limit: int, *, skip_channels: Sequence[str] = (), updates: bool = True) -> list[Item]:
    """Take up to `limit` messages that are due, urgent first, for LEASE_SECONDS; whoever holds the lease may finish them.

    Posts to `skip_channels` are left for later, and with `updates` false what is posted already.
    """
    query = (
        select(*_columns)
        .where(outbox.c.next_at.is_not(None), outbox.c.next_at <= unit.instant)
        .where(*_allowed(skip_channels, updates))
        .order_by(outbox.c.urgency.desc(), outbox.c.next_at, outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = unit.execute(query).all()
    if not rows:
        return []
    token = secrets.token_hex(8)
    unit.execute(
        update(outbox)
        .where(outbox.c.id.in_([row.id for row in rows]))
        .values(lease=token, next_at=unit.now + timedelta(seconds=LEASE_SECONDS), attempts=outbox.c.attempts + 1)
    )
    names = [column.name for column in _columns]
    return [_leased(dict(zip(names, row, strict=True)), token) for row in rows]


def _allowed(skip_channels: Sequence[str], updates: bool) -> list[ColumnElement[bool]]:
    posted = outbox.c.slack_ts.is_not(None)
    found = [or_(posted, outbox.c.channel.not_in(skip_channels))] if skip_channels else []
    return found if updates else [*found, ~posted]


def _leased(row: dict[str, Any], token: str) -> Item:
    # A lease that nobody finished means that its holder died: perhaps after the post, perhaps before.
    unsure = row["unsure"] or (row["lease"] is not None and row["slack_ts"] is None)
    known = {"kind": MessageKind(row["kind"]), "face": Face(row["face"])}
    return Item(**row | known | {"lease": token, "attempts": row["attempts"] + 1, "unsure": unsure})


def mark_shown(unit: Unit, item: Item, *, revision: int, channel: str | None, ts: str | None) -> bool:
    """Slack shows `revision` with the item's face; anything newer stays wanted. False where the lease was lost."""
    moment = unit.now
    outdated = or_(outbox.c.wanted > revision, outbox.c.face != item.face.value, outbox.c.redraws > item.redraws)
    return _finish(
        unit,
        item,
        shown=case((outbox.c.wanted < revision, outbox.c.wanted), else_=revision),
        slack_channel=channel,
        slack_ts=ts,
        unsure=False,
        attempts=0,
        last_error=None,
        lease=None,
        next_at=case((outdated, moment), else_=None),
    )


def retry(unit: Unit, item: Item, *, at: datetime, error: str, counts: bool = True, **more: Any) -> bool:
    """Try again at `at`; with `counts` false the attempt is forgiven (a rate limit is nobody's fault).

    What was in doubt stays in doubt: a look-up that failed has not found out whether the post took effect.
    """
    attempts = item.attempts if counts else item.attempts - 1
    values = {"unsure": item.unsure, **more}
    return _finish(unit, item, next_at=at, last_error=error[:500], lease=None, attempts=attempts, **values)


def redirect(unit: Unit, item: Item, channel: str, facts: dict[str, Any]) -> bool:
    """Show it in another channel instead, as a new message."""
    return _finish(
        unit,
        item,
        channel=channel,
        facts=facts,
        next_at=unit.now,
        lease=None,
        slack_channel=None,
        slack_ts=None,
        thread_ts=None,
        permalink=None,
        unsure=False,
        shown=0,
    )


_put_back = (
    update(outbox)
    .where(outbox.c.id == bindparam("_id"), outbox.c.lease == bindparam("_lease"))
    .values(next_at=bindparam("_next_at"), lease=None, attempts=outbox.c.attempts - 1, unsure=bindparam("_unsure"))
)


def put_back(unit: Unit, items: Sequence[Item]) -> None:
    """Leave leased messages as they were, each in its old place in the queue."""
    if items:
        rows = [
            {"_id": item.id, "_lease": item.lease, "_next_at": item.next_at, "_unsure": item.unsure} for item in items
        ]
        unit.execute(_put_back, rows)


def wait(unit: Unit, item: Item, at: datetime) -> None:
    """Leave a leased message for later; that was no attempt to send it."""
    unit.execute(_put_back, [{"_id": item.id, "_lease": item.lease, "_next_at": at, "_unsure": item.unsure}])


def give_up(unit: Unit, item: Item, *, error: str) -> bool:
    """Stop trying: it cannot be shown."""
    return _finish(unit, item, next_at=None, last_error=error[:500], lease=None)


def _finish(unit: Unit, item: Item, **values: Any) -> bool:
    statement = update(outbox).where(outbox.c.id == item.id, outbox.c.lease == item.lease).values(**values)
    return unit.execute(statement).rowcount == 1


def next_due(unit: Unit, *, skip_channels: Sequence[str] = (), updates: bool = True) -> datetime | None:
    """When the next message wants to be sent, of those that `lease` would take."""
    query = select(outbox.c.next_at).where(outbox.c.next_at.is_not(None), *_allowed(skip_channels, updates))
    moment: datetime | None = unit.execute(query.order_by(outbox.c.next_at).limit(1)).scalar_one_or_none()
    return moment


_screen = outbox.alias("screen")
_CARD_ITSELF = and_(IS_CARD, outbox.c.dedupe_key.not_like("review:%"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card is in Slack, or the screen it is on, as far as it is known; `id` is that message's."""

    id: int
    channel: str | None
    ts: str | None
    permalink: str | None


def newest_card(unit: Unit, approval_id: str) -> Place | None:
    """The message on which the approval stands now, posted or not yet."""
    places = [
        func.coalesce(_screen.c[name], outbox.c[name]).label(name) for name in ("id", "slack_channel", "slack_ts")
    ]
    link = case((_screen.c.id.is_not(None), _screen.c.permalink), else_=outbox.c.permalink).label("permalink")
    query = (
        select(*places, link)
        .select_from(outbox.outerjoin(_screen, _screen.c.id == outbox.c.screen_id))
        .where(outbox.c.approval_id == approval_id, _CARD_ITSELF)
        .order_by(outbox.c.id.desc())
        .limit(1)
    )
    row = unit.execute(query).one_or_none()
    return Place(row.id, row.slack_channel, row.slack_ts, row.permalink) if row else None


def keep_permalink(unit: Unit, place: Place, permalink: str) -> None:
    """Remember a card's address, while it is the same message."""
    statement = update(outbox).where(outbox.c.id == place.id, outbox.c.slack_ts == place.ts)
    unit.execute(statement.values(permalink=permalink))


def thread_root(unit: Unit, approval_id: str) -> tuple[str, str] | None:
    """(channel, ts) of where the history of the approval's newest posted card, or of the screen it is on, is told: under it,
    or in the thread that it stands in."""
    channel = func.coalesce(_screen.c.slack_channel, outbox.c.slack_channel).label("channel")
    ts = func.coalesce(_screen.c.thread_ts, _screen.c.slack_ts, outbox.c.thread_ts, outbox.c.slack_ts).label("ts")
    query = (
        select(channel, ts)
        .select_from(outbox.outerjoin(_screen, _screen.c.id == outbox.c.screen_id))
        .where(outbox.c.approval_id == approval_id, _CARD_ITSELF)
        .where(func.coalesce(_screen.c.slack_ts, outbox.c.slack_ts).is_not(None))
        .order_by(outbox.c.id.desc())
        .limit(1)
    )
    row = unit.execute(query).one_or_none()
    return (row.channel, row.ts) if row else None


def posted_timestamps(unit: Unit, approval_id: str | None) -> set[str]:
    """The messages of an approval that are known to be in Slack."""
    query = select(outbox.c.slack_ts).where(outbox.c.approval_id == approval_id, outbox.c.slack_ts.is_not(None))
    return set(unit.execute(query).scalars())


def known_channel_id(unit: Unit, channel: str) -> str | None:
    """The id under which Slack took an earlier post to this channel name."""
    query = select(outbox.c.slack_channel).where(outbox.c.channel == channel, outbox.c.slack_channel.is_not(None))
    found: str | None = unit.execute(query.order_by(outbox.c.id.desc()).limit(1)).scalar_one_or_none()
    return found


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages of a kind wait, and for how many seconds the oldest has been due."""

    waiting: int = 0
    oldest_seconds: float = 0.0


def backlog(unit: Unit) -> dict[str, Backlog]:
    """What waits to be sent, by kind."""
    query = select(outbox.c.kind, func.count().label("waiting"), func.min(outbox.c.next_at).label("oldest"))
    rows = unit.execute(query.where(outbox.c.next_at.is_not(None)).group_by(outbox.c.kind))
    return {row.kind: Backlog(row.waiting, max(0.0, (unit.now - row.oldest).total_seconds())) for row in rows}
