"""Approvals as rows: one insert, one compare-and-set, and the questions the use cases ask (DESIGN rule 1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    CompoundSelect,
    Select,
    Update,
    and_,
    bindparam,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.engine import Row

from policies.amounts import aggregate_of, amount_of
from policies.approval import Approval, Decision, InfoRequest, Review, Undo, Vote
from policies.deadlines import Clock
from policies.delegation import Link
from policies.digest import canonical, rfc3339
from policies.lifecycle import State
from policies.manifest import Policy
from policies.request import Request
from policies.routing import FAILURE_WINDOW_SECONDS, History, Level, RouteName
from store import bulk, callbacks
from store.tables import absences, approvals, decisions, delegations, switches
from store.types import database_now
from store.unit import Unit

MICROS = 1_000_000
# More than any limit a manifest can name: what is beyond it is beyond them all, and sums still fit the column.
LARGEST_USD = Decimal(10**12 + 1)
_columns = [column for column in approvals.c if column.name != "checkpoint"]


@lru_cache(maxsize=512)
def _policy(text: str) -> Policy:
    return Policy.model_validate_json(text)


def from_row(row: Row[Any], votes: Sequence[Vote] = ()) -> Approval:
    """The approval of a row."""
    return Approval(
        id=row.id,
        agent_id=row.agent_id,
        agent=row.agent,
        request=Request.model_validate_json(row.request),
        params=json.loads(row.params),
        sentence=row.sentence,
        state=State(row.state),
        version=row.version,
        level=Level(row.level) if row.level else None,
        route=RouteName(row.route),
        why=tuple(row.why),
        chain=tuple(Link(agent, approval_id) for agent, approval_id in row.chain or ()),
        digest=row.digest,
        policy=_policy(row.policy) if row.policy else None,
        policy_version=row.policy_version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        clock=Clock(
            due_at=row.clock_due_at,
            remind_at=row.clock_remind_at,
            expires_at=row.clock_expires_at,
            claim_by=row.clock_claim_by,
            paused_at=row.clock_paused_at,
            undo_until=row.clock_undo_until,
            roll_back_by=row.clock_roll_back_by,
            review_by=row.clock_review_by,
            hush_until=row.clock_hush_until,
            reminders=row.clock_reminders or 0,
        ),
        expires_at=row.expires_at,
        assignee=row.assignee,
        role=row.role,
        reached_roles=tuple(row.reached_roles),
        asked=tuple(row.asked),
        assigned_why=row.assigned_why,
        info_request=_info(row.info_request),
        exchange=tuple((question, answer) for question, answer in row.exchange),
        votes=tuple(votes),
        decision=_decision(row.decision),
        claimed_at=row.claimed_at,
        nonce_hash=row.nonce_hash,
        outcome_detail=row.outcome_detail,
        undo=_undo(row.undo),
        breached_at=row.breached_at,
        review=_review(row.review),
        named=row.named,
    )


def _review(value: dict[str, Any] | None) -> Review | None:
    if value is None:
        return None
    at = value["at"] and datetime.fromisoformat(value["at"])
    return Review(**value | {"asked": tuple(value["asked"]), "at": at})


def _undo(value: dict[str, Any] | None) -> Undo | None:
    if value is None:
        return None
    reverted = value["reverted_at"] and datetime.fromisoformat(value["reverted_at"])
    return Undo(**value | {"at": datetime.fromisoformat(value["at"]), "reverted_at": reverted})


def _decision(value: dict[str, Any] | None) -> Decision | None:
    return Decision(**value | {"at": datetime.fromisoformat(value["at"])}) if value else None


def _info(value: dict[str, Any] | None) -> InfoRequest | None:
    return InfoRequest(**value | {"at": datetime.fromisoformat(value["at"])}) if value else None


def _dated(value: Decision | InfoRequest | Undo | None) -> dict[str, Any] | None:
    if value is None:
        return None
    # Not asdict, which copies every value to its depth: it is made text at once.
    return {part.name: getattr(value, part.name) for part in fields(value)} | {"at": rfc3339(value.at)}


# What each field of an approval is in its row: a change writes the columns of the fields that changed, and no others.
_COLUMNS_OF: dict[str, Callable[[Approval], dict[str, Any]]] = {
    "params": lambda it: {"params": canonical(it.params)} | _summed_columns(it),
    "sentence": lambda it: {"sentence": it.sentence},
    "state": lambda it: {"state": it.state.value},
    "version": lambda it: {"version": it.version},
    "level": lambda it: {"level": it.level.value if it.level else None},
    "why": lambda it: {"why": list(it.why)},
    "digest": lambda it: {"digest": it.digest},
    "assignee": lambda it: {"assignee": it.assignee},
    "assigned_why": lambda it: {"assigned_why": it.assigned_why},
    "role": lambda it: {"role": it.role},
    "reached_roles": lambda it: {"reached_roles": list(it.reached_roles)},
    "asked": lambda it: {"asked": list(it.asked)},
    "updated_at": lambda it: {"updated_at": it.updated_at},
    "clock": lambda it: _clock_columns(it.clock),
    "info_request": lambda it: {"info_request": _dated(it.info_request)},
    "exchange": lambda it: {"exchange": [list(pair) for pair in it.exchange]},
    "decision": lambda it: _decision_columns(it.decision),
    "claimed_at": lambda it: {"claimed_at": it.claimed_at},
    "nonce_hash": lambda it: {"nonce_hash": it.nonce_hash},
    "outcome_detail": lambda it: {"outcome_detail": it.outcome_detail},
    "undo": lambda it: _undo_columns(it.undo),
    "breached_at": lambda it: {"breached_at": it.breached_at},
    "review": lambda it: _review_columns(it.review),
    "named": lambda it: {"named": it.named},
}


def _summed_columns(approval: Approval) -> dict[str, Any]:
    amount, aggregate = amount_of(approval.policy, approval.params), aggregate_of(approval.policy, approval.params)
    return {
        "amount_micros": int(min(amount, LARGEST_USD) * MICROS) if amount is not None else None,
        "aggregate_key": aggregate[0] if aggregate else None,
    }


def _review_columns(review: Review | None) -> dict[str, Any]:
    if review is None:
        return {"review": None, "reviewer": None}
    written = {part.name: getattr(review, part.name) for part in fields(review)}
    return {"review": written | {"at": review.at and rfc3339(review.at)}, "reviewer": review.reviewer}


def _undo_columns(undo: Undo | None) -> dict[str, Any]:
    written = _dated(undo)
    if undo is None or written is None:
        return {"undo": None, "undone_at": None, "reverted_at": None}
    reverted = rfc3339(undo.reverted_at) if undo.reverted_at else None
    return {"undo": written | {"reverted_at": reverted}, "undone_at": undo.at, "reverted_at": undo.reverted_at}


def _clock_columns(clock: Clock) -> dict[str, Any]:
    return {
        "clock_due_at": clock.due_at,
        "clock_remind_at": clock.remind_at,
        "clock_expires_at": clock.expires_at,
        "clock_claim_by": clock.claim_by,
        "clock_paused_at": clock.paused_at,
        "clock_undo_until": clock.undo_until,
        "clock_roll_back_by": clock.roll_back_by,
        "clock_review_by": clock.review_by,
        "clock_hush_until": clock.hush_until,
        "clock_reminders": clock.reminders,
        "wake_at": clock.wake_at,
    }


def _decision_columns(decision: Decision | None) -> dict[str, Any]:
    return {
        "decision": _dated(decision),
        "decided_by": decision.by if decision else None,
        "decided_at": decision.at if decision else None,
    }


def _columns_of(approval: Approval, before: Approval | None = None) -> dict[str, Any]:
    """The values to write: of every field, or of those that are not what they were in `before`."""
    values: dict[str, Any] = {}
    for name, write in _COLUMNS_OF.items():
        if before is None or getattr(approval, name) is not getattr(before, name):
            values |= write(approval)
    return values


_insert = insert(approvals)


def add(
    unit: Unit,
    approval: Approval,
    *,
    idempotency_key: str,
    body_hash: str,
    above: Iterable[str] = (),
) -> None:
    """Insert a new approval; IntegrityError on uq_approvals_idempotency where the key was used meanwhile.

    `above` are the ids of the agents for whom it is made, other than its own: what it spends counts for each of them.
    """
    request = approval.request
    unit.execute(
        _insert,
        _columns_of(approval)
        | {
            "id": approval.id,
            "agent_id": approval.agent_id,
            "agent": approval.agent,
            "idempotency_key": idempotency_key,
            "body_hash": body_hash,
            "action": approval.action,
            "session_id": request.session_id,
            "principal": request.on_behalf_of.strip().casefold() if request.on_behalf_of else None,
            "chain": [[link.agent, link.approval_id] for link in approval.chain] or None,
            "request": request.model_dump_json(exclude={"checkpoint"}, exclude_defaults=True),
            "checkpoint": request.checkpoint,
            "route": approval.route.value,
            "policy": approval.policy.model_dump_json() if approval.policy else None,
            "policy_version": approval.policy_version,
            "created_at": approval.created_at,
            "expires_at": approval.expires_at,
            "assigned_at": approval.created_at if approval.assignee else None,
            "finished_at": None,
        },
    )
    rows = [{"approval_id": approval.id, "agent_id": one, "at": approval.created_at} for one in dict.fromkeys(above)]
    if rows:
        unit.execute(insert(delegations), rows)


def save(unit: Unit, before: Approval, after: Approval, *, in_time: bool = False, within_window: bool = False) -> bool:
    """The compare-and-set: write `after` only where the row still is `before`; False when somebody was first.

    With `in_time` the database's own clock must also still be before the expiry (DESIGN rule 1), with
    `within_window` before the end of the undo window.
    """
    deadline = _IN_TIME if in_time else _WITHIN_WINDOW if within_window else None
    statement, values = _saving(unit, before, after, deadline)
    if unit.execute(statement, values).rowcount != 1:
        return False
    callbacks.want(unit, before, after)
    return True


def put_off(unit: Unit, approval: Approval, clock: Clock) -> None:
    """Set another clock on a row that `due` has locked: nothing that people see has changed, so its version stays."""
    statement = update(approvals).where(approvals.c.id == approval.id, approvals.c.version == approval.version)
    unit.execute(statement.values(_clock_columns(clock)))


def save_later(unit: Unit, before: Approval, after: Approval) -> None:
    """The same for a row that `due` has locked, written together with others of its transaction."""
    statement, values = _saving(unit, before, after, None)
    bulk.later(unit, statement, _changed_together(tuple(values)), values, one_row=True)
    callbacks.want(unit, before, after)


_IN_TIME, _WITHIN_WINDOW = "in_time", "within_window"
_KEYS = ("_id", "_state", "_version", "_digest")


@lru_cache(maxsize=256)
def _changed_together(names: tuple[str, ...]) -> bulk.Bulk:
    parameters = tuple((name, approvals.c[name.removeprefix("_") if name in _KEYS else name]) for name in names)
    setting = ", ".join(f'"{name}" = v."{name}"' for name in names if name not in _KEYS)
    where = " AND ".join(f'approvals.{name.removeprefix("_")} = v."{name}"' for name in _KEYS)
    return bulk.Bulk(approvals, parameters, setting, where)


def _saving(unit: Unit, before: Approval, after: Approval, deadline: str | None) -> tuple[Update, dict[str, Any]]:
    values = _columns_of(after, before)
    if after.assignee != before.assignee or after.asked != before.asked:
        values["assigned_at"] = after.updated_at
    if after.state in (State.SUCCEEDED, State.FAILED) and after.state is not before.state:
        values["finished_at"] = after.updated_at
    statement = _compare_and_set(tuple(values), deadline, unit.clock.seconds if deadline else 0.0)
    was = {"_id": before.id, "_state": before.state.value, "_version": before.version, "_digest": before.digest}
    return statement, values | was


@lru_cache(maxsize=256)
def _compare_and_set(names: tuple[str, ...], deadline: str | None, clock_shift: float) -> Update:
    statement = (
        update(approvals)
        .where(
            approvals.c.id == bindparam("_id"),
            approvals.c.state == bindparam("_state"),
            approvals.c.version == bindparam("_version"),
            approvals.c.digest == bindparam("_digest"),
        )
        .values({name: bindparam(name) for name in names})
    )
    if deadline is None:
        return statement
    clock = database_now(clock_shift)
    if deadline == _WITHIN_WINDOW:
        return statement.where(approvals.c.clock_undo_until > clock)
    live = approvals.c.clock_expires_at
    return statement.where(or_(live.is_(None), approvals.c.clock_paused_at.is_not(None), live > clock))


def load(unit: Unit, approval_id: str, *, agent_id: str | None = None) -> Approval | None:
    """One approval, or None; with `agent_id` only if it is that agent's. Brings the database's time along."""
    query = _by_id(unit.clock.seconds, of_agent=agent_id is not None)
    row = unit.execute(query, {"_id": approval_id, "_agent_id": agent_id}).one_or_none()
    if row is None:
        return None
    unit.now = row.database_time
    return from_row(row, _votes(unit, row) if _has_quorum(row) else ())


def several(unit: Unit, approval_ids: Sequence[str]) -> dict[str, Approval]:
    """Approvals by id, in one round trip where none needs a quorum."""
    rows = unit.execute(select(*_columns).where(approvals.c.id.in_(approval_ids))).all()
    return {row.id: from_row(row, _votes(unit, row) if _has_quorum(row) else ()) for row in rows}


@lru_cache(maxsize=64)
def _by_id(clock_shift: float, *, of_agent: bool) -> Select[Any]:
    clock = database_now(clock_shift).label("database_time")
    query = select(*_columns, clock).where(approvals.c.id == bindparam("_id"))
    return query.where(approvals.c.agent_id == bindparam("_agent_id")) if of_agent else query


def _has_quorum(row: Row[Any]) -> bool:
    return row.policy is not None and _policy(row.policy).approvers != 1


def _votes(unit: Unit, row: Row[Any]) -> list[Vote]:
    query = (
        select(decisions.c.by, decisions.c.role, decisions.c.at)
        .where(decisions.c.approval_id == row.id, decisions.c.digest == row.digest)
        .where(decisions.c.verb.in_(("vote", "approve")))
        .order_by(decisions.c.id)
    )
    return [Vote(vote.by, vote.role, vote.at) for vote in unit.execute(query)]


_verb_of = select(decisions.c.verb).where(
    decisions.c.approval_id == bindparam("_approval_id"),
    decisions.c.digest == bindparam("_digest"),
    decisions.c.by == bindparam("_by"),
)


def vote_of(unit: Unit, approval: Approval, user: str) -> str | None:
    """The verb by which `user` already decided on this very digest, or None."""
    of = {"_approval_id": approval.id, "_digest": approval.digest, "_by": user}
    verb: str | None = unit.execute(_verb_of, of).scalar_one_or_none()
    return verb


_insert_decision = insert(decisions)


def add_decision(unit: Unit, approval: Approval, *, verb: str, by: str, role: str, note: str | None) -> None:
    """Insert who did what, once a person and digest; IntegrityError on uq_decisions_once_each at the second time."""
    unit.execute(
        _insert_decision,
        {
            "approval_id": approval.id,
            "digest": approval.digest,
            "verb": verb,
            "by": by,
            "role": role,
            "note": note,
            "at": unit.now,
            "latency_ms": latency_ms(approval, unit.now),
        },
    )


def latency_ms(approval: Approval, now: datetime) -> int:
    """Milliseconds from the request to `now`."""
    return max(0, round((now - approval.created_at).total_seconds() * 1000))


def checkpoint(unit: Unit, approval_id: str, agent_id: str) -> tuple[bool, Any]:
    """Whether the agent has such an approval, and the checkpoint saved with it."""
    query = select(approvals.c.checkpoint).where(approvals.c.id == approval_id, approvals.c.agent_id == agent_id)
    row = unit.execute(query).one_or_none()
    return (row is not None, row.checkpoint if row else None)


@dataclass(frozen=True, slots=True)
class Before:
    """What the store knows when a request arrives."""

    existing_id: str | None
    existing_body_hash: str | None
    pending: int
    created_last_minute: int
    history: History


def before(
    unit: Unit, agent_id: str, key: str, action: str, aggregate: tuple[str, int] | None, *, excluding: str = ""
) -> Before:
    """One round trip for all that routing and the limits need; `aggregate` is (key, window in seconds).

    The sum holds what this agent and those who act for it asked, but for the approval `excluding`.
    """
    key_of_sum, window = aggregate or ("", 0)
    now = unit.now
    values = {
        "_agent_id": agent_id,
        "_key": key,
        "_action": action,
        "_minute_ago": now - timedelta(seconds=60),
        "_day_ago": now - timedelta(seconds=FAILURE_WINDOW_SECONDS),
        "_aggregate_key": key_of_sum,
        "_window_start": now - timedelta(seconds=window),
        "_excluding": excluding,
    }
    row = unit.execute(_knowing(aggregate is not None, unit.connection.dialect.name), values).one()
    history = History(
        agent_failures_24h=row.failures,
        aggregate_usd=Decimal(row.total or 0) / MICROS,
        stopped=row.stopped is not None,
    )
    return Before(row.existing_id, row.existing_body_hash, row.pending, row.minute, history)


# Written out and not bound: PostgreSQL takes a partial index only where the statement itself says `state = 'pending'`.
_PENDING, _FAILED = (approvals.c.state == literal_column(f"'{state}'") for state in (State.PENDING, State.FAILED))
_TAKEN_OVER = approvals.c.state == literal_column(f"'{State.TAKEN_OVER}'")
_ENDED_WITHOUT = ("denied", "blocked", "rejected", "cancelled", "expired")
_REFUSED: list[ColumnClause[Any]] = [literal_column(f"'{state}'") for state in _ENDED_WITHOUT]


@lru_cache(maxsize=8)
def _knowing(summed: bool, dialect: str) -> Select[Any]:
    own = approvals.c.agent_id == bindparam("_agent_id")
    of_key = and_(own, approvals.c.idempotency_key == bindparam("_key"))
    counted = {
        "pending": and_(own, _PENDING),
        "minute": and_(own, approvals.c.created_at > bindparam("_minute_ago")),
        "failures": and_(own, _FAILED, approvals.c.finished_at > bindparam("_day_ago")),
    }
    stopped = select(switches.c.value).where(switches.c.name == "stop").scalar_subquery()
    return select(
        select(approvals.c.id).where(of_key).scalar_subquery().label("existing_id"),
        select(approvals.c.body_hash).where(of_key).scalar_subquery().label("existing_body_hash"),
        *(select(func.count()).where(these).scalar_subquery().label(name) for name, these in counted.items()),
        stopped.label("stopped"),
        (_total(dialect) if summed else literal(0)).label("total"),
    )


def _total(dialect: str) -> ColumnElement[Any]:
    # SQLite's sum fails beyond 64 bits; its total does not, and is exact up to nine billion dollars.
    total = func.sum if dialect == "postgresql" else func.total
    summed = select(func.coalesce(total(approvals.c.amount_micros), 0)).where(
        approvals.c.action == bindparam("_action"),
        approvals.c.aggregate_key == bindparam("_aggregate_key"),
        approvals.c.amount_micros.is_not(None),
        approvals.c.created_at > bindparam("_window_start"),
        approvals.c.state.not_in(_REFUSED),
        approvals.c.id != bindparam("_excluding"),
    )
    own = summed.where(approvals.c.agent_id == bindparam("_agent_id"))
    delegated = summed.join(delegations, delegations.c.approval_id == approvals.c.id).where(
        delegations.c.agent_id == bindparam("_agent_id"), delegations.c.at > bindparam("_window_start")
    )
    return own.scalar_subquery() + delegated.scalar_subquery()


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a person is: open approvals, when they were last asked, whether they are away, until when and with whom
    in their stead."""

    open: int
    last_assigned_at: datetime | None
    away: bool
    away_until: datetime | None
    delegate: str | None = None


