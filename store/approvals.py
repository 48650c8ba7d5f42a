"""Approvals as rows: one insert, one compare-and-set, and the questions the use cases ask (docs/rules.md: I1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.engine import Row

from policies.approval import Approval, Vote
from policies.deadlines import Clock
from policies.errors import Tampered
from policies.lifecycle import GRANTED, OPEN, State
from store import bulk, callbacks
from store.duplicates import DuplicateKey, DuplicateVote
from store.rows import (
    NO_TEST,
    PENDING,
    TAKEN_OVER,
    UNREADABLE,
    clock_columns,
    columns,
    columns_of,
    from_row,
    policy_of,
    principal_columns,
)
from store.tables import approvals, decisions, delegations
from store.together import PutOff
from store.types import database_now
from store.unit import Unit

_insert = insert(approvals).inline()
_KEY_USED = DuplicateKey, ("uq_approvals_idempotency", "approvals.idempotency_key")
_UNFINISHED = tuple(state.value for state in sorted(OPEN | GRANTED))


def add(
    unit: Unit,
    approval: Approval,
    *,
    idempotency_key: str,
    body_hash: str,
    above: Iterable[str] = (),
) -> None:
    """Insert a new approval; DuplicateKey is raised where the key was used meanwhile, when this is written.

    `above` are the ids of the agents for whom it is made, other than its own: what it spends counts for each of them.
    """
    request = approval.request
    values = (
        columns_of(approval)
        | principal_columns(approval)
        | {
            "idempotency_key": idempotency_key,
            "body_hash": body_hash,
            "action": approval.action,
            "asked_as": approval.asked_as or None,
            "session_id": request.session_id,
            "chain": [[link.agent, link.approval_id] for link in approval.chain] or None,
            "request": request.model_dump_json(exclude={"checkpoint"}, exclude_defaults=True),
            "checkpoint": request.checkpoint,
            "route": approval.route.value,
            # Without what it does not say: a server of the version before reads it too, as long as nothing new is said.
            "policy": approval.policy.model_dump_json(exclude_defaults=True) if approval.policy.known else None,
            "assigned_at": approval.created_at if approval.assignee else None,
            "finished_at": None,
        }
    )
    unit.put_off(PutOff(approvals, _insert, values, refused=_KEY_USED))
    unit.seals.made(values)
    rows = [{"approval_id": approval.id, "agent_id": one, "at": approval.created_at} for one in dict.fromkeys(above)]
    if rows:
        unit.execute(insert(delegations), rows)
        unit.seals.beside(delegations, rows)


def save(
    unit: Unit,
    before: Approval,
    after: Approval,
    *,
    in_time: bool = False,
    within_window: bool = False,
    missed: type[Exception] | None = None,
) -> bool:
    """The compare-and-set: write `after` only where the row still is `before`; False when somebody was first.

    With `in_time` the database's own clock must also still be before the expiry (docs/rules.md: I1), with
    `within_window` before the end of the undo window. With `missed` it is put off, and raises that when somebody was first.
    """
    deadline = _IN_TIME if in_time else _WITHIN_WINDOW if within_window else None
    statement, values = _saving(unit, before, after, deadline)
    _known(unit, before)
    if missed is not None:
        unit.put_off(PutOff(approvals, statement, values, missed))
    elif unit.execute(statement, values).rowcount != 1:
        return False
    unit.seals.changed(before.id, _written(values))
    callbacks.want(unit, before, after)
    return True


def set_aside(unit: Unit, approval_id: str, until: datetime) -> None:
    """Let the sweep look at a row that it could not handle no sooner than then."""
    unit.execute(update(approvals).where(approvals.c.id == approval_id).values(wake_at=until))


def put_off(unit: Unit, approval: Approval, clock: Clock) -> None:
    """Set another clock on a row that `due` has locked: nothing that people see has changed, so its version stays."""
    statement = update(approvals).where(approvals.c.id == approval.id, approvals.c.version == approval.version)
    unit.execute(statement.values(clock_columns(clock)))


def save_later(unit: Unit, before: Approval, after: Approval) -> None:
    """The same for a row that `due` has locked, written together with others of its transaction."""
    statement, values = _saving(unit, before, after, None)
    _known(unit, before)
    bulk.later(unit, statement, _changed_together(tuple(values)), values, one_row=True)
    unit.seals.changed(before.id, _written(values))
    callbacks.want(unit, before, after)


def _known(unit: Unit, approval: Approval) -> None:
    """Make sure that this unit has read the row, whose sum the trail keeps."""
    if unit.seals.row(approval.id) is None:
        row = unit.execute(select(*columns).where(approvals.c.id == approval.id)).one_or_none()
        if row is not None:
            _read(unit, row)


def _written(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _KEYS}


def _read(unit: Unit, row: Row[Any], votes: Sequence[Vote] = ()) -> Approval:
    """The approval of a row, and the row itself as this unit has seen it."""
    unit.seals.seen(dict(zip(_NAMES, row, strict=False)))
    return from_row(row, votes)


_NAMES = tuple(column.name for column in columns)
_IN_TIME, _WITHIN_WINDOW = "in_time", "within_window"
_ENDED = (State.SUCCEEDED, State.FAILED, State.OUTCOME_UNKNOWN)  # the execution, as far as anybody will ever know
_KEYS = ("_id", "_state", "_version", "_digest")


@lru_cache(maxsize=256)
def _changed_together(names: tuple[str, ...]) -> bulk.Bulk:
    parameters = tuple((name, approvals.c[name.removeprefix("_") if name in _KEYS else name]) for name in names)
    setting = ", ".join(f'"{name}" = v."{name}"' for name in names if name not in _KEYS)
    where = " AND ".join(f'approvals.{name.removeprefix("_")} = v."{name}"' for name in _KEYS)
    return bulk.Bulk(approvals, parameters, setting, where)


def _saving(unit: Unit, before: Approval, after: Approval, deadline: str | None) -> tuple[Update, dict[str, Any]]:
    values = columns_of(after, before)
    if after.assignee != before.assignee or after.asked != before.asked:
        values["assigned_at"] = after.updated_at
    if after.state in _ENDED and after.state is not before.state:
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
    """One approval, or None; with `agent_id` only if it is that agent's. Brings the database's time along.

    Raises Tampered for a row that cannot be one.
    """
    found = load_with(unit, approval_id, (), agent_id=agent_id)
    return found[0] if found else None


def load_with(
    unit: Unit, approval_id: str, beside: tuple[ColumnElement[Any], ...], *, agent_id: str | None = None
) -> tuple[Approval, Any] | None:
    """The same with its row, which has what stands `beside` it too: one statement, so all of it is of one moment."""
    query = _by_id(unit.clock.seconds, beside, of_agent=agent_id is not None)
    try:
        found = unit.rows(query, {"_id": approval_id, "_agent_id": agent_id})
        if not found:
            return None
        row = found[0]
        unit.now = row.database_time
        return _read(unit, row, _votes(unit, row) if _has_quorum(row) else ()), row
    except UNREADABLE:
        raise Tampered(what="its row cannot be read as a request") from None


def several(unit: Unit, approval_ids: Sequence[str]) -> dict[str, Approval]:
    """Approvals by id, in one round trip where none needs a quorum."""
    rows = unit.execute(select(*columns).where(approvals.c.id.in_(approval_ids))).all()
    return {row.id: _read(unit, row, _votes(unit, row) if _has_quorum(row) else ()) for row in rows}


@lru_cache(maxsize=64)
def _by_id(clock_shift: float, beside: tuple[ColumnElement[Any], ...] = (), *, of_agent: bool) -> Select[Any]:
    clock = database_now(clock_shift).label("database_time")
    query = select(*columns, clock, *beside).where(approvals.c.id == bindparam("_id"))
    return query.where(approvals.c.agent_id == bindparam("_agent_id")) if of_agent else query


def _has_quorum(row: Row[Any]) -> bool:
    """Whether anybody's yes can stand beside another's: a quorum, or an edit that somebody else has to confirm."""
    return row.policy is not None and (policy_of(row.policy).approvers != 1 or row.edits is not None)


# Every act that is a yes to what it was done to: an edit is its editor's yes to the new parameters.
_YES = ("vote", "approve", "choose", "answer", "revise", "edit")


def _votes(unit: Unit, row: Row[Any]) -> list[Vote]:
    query = (
        select(decisions.c.by, decisions.c.role, decisions.c.at, decisions.c.choice, decisions.c.answer)
        .where(decisions.c.approval_id == row.id, decisions.c.digest == row.digest)
        .where(decisions.c.verb.in_(_YES))
        .order_by(decisions.c.at, decisions.c.id)
    )
    votes = [Vote(vote.by, vote.role, vote.at, vote.choice, vote.answer) for vote in unit.execute(query)]
    # Where an edit brought back parameters of before, an earlier yes to them is not a yes to the edit.
    since = datetime.fromisoformat(row.edits[-1]["at"]) if row.edits else None
    return [vote for vote in votes if since is None or vote.at >= since]


_theirs = and_(
    decisions.c.approval_id == bindparam("_approval_id"),
    decisions.c.digest == bindparam("_digest"),
    decisions.c.by.in_(bindparam("_by", expanding=True)),
)
_act_of = select(decisions.c.by, decisions.c.verb, decisions.c.at, decisions.c.choice, decisions.c.answer).where(
    _theirs
)


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did to an approval as it is: by which account, the verb, when, and the choice or answer it named."""

    by: str
    verb: str
    at: datetime
    choice: str | None = None
    answer: str | None = None


