"""What a manifest's restrictions need to know of the past: uses, quotas, checkpoints, lost levels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, func, insert, literal, select

from policies.action_names import is_pattern, like
from policies.approval import Approval
from policies.autonomy import FALL_WINDOW, Execution
from policies.files.policy import Policy
from policies.files.tightening import Ratchet
from policies.history import Demotion, History
from policies.levels import Level
from policies.request import Request, principal_of
from store.tables import approvals, demotions, labels
from store.types import UtcDateTime
from store.unit import Unit

_REFUSED = ("denied", "blocked")
_UNDECIDED = ("cancelled", "expired")
RECENT = 1000  # executions that the sequential preset looks at


def counted(unit: Unit, history: History, policy: Policy, request: Request, agent_id: str) -> History:
    """`history` with every figure that the policy's restrictions look at; nothing is asked for those it does not declare."""
    figures: dict[str, Any] = {}
    wanted = _wanted(unit, policy, request, agent_id)
    if wanted:
        row = unit.execute(select(*(query.label(name) for name, query in wanted.items()))).one()
        figures |= row._mapping
    if policy.checkpoint_every is not None:
        figures["unseen_in_row"] = _unseen(unit, policy.action, policy.checkpoint_every - 1, agent_id)
    if policy.autonomy is not None or policy.ratchet is Ratchet.SEQUENTIAL:
        lost = demotion(unit, agent_id, policy.action)
        figures |= {"demotion": lost, "demoted_24h": lost_lately(unit, lost)}
    return replace(history, **figures) if figures else history


def of_entry(column: ColumnElement[str], entry: str) -> ColumnElement[bool]:
    """Whether a row's action is the manifest's entry, or one of those that its pattern stands for."""
    return column.like(like(entry), escape="\\") if is_pattern(entry) else column == entry


def _wanted(unit: Unit, policy: Policy, request: Request, agent_id: str) -> dict[str, ScalarSelect[int]]:
    first = policy.first_uses
    if policy.quota is None and (first.agent, first.tool, first.user) == (None, None, None):
        return {}
    action = of_entry(approvals.c.action, policy.action)
    wanted: dict[str, ScalarSelect[int]] = {}
    if first.agent is not None:
        wanted["agent_uses"] = _uses(first.agent, action, approvals.c.agent_id == agent_id)
    if first.tool is not None:
        wanted["tool_uses"] = _uses(first.tool, action)
    if first.user is not None:
        principal = principal_of(request)
        of_whom = approvals.c.principal.is_(None) if principal is None else approvals.c.principal == principal
        wanted["user_uses"] = _uses(first.user, action, of_whom)
    if policy.quota is not None:
        wanted["requests_24h"] = _requests(unit, action, agent_id)
    return wanted