def loads(unit: Unit, users: Iterable[str]) -> dict[str, Load]:
    """The load of each of `users`, in one round trip."""
    wanted = tuple(sorted(set(users)))
    if not wanted:
        return {}
    rows = unit.execute(_loading(wanted, unit.clock.seconds))
    return {row.user: Load(row.open, row.last, bool(row.away), row.until, row.delegate) for row in rows}


@lru_cache(maxsize=256)
def _loading(users: tuple[str, ...], clock_shift: float) -> CompoundSelect[Any]:
    parts = []
    for user in users:
        of_user = approvals.c.assignee == user
        away = and_(
            absences.c.user_id == user, or_(absences.c.until.is_(None), absences.c.until > database_now(clock_shift))
        )
        parts.append(
            select(
                literal(user).label("user"),
                select(func.count()).where(of_user, _PENDING).scalar_subquery().label("open"),
                select(func.max(approvals.c.assigned_at)).where(of_user).scalar_subquery().label("last"),
                select(func.count()).where(away).scalar_subquery().label("away"),
                select(absences.c.until).where(away).scalar_subquery().label("until"),
                select(absences.c.delegate).where(away).scalar_subquery().label("delegate"),
            )
        )
    return union_all(*parts)


def open_reviews(unit: Unit, users: Iterable[str]) -> dict[str, int]:
    """How many reviews after the fact wait for each of `users`."""
    query = select(approvals.c.reviewer, func.count().label("open")).where(approvals.c.reviewer.in_(sorted(users)))
    return {row.reviewer: row.open for row in unit.execute(query.group_by(approvals.c.reviewer))}


