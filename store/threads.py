"""The thread of a session in a channel: its third request and those after it stand under its first card there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import and_, case, or_, select, update

from policies.lifecycle import State
from policies.routing import RouteName
from store.outbox import IS_CARD, IS_LIVE, Item
from store.tables import approvals, outbox
from store.unit import Unit

BEFORE = 2  # requests of the session that stand in the channel by themselves
WITHIN = timedelta(hours=24)  # what is older has scrolled away: nobody looks for news under it


def placed(unit: Unit, item: Item) -> Item:
    """The leased first post `item`, in the thread of its session where that has one; kept in its row before it is sent."""
    own = select(approvals.c.agent_id, approvals.c.session_id).where(approvals.c.id == item.approval_id)
    row = unit.execute(own).one_or_none()
    root = _root(unit, item, row.agent_id, row.session_id) if row is not None and row.session_id else None
    channel, ts = root or (None, None)
    if ts == item.thread_ts:
        return item
    unit.execute(update(outbox).where(outbox.c.id == item.id).values(slack_channel=channel, thread_ts=ts))
    return replace(item, slack_channel=channel, thread_ts=ts)


def _root(unit: Unit, item: Item, agent_id: str, session_id: str) -> tuple[str, str] | None:
    """(channel, ts) of the session's first card in the channel, where it has shown more than one request there."""
    since = approvals.c.created_at > unit.now - WITHIN
    of_session = and_(approvals.c.session_id == session_id, approvals.c.agent_id == agent_id, since)
    asked = and_(of_session, approvals.c.route == RouteName.ASK.value)
    here = outbox.join(approvals, approvals.c.id == outbox.c.approval_id)
    cards = and_(IS_CARD, outbox.c.channel == item.channel, outbox.c.dedupe_key.like("card:%"))
    shown = or_(outbox.c.slack_ts.is_not(None), outbox.c.screen_id.is_not(None))
    others = (
        select(outbox.c.approval_id)
        .select_from(here)
        .where(asked, cards, shown, outbox.c.approval_id != item.approval_id)
        .distinct()
        .limit(BEFORE)
    )
    if len(unit.execute(others).all()) < BEFORE:
        return None
    first = (
        select(outbox.c.slack_channel, outbox.c.slack_ts)
        .select_from(here)
        .where(asked, cards, outbox.c.slack_ts.is_not(None), outbox.c.thread_ts.is_(None))
        .order_by(outbox.c.id)
        .limit(1)
    )
    row = unit.execute(first).one_or_none()
    return (row.slack_channel, row.slack_ts) if row else None


def gone(unit: Unit, channel: str | None, ts: str | None) -> None:
    """The message at the head of a thread is gone: nothing goes under it any more, and its card is looked after."""
    head = and_(outbox.c.slack_channel == channel, outbox.c.slack_ts == ts, outbox.c.thread_ts.is_(None))
    pending = select(approvals.c.id).where(approvals.c.state == State.PENDING.value)
    waits = and_(IS_CARD, IS_LIVE, outbox.c.next_at.is_(None), outbox.c.approval_id.in_(pending))
    unit.execute(
        update(outbox)
        .where(head)
        .values(
            thread_ts=outbox.c.slack_ts,
            next_at=case((waits, unit.now), else_=outbox.c.next_at),
            redraws=outbox.c.redraws + 1,
        )
    )
