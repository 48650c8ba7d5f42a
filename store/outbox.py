"""The outbox: which message should show what; newest wins, sent under a lease with fencing (DESIGN rule 4)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, func, or_, select, update

from store.tables import outbox
from store.unit import Unit

LEASE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Item:
    """One message to show: a card that follows its approval, or a notice that is said once."""

    id: int
    kind: str
    approval_id: str | None
    channel: str
    thread_of: str | None
    facts: dict[str, Any]
    face: str
    urgency: int
    wanted: int
    shown: int
    slack_channel: str | None
    slack_ts: str | None
    unsure: bool
    attempts: int
    lease: str
    dedupe_key: str
    permalink: str | None = None

    @property
    def posted(self) -> bool:
        """Whether Slack is known to show it."""
        return self.slack_ts is not None


def put_card(unit: Unit, *, approval_id: str, version: int, channel: str, urgency: int, round_: int) -> None:
    """Want a live card for this approval; `round_` numbers its reassignments."""
    _put(unit, f"card:{approval_id}:{round_}", "card", approval_id, channel, None, {}, urgency, version)


def put_notice(
    unit: Unit,
    key: str,
    *,
    channel: str,
    facts: dict[str, Any],
    approval_id: str | None = None,
    thread_of: str | None = None,
    urgency: int = 0,
) -> None:
    """Want something said once; the same key again says nothing more. `thread_of` is an approval id or None."""
    _put(unit, f"notice:{key}", "notice", approval_id, channel, thread_of, facts, urgency, 1)


def _put(
    unit: Unit,
    key: str,
    kind: str,
    approval_id: str | None,
    channel: str,
    thread_of: str | None,
    facts: dict[str, Any],
    urgency: int,
    wanted: int,
) -> None:
    unit.execute(
        unit.insert(outbox).on_conflict_do_nothing(index_elements=["dedupe_key"]),
        {
            "dedupe_key": key,
            "kind": kind,
            "approval_id": approval_id,
            "channel": channel,
            "thread_of": thread_of,
            "facts": facts,
            "urgency": urgency,
            "wanted": wanted,
            "next_at": unit.now,
            "created_at": unit.now,
        },
    )


_live_card = and_(outbox.c.approval_id == bindparam("_approval_id"), outbox.c.kind == "card", outbox.c.face == "live")
# A card that is leased or put off keeps its turn: its holder sends it again where more is wanted by then, and another
# courier would post it a second time.
_in_turn = case(
    (and_(outbox.c.next_at.is_not(None), outbox.c.next_at > bindparam("_now")), outbox.c.next_at),
    else_=bindparam("_now"),
)
_refresh = update(outbox).where(_live_card).values(wanted=bindparam("_wanted"), next_at=_in_turn)
_retire = (
    update(outbox)
    .where(_live_card)
    .values(face="moved", wanted=bindparam("_wanted"), next_at=_in_turn, facts=bindparam("_facts"))
)


def refresh(unit: Unit, approval_id: str, version: int) -> None:
    """Every live card of the approval should now show `version`."""
    unit.execute(_refresh, {"_approval_id": approval_id, "_wanted": version, "_now": unit.now})


def refresh_later(unit: Unit, approval_id: str, version: int) -> None:
    """The same, written together with others of its transaction."""
    unit.later(_refresh, {"_approval_id": approval_id, "_wanted": version, "_now": unit.now})


def retire(unit: Unit, approval_id: str, version: int, moved_to: str | None) -> None:
    """The approval's live cards become compact ones that say where it moved."""
    facts = {"moved_to": moved_to}
    unit.execute(_retire, {"_approval_id": approval_id, "_wanted": version, "_now": unit.now, "_facts": facts})


_columns = [column for column in outbox.c if column.name not in ("next_at", "last_error", "created_at")]


def lease(unit: Unit, limit: int, *, skip_channels: Sequence[str] = ()) -> list[Item]:
    """Take up to `limit` messages that are due, urgent first, for LEASE_SECONDS; whoever holds the lease may finish them."""
    query = (
        select(*_columns)
        .where(outbox.c.next_at.is_not(None), outbox.c.next_at <= unit.instant)
        .order_by(outbox.c.urgency.desc(), outbox.c.next_at, outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if skip_channels:
        query = query.where(or_(outbox.c.slack_ts.is_not(None), outbox.c.channel.not_in(skip_channels)))
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


def _leased(row: dict[str, Any], token: str) -> Item:
    # A lease that nobody finished means that its holder died: perhaps after the post, perhaps before.
    unsure = row["unsure"] or (row["lease"] is not None and row["slack_ts"] is None)
    return Item(**row | {"lease": token, "attempts": row["attempts"] + 1, "unsure": unsure})


def shown(unit: Unit, item: Item, *, revision: int, channel: str | None, ts: str | None) -> bool:
    """Slack shows `revision` with the item's face; anything newer stays wanted. False where the lease was lost."""
    moment = unit.now
    outdated = or_(outbox.c.wanted > revision, outbox.c.face != item.face)
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
        unsure=False,
        shown=0,
    )


def give_up(unit: Unit, item: Item, *, error: str) -> bool:
    """Stop trying: it cannot be shown."""
    return _finish(unit, item, next_at=None, last_error=error[:500], lease=None)


def _finish(unit: Unit, item: Item, **values: Any) -> bool:
    statement = update(outbox).where(outbox.c.id == item.id, outbox.c.lease == item.lease).values(**values)
    return unit.execute(statement).rowcount == 1


def next_due(unit: Unit) -> datetime | None:
    """When the next message wants to be sent."""
    query = select(outbox.c.next_at).where(outbox.c.next_at.is_not(None)).order_by(outbox.c.next_at).limit(1)
    moment: datetime | None = unit.execute(query).scalar_one_or_none()
    return moment


def thread_root(unit: Unit, approval_id: str) -> tuple[str, str] | None:
    """(channel, ts) of the approval's newest posted card, under which its history is told."""
    query = (
        select(outbox.c.slack_channel, outbox.c.slack_ts)
        .where(outbox.c.approval_id == approval_id, outbox.c.kind == "card", outbox.c.slack_ts.is_not(None))
        .order_by(outbox.c.id.desc())
        .limit(1)
    )
    row = unit.execute(query).one_or_none()
    return (row.slack_channel, row.slack_ts) if row else None


def posted_timestamps(unit: Unit, approval_id: str | None) -> set[str]:
    """The messages of an approval that are known to be in Slack."""
    query = select(outbox.c.slack_ts).where(outbox.c.approval_id == approval_id, outbox.c.slack_ts.is_not(None))
    return set(unit.execute(query).scalars())


def known_channel_id(unit: Unit, channel: str) -> str | None:
    """The id under which Slack took an earlier post to this channel name."""
    query = select(outbox.c.slack_channel).where(outbox.c.channel == channel, outbox.c.slack_channel.is_not(None))
    found: str | None = unit.execute(query.order_by(outbox.c.id.desc()).limit(1)).scalar_one_or_none()
    return found


def backlog(unit: Unit) -> dict[str, int]:
    """How many messages wait, by kind."""
    query = select(outbox.c.kind, func.count().label("waiting")).where(outbox.c.next_at.is_not(None))
    return {row.kind: row.waiting for row in unit.execute(query.group_by(outbox.c.kind))}
