"""Callbacks to agents: "approval X is now version N, look"; newest wins, sent under a lease with fencing (B3, docs/rules.md: I4)."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import and_, bindparam, case, func, select, update

from policies.approval import Approval
from store.tables import approvals, callbacks
from store.unit import Unit

LEASE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Callback:
    """One address to be told one version; whoever holds the lease may say how that went."""

    approval_id: str
    url: str
    host: str
    wanted: int
    since: datetime
    attempts: int
    lease: str
    trace: str | None = None  # of its approval


def want(unit: Unit, before: Approval, after: Approval) -> None:
    """The agent's address should hear of `after`, where it named one and there is something to look at.

    That is another state, or a reviewer's question. Who is being tried again keeps its turn.
    """
    url = after.request.callback_url
    asked = after.info_request is not None and before.info_request is None
    if url is None or (after.state is before.state and not asked):
        return
    values = {
        "approval_id": after.id,
        "url": url,
        "host": host_of(url),
        "wanted": after.version,
        "now": after.updated_at,
    }
    unit.execute(_wanting(unit), values)


def _wanting(unit: Unit) -> Any:
    insert = unit.insert(callbacks).values(
        approval_id=bindparam("approval_id"),
        url=bindparam("url"),
        host=bindparam("host"),
        wanted=bindparam("wanted"),
        since=bindparam("now", type_=callbacks.c.since.type),
        next_at=bindparam("now", type_=callbacks.c.next_at.type),
    )
    new = insert.excluded
    resting = callbacks.c.next_at.is_(None)
    return insert.on_conflict_do_update(
        index_elements=["approval_id"],
        set_={
            "wanted": new.wanted,
            "since": case((resting, new.since), else_=callbacks.c.since),
            "attempts": case((resting, 0), else_=callbacks.c.attempts),
            "next_at": case((resting, new.next_at), else_=callbacks.c.next_at),
        },
    )


def host_of(url: str) -> str:
    """`host:port` of an address, in lower case: whose troubles it shares."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


_trace = select(approvals.c.trace).where(approvals.c.id == callbacks.c.approval_id).scalar_subquery().label("trace")
_columns = [callbacks.c[name] for name in ("approval_id", "url", "host", "wanted", "since", "attempts")]


def lease(unit: Unit, limit: int, *, skip_hosts: Collection[str] = ()) -> list[Callback]:
    """Take up to `limit` callbacks that are due, for LEASE_SECONDS."""
    query = (
        select(*_columns, _trace)
        .where(callbacks.c.next_at.is_not(None), callbacks.c.next_at <= unit.instant)
        .order_by(callbacks.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if skip_hosts:
        query = query.where(callbacks.c.host.not_in(sorted(skip_hosts)))
    rows = unit.execute(query).all()
    if not rows:
        return []
    token = secrets.token_hex(8)
    until = unit.now + timedelta(seconds=LEASE_SECONDS)
    unit.execute(
        update(callbacks)
        .where(callbacks.c.approval_id.in_([row.approval_id for row in rows]))
        .values(lease=token, next_at=until, attempts=callbacks.c.attempts + 1)
    )
    return [
        Callback(row.approval_id, row.url, row.host, row.wanted, row.since, row.attempts + 1, token, row.trace)
        for row in rows
    ]


def told(unit: Unit, callback: Callback) -> bool:
    """The address heard of `callback.wanted`; anything newer is due now. False where the lease was lost."""
    newer = callbacks.c.wanted > callback.wanted
    return _finish(
        unit,
        callback,
        told=callback.wanted,
        attempts=0,
        last_error=None,
        since=case((newer, unit.now), else_=callbacks.c.since),
        next_at=case((newer, unit.now), else_=None),
    )


def retry(unit: Unit, callback: Callback, *, at: datetime, error: str) -> bool:
    """Try again at `at`."""
    return _finish(unit, callback, next_at=at, last_error=error[:300])


def give_up(unit: Unit, callback: Callback, *, error: str) -> bool:
    """Stop trying; a later version begins anew."""
    return _finish(unit, callback, next_at=None, last_error=error[:300])


def _finish(unit: Unit, callback: Callback, **values: Any) -> bool:
    held = and_(callbacks.c.approval_id == callback.approval_id, callbacks.c.lease == callback.lease)
    return unit.execute(update(callbacks).where(held).values(lease=None, **values)).rowcount == 1


def next_due(unit: Unit) -> datetime | None:
    """When the next callback wants to be sent."""
    moment: datetime | None = unit.execute(select(func.min(callbacks.c.next_at))).scalar_one_or_none()
    return moment


def backlog(unit: Unit) -> int:
    """How many callbacks wait to be sent."""
    return int(unit.execute(select(func.count()).where(callbacks.c.next_at.is_not(None))).scalar_one())
