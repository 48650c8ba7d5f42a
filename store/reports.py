"""Figures from what was recorded: past calls for a replay, and how agents fared with each action."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from sqlalchemy import func, or_, select
from sqlalchemy.engine import make_url

from policies.files.manifest import Manifest
from policies.learning.proposal import AgentRecord
from policies.replay.calls import BAD_LABELS, Call
from policies.request import Request
from store import first_contact, history, schema
from store.database_url import BadDatabaseUrl
from store.engine import Database
from store.rows import NO_TEST
from store.tables import agents, approvals, labels
from store.unit import Unit

T = TypeVar("T")


def over_calls(database_url: str, work: Callable[[Iterable[Call], int], T]) -> T:
    """What `work` makes of every request the store remembers, oldest first, with the worst label anybody gave it.

    They come one after another, and none is kept; `work` hears too how many there are. Raises BadDatabaseUrl, SchemaBehind
    and StoreUnavailable.
    """
    return reading(database_url, lambda unit: work(calls(unit), _size(unit)))


def _size(unit: Unit) -> int:
    counted: int = unit.execute(select(func.count()).select_from(approvals)).scalar_one()
    return counted


def reading(database_url: str, work: Callable[[Unit], T]) -> T:
    """What `work` reads from that database. Raises BadDatabaseUrl, SchemaBehind and StoreUnavailable."""
    database = Database(database_url, pool_size=1)
    try:
        _require_file(database)
        first_contact.require_answer(database)
        schema.require_head(database)
        return database.read(work)
    finally:
        database.close()


def _require_file(database: Database) -> None:
    """A report never makes an empty database where there was none."""
    path = make_url(database.url).database
    if database.sqlite and not Path(str(path)).exists():
        raise BadDatabaseUrl(f"SAYSO_DATABASE_URL: there is no {path}", field="SAYSO_DATABASE_URL")


MOST_REPLAYED = 20_000  # where a server replays beside its work


def calls(unit: Unit, newest: int | None = None) -> Iterator[Call]:
    """The same, in a unit of one's own; with `newest` only so many of the last."""
    columns = (approvals.c.id, approvals.c.agent, approvals.c.request, approvals.c.created_at, labels.c.label)
    query = select(*columns).outerjoin(labels, labels.c.approval_id == approvals.c.id).where(NO_TEST)
    if newest is not None:
        edge = select(approvals.c.created_at).order_by(approvals.c.created_at.desc()).offset(newest).limit(1)
        since: datetime | None = unit.execute(edge).scalar_one_or_none()
        query = query.where(approvals.c.created_at > since) if since else query
    query = query.order_by(approvals.c.created_at, approvals.c.id, labels.c.id).execution_options(yield_per=500)
    for _, rows in groupby(unit.execute(query), key=lambda row: row.id):
        first, *more = rows
        said = [row.label for row in (first, *more) if row.label is not None]
        yield Call(
            request=Request.model_validate_json(first.request),
            agent=first.agent,
            at=first.created_at,
            label=_worst(said),
        )


def _worst(given: Sequence[str]) -> str | None:
    """What went wrong once is not made good by a later word."""
    bad: Iterable[str] = (label for label in given if label in BAD_LABELS)
    return next(iter(bad), given[-1] if given else None)


def read_records(database_url: str, manifest: Manifest) -> tuple[list[AgentRecord], datetime]:
    """How every living agent fared with each action that has a ratchet, and the database's time. Raises as recorded_calls does."""
    return reading(database_url, lambda unit: (_records(unit, manifest), unit.now))


def _records(unit: Unit, manifest: Manifest) -> list[AgentRecord]:
    """Of each action by itself, whatever stands for it: what an agent earned with one is not earned with its siblings."""
    watched = [name for name, action in manifest.file.actions.items() if action.autonomy is not None]
    query = (
        select(agents.c.id, agents.c.name, approvals.c.action)
        .join(approvals, approvals.c.agent_id == agents.c.id)
        .where(or_(*(history.of_entry(approvals.c.action, name) for name in watched)))
        .where(approvals.c.claimed_at.is_not(None), agents.c.revoked_at.is_(None))
        .distinct()
    )
    return [
        AgentRecord(
            agent=row.name,
            action=row.action,
            outcomes=tuple(history.outcomes(unit, row.id, row.action, _EVER)),
            demotion=history.demotion(unit, row.id, manifest.policy(row.action).action),
        )
        for row in unit.execute(query).all()
        if manifest.policy(row.action).autonomy is not None
    ]


_EVER = datetime(1970, 1, 1, tzinfo=UTC)