def taken_over_by(unit: Unit, agent_id: str, session_id: str) -> str | None:
    """Who does something of this session by hand now (C4); None where nobody does."""
    query = select(approvals.c.decided_by).where(
        approvals.c.agent_id == agent_id, approvals.c.session_id == session_id, _TAKEN_OVER
    )
    found: str | None = unit.execute(query.limit(1)).scalar_one_or_none()
    return found


def due(unit: Unit, limit: int) -> tuple[list[Approval], list[str]]:
    """Up to `limit` approvals whose next moment has come, the longest overdue first, claimed for this transaction.

    Beside them the ids of rows that cannot be read as an approval: one of those must not stop the rest. Keys stay free
    to be referred to: a courier that writes a card twice in one transaction has its approval's key checked, holding the
    card that the sweep wants next.
    """
    query = (
        select(*_columns)
        .where(approvals.c.wake_at.is_not(None), approvals.c.wake_at <= unit.instant)
        .order_by(approvals.c.wake_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    found: list[Approval] = []
    unreadable: list[str] = []
    for row in unit.execute(query).all():
        try:
            approval = from_row(row)
        except (ValueError, TypeError, KeyError):
            unreadable.append(row.id)
            continue
        found.append(replace(approval, votes=tuple(_votes(unit, row))) if _has_quorum(row) else approval)
    return found, unreadable


def movable(unit: Unit, limit: int) -> list[Approval]:
    """Up to `limit` approvals that wait for somebody whose time is not up, the most time left first, locked."""
    query = (
        select(*_columns)
        .where(_PENDING, approvals.c.assignee.is_not(None), approvals.c.clock_paused_at.is_(None))
        .where(approvals.c.clock_due_at > unit.instant)
        .order_by(approvals.c.clock_due_at.desc(), approvals.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return [from_row(row, _votes(unit, row) if _has_quorum(row) else ()) for row in unit.execute(query).all()]


def next_wake(unit: Unit) -> datetime | None:
    """The next moment at which the sweep has something to do."""
    query = select(func.min(approvals.c.wake_at)).where(approvals.c.wake_at.is_not(None))
    moment: datetime | None = unit.execute(query).scalar_one_or_none()
    return moment


def listed(
    unit: Unit,
    *,
    agent_id: str | None = None,
    state: str | None = None,
    session_id: str | None = None,
    assignee: str | None = None,
    undone: str | None = None,
    cursor: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Approval]:
    """Approvals newest first, filtered; `cursor` is the (created_at, id) of the last one already seen.

    `undone` is "true" for everything that a person undid, "open" for what the agent still has to roll back.
    """
    query = select(*_columns).order_by(approvals.c.created_at.desc(), approvals.c.id.desc()).limit(limit)
    wanted = {"agent_id": agent_id, "state": state, "session_id": session_id, "assignee": assignee}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(approvals.c[name] == value)
    if undone is not None:
        query = query.where(approvals.c.undone_at.is_not(None))
    if undone == "open":
        query = query.where(approvals.c.claimed_at.is_not(None), approvals.c.reverted_at.is_(None))
    if cursor is not None:
        moment, last_id = cursor
        query = query.where(
            tuple_(approvals.c.created_at, approvals.c.id)
            < tuple_(literal(moment, approvals.c.created_at.type), literal(last_id))
        )
    return [from_row(row) for row in unit.execute(query).all()]


def pending(unit: Unit, *, assignee: str | None = None, limit: int = 50) -> list[Approval]:
    """What waits for a person, the soonest deadline first."""
    query = select(*_columns).where(approvals.c.state == "pending").limit(limit)
    query = query.order_by(func.coalesce(approvals.c.clock_due_at, approvals.c.clock_expires_at), approvals.c.id)
    if assignee is not None:
        query = query.where(approvals.c.assignee == assignee)
    return [from_row(row) for row in unit.execute(query).all()]


def decided_by(unit: Unit, user: str, limit: int = 10) -> list[Approval]:
    """What `user` decided, newest first."""
    query = select(*_columns).where(approvals.c.decided_by == user)
    query = query.order_by(approvals.c.decided_at.desc()).limit(limit)
    return [from_row(row) for row in unit.execute(query).all()]
