"""What was asked before: the same whatever its spelling, and what of the same action came to nothing of late."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from policies.approval import Approval
from store.approvals import load, several
from store.rows import PENDING
from store.tables import approval_keys, approvals, delegations
from store.types import UtcDateTime
from store.unit import Unit

MOST = 20  # of each kind that are looked at, the newest first
MOST_OPEN = 200
_state = approvals.c.state
# Written out, so that PostgreSQL takes the partial index for it.
_REFUSED: ColumnElement[bool] = _state.in_([literal_column("'rejected'"), literal_column("'cancelled'")])


def kin(unit: Unit, family: Collection[str], action: str, *, asked_as: str, since: datetime) -> list[Approval]:
    """What these agents, and those who act for them, asked of `action` that may be the same or nearly the same.

    The same as `asked_as` whatever became of it, and still open or moved on after `since`; and what was rejected,
    withdrawn or undone after `since`.
    """
    values = {"_family": sorted(family), "_kin_action": action, "_asked_as": asked_as, "_since": since}
    return these(unit, unit.execute(_kin(), values).scalars().all())


def these(unit: Unit, approval_ids: Collection[str]) -> list[Approval]:
    """The approvals of these ids, each once, in the order of ids."""
    return list(several(unit, sorted(set(approval_ids))).values()) if approval_ids else []


def kin_of_one() -> ScalarSelect[str]:
    """The ids that `kin` finds for the agent `_agent_id` alone, between commas, for a statement that reads more."""
    return select(
        func.aggregate_strings(_kin(alone=True).subquery("kin").c.id, literal_column("','"))  # type: ignore[arg-type]
    ).scalar_subquery()


@cache
def _kin(*, alone: bool = False) -> CompoundSelect[Any]:
    family: Any = bindparam("_family", expanding=True)

    def of_family(column: ColumnElement[str]) -> ColumnElement[bool]:
        return column == bindparam("_agent_id") if alone else column.in_(family)

    since = bindparam("_since", type_=UtcDateTime())
    own, recent = of_family(approvals.c.agent_id), approvals.c.updated_at > since
    of_action = approvals.c.action == bindparam("_kin_action")
    same = and_(approvals.c.asked_as == bindparam("_asked_as"), of_action)
    rejected, undone = _state == literal_column("'rejected'"), approvals.c.undone_at.is_not(None)
    for_them = select(delegations.c.approval_id).where(of_family(delegations.c.agent_id), delegations.c.at > since)
    for_them = for_them.order_by(delegations.c.at.desc()).limit(MOST * 10)
    wanted = [
        _newest(own, same, or_(PENDING, recent)),
        _newest(own, same, _REFUSED, rejected, recent),
        _newest(own, of_action, _REFUSED, rejected, recent),
        _newest(own, of_action, _REFUSED, recent),
        _newest(own, of_action, undone, recent),
        _newest(approvals.c.id.in_(for_them), of_action, or_(same, _REFUSED, undone), or_(PENDING, recent)),
    ]
    return union_all(*(select(one.subquery().c.id) for one in wanted))


def _newest(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(approvals.c.id).where(*conditions).order_by(approvals.c.updated_at.desc()).limit(MOST)


def still_open(unit: Unit, family: Collection[str], action: str, but: str) -> list[Approval]:
    """What else of `action` these agents have open, the newest first."""
    query = select(approvals.c.id).where(approvals.c.agent_id.in_(sorted(family)), PENDING)
    query = query.where(approvals.c.action == action, approvals.c.id != but)
    found = unit.execute(query.order_by(approvals.c.created_at.desc()).limit(MOST_OPEN)).scalars().all()
    return list(several(unit, found).values()) if found else []


def locked(unit: Unit, approval_id: str) -> Approval | None:
    """An open approval that nobody else changes until this unit ends; None where it is closed."""
    query = select(approvals.c.id).where(approvals.c.id == approval_id, PENDING).with_for_update()
    return load(unit, approval_id) if unit.execute(query).one_or_none() else None


def withdrawn(unit: Unit, agent_id: str, user: str, within: timedelta) -> list[datetime]:
    """When this agent cancelled what waited for `user`, within that time before now."""
    values = {"_agent_id": agent_id, "_user": user, "_cancelled_since": unit.now - within}
    return list(unit.execute(_withdrawn, values).scalars())


_cancelled = and_(
    approvals.c.agent_id == bindparam("_agent_id"),
    _REFUSED,
    _state == literal_column("'cancelled'"),
    approvals.c.updated_at > bindparam("_cancelled_since", type_=UtcDateTime()),
    approvals.c.decided_by.startswith("agent:"),
)
_withdrawn = (
    select(approvals.c.updated_at)
    .where(_cancelled, approvals.c.assignee == bindparam("_user"))
    .order_by(approvals.c.updated_at.desc())
    .limit(MOST)
)
withdrew_any = select(literal(1)).select_from(approvals).where(_cancelled).limit(1).scalar_subquery()
"""Whether the agent `_agent_id` cancelled anything at all after `_cancelled_since`."""


def remember_key(unit: Unit, approval: Approval, key: str, body_hash: str) -> None:
    """Let this key find the approval ever after."""
    values = {"agent_id": approval.agent_id, "key": key, "approval_id": approval.id}
    unit.execute(insert(approval_keys), values | {"body_hash": body_hash, "at": unit.now})