def _uses(limit: int, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """Claimed ones, counted no further than anybody asks."""
    found = select(literal(1)).where(approvals.c.claimed_at.is_not(None), *conditions).limit(limit).subquery()
    return select(func.count()).select_from(found).scalar_subquery()


def _requests(unit: Unit, action: ColumnElement[bool], agent_id: str) -> ScalarSelect[int]:
    since = unit.now - timedelta(hours=24)
    own = (approvals.c.agent_id == agent_id, approvals.c.created_at > since)
    query = select(func.count()).select_from(approvals).where(*own, action, approvals.c.state.not_in(_REFUSED))
    return query.scalar_subquery()


def _unseen(unit: Unit, action: str, limit: int, agent_id: str) -> int:
    """How many of the newest requests no person decided, up to `limit`; an agent names its sessions, so none counts apart."""
    query = (
        select(approvals.c.state, approvals.c.decided_by)
        .where(approvals.c.agent_id == agent_id, of_entry(approvals.c.action, action))
        .where(approvals.c.state.not_in(_REFUSED))
        .order_by(approvals.c.created_at.desc(), approvals.c.id.desc())
        .limit(limit)
    )
    found = 0
    for row in unit.execute(query):
        if _by_a_person(row.state, row.decided_by):
            break
        found += 1
    return found


def _by_a_person(state: str, decided_by: str | None) -> bool:
    if decided_by is None or state in _UNDECIDED:
        return False
    return decided_by != "policy" and not decided_by.startswith("agent:")


def demotion(unit: Unit, agent_id: str, action: str) -> Demotion | None:
    """The last level that this agent lost this action to."""
    query = select(demotions.c.level, demotions.c.at).where(
        demotions.c.agent_id == agent_id, of_entry(demotions.c.action, action)
    )
    row = unit.execute(query.order_by(demotions.c.at.desc(), demotions.c.id.desc()).limit(1)).one_or_none()
    return Demotion(Level(row.level), row.at) if row else None


def lost_lately(unit: Unit, lost: Demotion | None) -> bool:
    """Whether that level was lost within 24 h."""
    return lost is not None and lost.at > unit.now - FALL_WINDOW


def demote(unit: Unit, approval: Approval, level: Level) -> None:
    """Remember that the agent of `approval` lost its action to `level`."""
    values: dict[str, Any] = {"agent_id": approval.agent_id, "action": approval.action, "level": level.value}
    values |= {"approval_id": approval.id, "at": unit.now}
    unit.execute(insert(demotions), values)
    unit.seals.beside(demotions, [values])


def outcomes(unit: Unit, agent_id: str, action: str, since: datetime | None = None) -> list[Execution]:
    """How this agent's executions of this action ended, oldest first; without `since`, those of the last 24 h.

    What succeeded and was an incident all the same is a failure, from the moment that somebody said so (docs/rules.md: F2), and what was
    claimed and never reported is one too: silence must not be worth more than an honest word.
    """
    oldest = since or unit.now - FALL_WINDOW
    query = _ended(agent_id, action).where(approvals.c.finished_at > oldest)
    return _in_order(unit.execute(query), _incidents(unit, agent_id, action, labels.c.at > oldest))


def newest_outcomes(unit: Unit, agent_id: str, action: str) -> list[Execution]:
    """The same of the newest RECENT that were asked for, whenever that was: what the sequential preset looks at."""
    query = _ended(agent_id, action).order_by(approvals.c.created_at.desc(), approvals.c.id.desc()).limit(RECENT)
    ended = unit.execute(query).all()
    if not ended:
        return []
    first = ended[-1].created_at
    return _in_order(ended, _incidents(unit, agent_id, action, approvals.c.created_at >= first))


def _ended(agent_id: str, action: str) -> Select[Any]:
    query = select(approvals.c.id, approvals.c.state, approvals.c.finished_at, approvals.c.created_at)
    own = query.where(approvals.c.agent_id == agent_id, of_entry(approvals.c.action, action))
    return own.where(approvals.c.state.in_(("succeeded", "failed", "outcome_unknown")))


def _in_order(ended: Iterable[Any], incidents: dict[str, datetime]) -> list[Execution]:
    found = [Execution(row.state == "succeeded", row.finished_at) for row in ended if row.id not in incidents]
    found += [Execution(False, at, incident=True) for at in incidents.values()]
    return sorted(found, key=lambda one: one.at)


def _incidents(unit: Unit, agent_id: str, action: str, lately: ColumnElement[bool]) -> dict[str, datetime]:
    """What succeeded and was labelled an incident: when that was first said."""
    query = (
        select(approvals.c.id, func.min(labels.c.at, type_=UtcDateTime()).label("at"))
        .join(labels, labels.c.approval_id == approvals.c.id)
        .where(approvals.c.agent_id == agent_id, of_entry(approvals.c.action, action), approvals.c.state == "succeeded")
        .where(labels.c.label == "incident", lately)
        .group_by(approvals.c.id)
    )
    return {row.id: row.at for row in unit.execute(query)}