def act_of(unit: Unit, approval: Approval, accounts: Sequence[str]) -> Act | None:
    """What one of a person's accounts already did on this very digest, or None."""
    row = unit.execute(_act_of.limit(1), _whose(approval, accounts)).one_or_none()
    return Act(row.by, row.verb, row.at, row.choice, row.answer) if row else None


def _whose(approval: Approval, accounts: Sequence[str]) -> dict[str, Any]:
    return {"_approval_id": approval.id, "_digest": approval.digest, "_by": list(accounts)}


_insert_decision = insert(decisions).inline()
_TWICE = DuplicateVote, ("uq_decisions_once_each", "decisions.approval_id")
_change_decision = update(decisions).where(_theirs)


def add_decision(unit: Unit, approval: Approval, act: Act, *, role: str, note: str | None) -> None:
    """Insert who did what, once a person and digest; DuplicateVote is raised at the second time, when this is written."""
    values = {"approval_id": approval.id, "digest": approval.digest, **_acted(approval, act, role, note)}
    unit.put_off(PutOff(decisions, _insert_decision, values, refused=_TWICE))
    unit.seals.beside(decisions, [values])


def change_decision(unit: Unit, approval: Approval, earlier: Act, act: Act, *, role: str, note: str | None) -> None:
    """Somebody who did something on this digest means something else now: another choice, or a yes anew after an edit."""
    values, whose = _acted(approval, act, role, note), _whose(approval, [earlier.by])
    before = unit.execute(select(decisions).where(_theirs), whose).one()._asdict()
    unit.execute(_change_decision.values(values), whose)
    unit.seals.changed_beside(decisions, before, {**before, **values})


