"""What the record teaches about each action: decisions, labels, and how sure agents were (F2 to F6, F8)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import func, select

from policies.learning import calibration, tuning
from policies.learning.tuning import Record, Stamping
from policies.replay.calls import BAD_LABELS
from policies.request import Request
from store import audit
from store.tables import approvals, decisions, labels
from store.unit import Unit

MOST = 50_000  # decisions looked at, newest first
# How the names of those who label begin: an agent, of its own work, and a token of the scope `label`. People are their ids.
OWN, LABELLER = "agent:", "labeller:"

# What a verb of a decision counts as; a vote alone decides nothing.
_COUNTS = {
    "approve": "unmodified",
    "choose": "unmodified",
    "answer": "unmodified",
    "edit": "edited",
    "reject": "rejected",
}


class _Act(NamedTuple):
    user: str
    verb: str
    seconds: float


class _Label(NamedTuple):
    worst: str
    at: datetime
    request: str
    counts: bool


def records(unit: Unit) -> dict[str, Record]:
    """Every action's record, by database time."""
    since = unit.now - tuning.LOOK_BACK
    last, acts = _decisions(unit, since)
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for action, kind in last.values():
        counted[action][kind] += 1
    for name, query in (("taken_over", _taken_over(since)), ("alone", _alone(since))):
        for row in unit.execute(query):
            counted[row.action][name] = row.found
    said = _labels(unit)
    actions = {*counted, *said}
    return {action: _record(unit, action, counted[action], acts=acts[action], said=said[action]) for action in actions}


def _decisions(unit: Unit, since: datetime) -> tuple[dict[str, tuple[str, str]], dict[str, list[_Act]]]:
    """How each approval was last decided, and everything that people did, by action."""
    query = (
        select(decisions.c.approval_id, approvals.c.action, decisions.c.verb, decisions.c.by, decisions.c.latency_ms)
        .join(approvals, approvals.c.id == decisions.c.approval_id)
        .where(decisions.c.at > since)
        .order_by(decisions.c.id.desc())
        .limit(MOST)
    )
    last: dict[str, tuple[str, str]] = {}
    acts: dict[str, list[_Act]] = defaultdict(list)
    for row in unit.execute(query):
        acts[row.action].append(_Act(row.by, row.verb, row.latency_ms / 1000))
        if row.verb in _COUNTS:
            last.setdefault(row.approval_id, (row.action, _COUNTS[row.verb]))
    return last, acts


def _taken_over(since: datetime) -> Any:
    by_hand = approvals.c.state.in_(("taken_over", "handed_back"))
    query = select(approvals.c.action, func.count().label("found"))
    return query.where(by_hand, approvals.c.decided_at > since).group_by(approvals.c.action)


def _alone(since: datetime) -> Any:
    query = select(approvals.c.action, func.count().label("found"))
    return query.where(approvals.c.route == "auto", approvals.c.created_at > since).group_by(approvals.c.action)


def _labels(unit: Unit) -> dict[str, dict[str, _Label]]:
    """By action and approval: the worst label that it has, and when it got that.

    What an agent says of its own work is kept apart: it speaks against the agent (a bad label) and never for it. A
    roll-back that a person asked for is the exception: whether that worked, only the agent can tell.
    """
    query = (
        select(labels.c.approval_id, labels.c.label, labels.c.at, labels.c.by)
        .add_columns(approvals.c.action, approvals.c.request, approvals.c.undone_at)
        .join(approvals, approvals.c.id == labels.c.approval_id)
        .order_by(labels.c.id)
    )
    found: dict[str, dict[str, _Label]] = defaultdict(dict)
    for row in unit.execute(query):
        own = row.by.startswith(OWN)
        asked_for = row.label == "reverted" and row.undone_at is not None
        if own and row.label not in BAD_LABELS:
            continue
        known = found[row.action].get(row.approval_id)
        counts = not own or asked_for or (known is not None and known.counts)
        if known is None or row.label in BAD_LABELS:
            found[row.action][row.approval_id] = _Label(row.label, row.at, row.request, counts)
        elif counts and not known.counts:
            found[row.action][row.approval_id] = known._replace(counts=True)
    return found


def _record(unit: Unit, action: str, counted: Counter[str], *, acts: list[_Act], said: dict[str, _Label]) -> Record:
    lately = [one for one in said.values() if one.at > unit.now - calibration.LOOK_BACK]
    words = Counter(one.worst for one in said.values() if one.counts)
    return Record(
        action=action,
        **counted,
        incidents=sum(one.worst in BAD_LABELS and one.at > unit.now - tuning.LOOK_BACK for one in said.values()),
        labelled=words.total(),
        doubted=len(said) - words.total(),
        correct=words["correct"],
        reverted=words["reverted"],
        outcomes=tuple(_outcomes(lately)),
        reviewers=tuple(_stampings(acts)),
    )


def _outcomes(said: Iterable[_Label]) -> Iterator[tuple[float, bool]]:
    for one in said:
        confidence = Request.model_validate_json(one.request).effective_confidence
        if confidence is not None:
            yield confidence, one.worst == "correct"


def _stampings(acts: Iterable[_Act]) -> Iterator[Stamping]:
    by_user: dict[str, list[_Act]] = defaultdict(list)
    for act in acts:
        by_user[act.user].append(act)
    for user, done in sorted(by_user.items()):
        seconds = [act.seconds for act in done]
        yes = [act for act in done if act.verb in ("approve", "vote")]
        fast = sum(act.seconds < tuning.FAST_SECONDS for act in yes) / len(yes) if yes else 0.0
        yield Stamping(user, len(done), sum(act.verb == "reject" for act in done), median(seconds), fast)


def corrections(unit: Unit) -> Iterator[dict[str, Any]]:
    """Edits and rejections with their reasons, oldest first, as examples for the agent (docs/rules.md: F8)."""
    for line in audit.lines(unit):
        if line["event"] not in ("modified", "rejected"):
            continue
        edited = line["event"] == "modified"
        yield {
            "at": line["at"],
            "kind": "edit" if edited else "rejection",
            "approval_id": line["approval_id"],
            "agent": line["agent"],
            "action": line["action"],
            "asked": line.get("before", line["params"]),
            "corrected": line["params"] if edited else None,
            "reason": line["rationale"],
            "by": line["actor"],
        }
