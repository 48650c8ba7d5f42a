"""What a look at a database tells without changing it: whether it can be worked with, and what has been done with it so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from alembic.runtime.migration import MigrationContext
from sqlalchemy import ColumnElement, and_, case, func, or_, select, text

from store import grants, schema
from store.engine import Database
from store.rows import NO_TEST
from store.tables import agent_tokens, agents, approvals, audit, callbacks, decisions, metadata, outbox, standings
from store.unit import Unit

RECENT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether a database can be worked with. On SQLite there is no server: `forbidden` is for PostgreSQL's roles."""

    revision: str | None
    now: datetime
    standby: bool = False
    reads_only: bool = False
    synchronous_commit: str = "on"
    fsync: str = "on"
    forbidden: tuple[str, ...] = ()

    @property
    def at_head(self) -> bool:
        """Whether the schema is this version's."""
        return self.revision == schema.newest()


def condition(database: Database) -> Condition:
    """How the database is. Raises StoreUnavailable where it does not answer."""
    return database.read(_condition_of)


def _condition_of(unit: Unit) -> Condition:
    connection = unit.connection
    revision = MigrationContext.configure(connection).get_current_revision()
    if connection.dialect.name == "sqlite":
        return Condition(revision, unit.now)
    shown = {name: str(connection.execute(text(f"SHOW {name}")).scalar_one()) for name in _SHOWN}
    standby = bool(connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one())
    return Condition(
        revision,
        unit.now,
        standby=standby,
        reads_only=shown["default_transaction_read_only"] == "on",
        synchronous_commit=shown["synchronous_commit"],
        fsync=shown["fsync"],
        forbidden=tuple(_forbidden(unit)) if revision is not None else (),
    )


_SHOWN = ("synchronous_commit", "fsync", "default_transaction_read_only")
_MAY = text(
    "SELECT c.relname AS name, verb FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS verb"
    " WHERE c.relkind = 'r' AND pg_table_is_visible(c.oid) AND has_table_privilege(c.oid, verb)"
)


def _forbidden(unit: Unit) -> list[str]:
    """What this role may not do and would have to."""
    may = {(row.name, row.verb) for row in unit.connection.execute(_MAY)}
    needed = [(table.name, verb) for table in metadata.sorted_tables for verb in grants.verbs_of(table)]
    return sorted(f"{verb} on {name}" for name, verb in needed if (name, verb) not in may)


@dataclass(frozen=True, slots=True)
class Token:
    """A living token of an agent: until when, and who answers for the agent."""

    agent: str
    owner: str | None
    expires_at: datetime | None


def living_tokens(unit: Unit) -> list[Token]:
    """Every token that works now, by agent."""
    alive = or_(agent_tokens.c.expires_at.is_(None), agent_tokens.c.expires_at > unit.clock)
    query = (
        select(agents.c.name, agents.c.owner, agent_tokens.c.expires_at)
        .join(agents, agents.c.id == agent_tokens.c.agent_id)
        .where(agent_tokens.c.revoked_at.is_(None), agents.c.revoked_at.is_(None), alive)
        .order_by(agents.c.name)
    )
    return [Token(row.name, row.owner, row.expires_at) for row in unit.execute(query)]


def first_posted(unit: Unit) -> datetime | None:
    """Since when the oldest card that is in Slack has been waiting for somebody's tap."""
    query = select(func.min(outbox.c.created_at)).where(outbox.c.kind == "card", outbox.c.slack_ts.is_not(None))
    found: datetime | None = unit.execute(query).scalar_one()
    return found


@dataclass(frozen=True, slots=True)
class Tried:
    """What has been done so far, how often."""

    asked: int
    decided: int
    succeeded: int
    rejected: int
    undone: int
    undo_offered: int
    unknown_outcomes: int
    busiest_hour: int
    reviewed: int
    sampled: int
    breached: int
    unsent: int
    callbacks_failing: int
    standings: int
    events: int


def tried(unit: Unit) -> Tried:
    """What was done since the beginning, and how much it was in the busiest hour of the last thirty days."""

    def counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    state = approvals.c.state
    row = unit.execute(
        select(
            func.count().label("asked"),
            counted(state == "succeeded").label("succeeded"),
            counted(state == "rejected").label("rejected"),
            counted(approvals.c.undone_at.is_not(None)).label("undone"),
            counted(approvals.c.clock_undo_until.is_not(None)).label("undo_offered"),
            counted(state == "outcome_unknown").label("unknown_outcomes"),
            counted(approvals.c.reviewer.is_not(None)).label("sampled"),
            counted(and_(approvals.c.reviewer.is_not(None), approvals.c.clock_review_by.is_(None))).label("reviewed"),
            counted(approvals.c.breached_at.is_not(None)).label("breached"),
        )
        .select_from(approvals)
        .where(NO_TEST)
    ).one()
    decided = unit.execute(select(func.count()).select_from(decisions)).scalar_one()
    gone = select(func.count()).select_from(outbox).where(outbox.c.next_at.is_not(None), outbox.c.attempts > 2)
    failing = select(func.count()).select_from(callbacks).where(callbacks.c.last_error.is_not(None))
    given = select(func.count()).select_from(standings)
    return Tried(
        **row._asdict(),
        decided=decided,
        busiest_hour=_busiest_hour(unit),
        unsent=unit.execute(gone).scalar_one(),
        callbacks_failing=unit.execute(failing).scalar_one(),
        standings=unit.execute(given).scalar_one(),
        events=unit.execute(select(func.coalesce(func.max(audit.c.seq), 0))).scalar_one(),
    )


def _busiest_hour(unit: Unit) -> int:
    """How many requests came in the busiest hour of the last thirty days; moments are looked at in order."""
    query = (
        select(approvals.c.created_at)
        .where(approvals.c.created_at > unit.now - RECENT, NO_TEST)
        .order_by(approvals.c.created_at)
    )
    moments = [row.created_at for row in unit.execute(query.limit(200_000))]
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] > timedelta(hours=1):
            first += 1
        most = max(most, last - first + 1)
    return most


def unknown_actions(unit: Unit) -> dict[str, int]:
    """Actions that agents asked for within thirty days and that the manifest did not know, the most frequent first."""
    query = (
        select(approvals.c.action, func.count().label("times"))
        .where(approvals.c.route == "block", approvals.c.created_at > unit.now - RECENT)
        .group_by(approvals.c.action)
        .order_by(func.count().desc(), approvals.c.action)
        .limit(20)
    )
    return {row.action: row.times for row in unit.execute(query)}


def recorded(unit: Unit, events: tuple[str, ...]) -> frozenset[str]:
    """Which of these events stand in the audit trail."""
    said = {event: audit.c.line.contains(f'"event":"{event}"', autoescape=True) for event in events}
    return frozenset(
        event for event, there in said.items() if unit.execute(select(audit.c.seq).where(there).limit(1)).first()
    )