def _acted(approval: Approval, act: Act, role: str, note: str | None) -> dict[str, Any]:
    return {
        "by": act.by,
        "verb": act.verb,
        "role": role,
        "note": note,
        "at": act.at,
        "latency_ms": latency_ms(approval, act.at),
        "choice": act.choice,
        "answer": act.answer,
    }


def latency_ms(approval: Approval, now: datetime) -> int:
    """Milliseconds from the request to `now`."""
    return max(0, round((now - approval.created_at).total_seconds() * 1000))


def checkpoint(unit: Unit, approval_id: str, agent_id: str) -> tuple[bool, Any]:
    """Whether the agent has such an approval, and the checkpoint saved with it."""
    query = select(approvals.c.checkpoint).where(approvals.c.id == approval_id, approvals.c.agent_id == agent_id)
    row = unit.execute(query).one_or_none()
    return (row is not None, row.checkpoint if row else None)


def with_checkpoint(unit: Unit, approval: Approval) -> Approval:
    """The approval with the checkpoint that was saved with it, which is read only where somebody sees it."""
    _, saved = checkpoint(unit, approval.id, approval.agent_id)
    return replace(approval, request=approval.request.model_copy(update={"checkpoint": saved}))


def taken_over_by(unit: Unit, agent_id: str, session_id: str) -> str | None:
    """Who does something of this session by hand now (docs/rules.md: C4); None where nobody does."""
    query = select(approvals.c.decided_by).where(
        approvals.c.agent_id == agent_id, approvals.c.session_id == session_id, TAKEN_OVER
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
        select(*columns)
        .where(approvals.c.wake_at.is_not(None), approvals.c.wake_at <= unit.instant)
        .order_by(approvals.c.wake_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return _readable(unit, unit.execute(query).all())


def _readable(unit: Unit, rows: Sequence[Row[Any]]) -> tuple[list[Approval], list[str]]:
    found: list[Approval] = []
    unreadable: list[str] = []
    for row in rows:
        try:
            approval = _read(unit, row)
        except UNREADABLE:
            unreadable.append(row.id)
            continue
        found.append(replace(approval, votes=tuple(_votes(unit, row))) if _has_quorum(row) else approval)
    return found, unreadable


def movable(unit: Unit, limit: int) -> list[Approval]:
    """Up to `limit` approvals that wait for somebody whose time is not up, the most time left first, locked."""
    query = (
        select(*columns)
        .where(PENDING, NO_TEST, approvals.c.assignee.is_not(None), approvals.c.clock_paused_at.is_(None))
        .where(approvals.c.clock_due_at > unit.instant)
        .order_by(approvals.c.clock_due_at.desc(), approvals.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return [_read(unit, row, _votes(unit, row) if _has_quorum(row) else ()) for row in unit.execute(query).all()]


def next_wake(unit: Unit) -> datetime | None:
    """The next moment at which the sweep has something to do."""
    query = select(func.min(approvals.c.wake_at)).where(approvals.c.wake_at.is_not(None))
    moment: datetime | None = unit.execute(query).scalar_one_or_none()
    return moment


class Undone(StrEnum):
    """Which of what people undid."""

    ALL = "true"
    OWED = "open"  # what the agent still has to roll back


def listed(
    unit: Unit,
    *,
    agent_id: str | None = None,
    state: str | None = None,
    session_id: str | None = None,
    assignee: str | None = None,
    undone: Undone | None = None,
    standing: str | None = None,
    cursor: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Approval]:
    """Approvals newest first, filtered; `cursor` is the (created_at, id) of the last one already seen.

    `standing` is the standing approval that let them run.
    """
    query = select(*columns).order_by(approvals.c.created_at.desc(), approvals.c.id.desc()).limit(limit)
    wanted = {
        "agent_id": agent_id,
        "state": state,
        "session_id": session_id,
        "assignee": assignee,
        "standing": standing,
    }
    for name, value in wanted.items():
        if value is not None:
            query = query.where(approvals.c[name] == value)
    if undone is not None:
        query = query.where(approvals.c.undone_at.is_not(None))
    if undone is Undone.OWED:
        query = query.where(approvals.c.claimed_at.is_not(None), approvals.c.reverted_at.is_(None))
    if cursor is not None:
        moment, last_id = cursor
        query = query.where(
            tuple_(approvals.c.created_at, approvals.c.id)
            < tuple_(literal(moment, approvals.c.created_at.type), literal(last_id))
        )
    return [_read(unit, row) for row in unit.execute(query).all()]


def pending(unit: Unit, *, assignee: str | None = None, limit: int = 50) -> list[Approval]:
    """What waits for a person, the soonest deadline first."""
    query = select(*columns).where(approvals.c.state == "pending").limit(limit)
    query = query.order_by(func.coalesce(approvals.c.clock_due_at, approvals.c.clock_expires_at), approvals.c.id)
    if assignee is not None:
        query = query.where(_asked_of(assignee))
    return [from_row(row) for row in unit.execute(query).all()]


def unfinished(unit: Unit, agent_id: str | None, session_id: str | None, limit: int) -> list[str]:
    """The ids of what waits or may run, newest first: of everybody, or of one agent's session."""
    query = select(approvals.c.id).where(approvals.c.state.in_(_UNFINISHED))
    if agent_id is not None:
        query = query.where(approvals.c.agent_id == agent_id, approvals.c.session_id == session_id)
    return list(unit.execute(query.order_by(approvals.c.id.desc()).limit(limit)).scalars())


def pending_page(unit: Unit, after: str, limit: int) -> tuple[list[Approval], str | None]:
    """What waits for a person, in the order of ids, behind `after`, and where the next page begins; no tests of theirs.

    Rows that cannot be read are left out.
    """
    query = select(*columns).where(PENDING, NO_TEST, approvals.c.id > after).order_by(approvals.c.id).limit(limit)
    rows = unit.execute(query).all()
    found, _ = _readable(unit, rows)
    return found, rows[-1].id if len(rows) == limit else None


def _asked_of(user: str) -> ColumnElement[bool]:
    """Whether it is this person's turn, or they are asked beside whose turn it is."""
    seat = type_coerce(approvals.c.seats, Text).contains(f'"{user}"', autoescape=True)
    return or_(approvals.c.assignee == user, seat)


def decided_by(unit: Unit, user: str, limit: int = 10) -> list[Approval]:
    """What `user` decided, newest first."""
    query = select(*columns).where(approvals.c.decided_by == user)
    query = query.order_by(approvals.c.decided_at.desc()).limit(limit)
    return [from_row(row) for row in unit.execute(query).all()]
