"""What reviewers wrote in threads in place of texts that no form holds; kept until it is confirmed, for a day at most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, delete, or_, select

from policies.approval import Approval
from policies.lifecycle import State
from store import ids
from store.tables import approvals, outbox, replies
from store.unit import Unit

KEPT = timedelta(days=1)
_screen = outbox.alias("screen")


@dataclass(frozen=True, slots=True)
class Reply:
    """A new value for one parameter of an approval as it was then, and whose it is."""

    id: str
    approval_id: str
    digest: str
    by: str
    name: str
    value: Any


def keep_reply(unit: Unit, approval: Approval, name: str, value: Any, *, by: str, source: str) -> Reply | None:
    """The newest of this person for this approval, in place of the one before; None where this message was read already."""
    known = select(replies.c.id).where(replies.c.source == source)
    if unit.execute(known).first() is not None:
        return None
    older = and_(replies.c.approval_id == approval.id, replies.c.by == by)
    unit.execute(delete(replies).where(or_(older, replies.c.at < unit.now - KEPT)))
    kept = Reply(ids.new("rpl", unit.now), approval.id, approval.digest, by, name, value)
    values = {
        "id": kept.id,
        "source": source,
        "approval_id": kept.approval_id,
        "digest": kept.digest,
        "by": by,
        "name": name,
        "value": value,
        "at": unit.now,
    }
    once = unit.insert(replies).on_conflict_do_nothing(index_elements=["source"])
    done = unit.execute(once.returning(replies.c.id), values).first()
    return kept if done is not None else None


def reply(unit: Unit, reply_id: str) -> Reply | None:
    """What was kept under this id, while it is."""
    columns = [replies.c[name] for name in ("id", "approval_id", "digest", "by", "name", "value")]
    row = unit.execute(select(*columns).where(replies.c.id == reply_id, replies.c.at >= unit.now - KEPT)).one_or_none()
    return Reply(row.id, row.approval_id, row.digest, row.by, row.name, row.value) if row else None


def forget_reply(unit: Unit, reply_id: str, by: str) -> bool:
    """Drop what this person wrote; False where there is nothing of theirs."""
    return unit.execute(delete(replies).where(replies.c.id == reply_id, replies.c.by == by)).rowcount == 1


def waiting_in_thread(unit: Unit, channel: str, ts: str) -> list[str]:
    """The approvals that wait and have a live card in this thread of Slack's, or at its head, the oldest first."""
    on_screen = and_(_screen.c.slack_channel == channel, or_(_screen.c.slack_ts == ts, _screen.c.thread_ts == ts))
    alone = and_(outbox.c.slack_channel == channel, or_(outbox.c.slack_ts == ts, outbox.c.thread_ts == ts))
    query = (
        select(approvals.c.id)
        .join(outbox, outbox.c.approval_id == approvals.c.id)
        .outerjoin(_screen, _screen.c.id == outbox.c.screen_id)
        .where(approvals.c.state == State.PENDING.value, outbox.c.dedupe_key.like("card:%"), or_(alone, on_screen))
        .order_by(approvals.c.id)
        .distinct()
    )
    return list(unit.execute(query).scalars())
