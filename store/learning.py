"""What the record teaches about each action: decisions, labels, and how sure agents were (F2 to F6, F8)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Subquery, and_, case, func, select

from policies.learning import calibration, stamping, tuning
from policies.learning.calibration import Case, OwnWord
from policies.learning.stamping import UNMODIFIED, Act, Stamping
from policies.learning.tuning import Record
from policies.replay.calls import BAD_LABELS
from policies.request import Request
from store.tables import approvals, decisions, labels, looks, outbox
from store.unit import Unit

# Looked at, newest first: decisions and labels; requests that ran; cases whose confidence is compared with what turned out.
MOST, MOST_RAN, MOST_CASES = 20_000, 50_000, 5_000
# How the names of those who label begin: an agent, of its own work, and a token of the scope `label`. People are their ids.
OWN, LABELLER = "agent:", "labeller:"

# What a verb of a decision counts as; a vote alone decides nothing.
_COUNTS = dict.fromkeys(UNMODIFIED, "unmodified") | {"edit": "edited", "reject": "rejected"}


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said of one approval: the worst label that it has, and when it got that.

    `counts` says whether anybody but the agent said it; `own` whether the agent labelled it too. `drawn` is the share of
    the random sample that it was labelled in.
    """

    approval_id: str
    agent: str
    worst: str | None = None
    at: datetime | None = None
    counts: bool = False
    own: bool = False
    drawn: float | None = None


def records(unit: Unit) -> dict[str, Record]:
    """Every action's record, by database time."""
    since = unit.now - tuning.LOOK_BACK
    last, habits = _decisions(unit, since)
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for action, kind in last:
        counted[action][kind] += 1
    said, first_label = _labels(unit)
    oldest = max(filter(None, (unit.now - tuning.INCIDENTS_LOOK_BACK, _first_that_ran(unit), first_label)))
    for row in unit.execute(_ran(oldest, since)):
        counted[row.action].update({name: found for name, found in row._mapping.items() if name != "action"})
    cases = _cases(unit, said)
    actions = {*counted, *said}
    return {
        action: replace(
            _record(action, counted[action], list(said[action].values()), oldest),
            ran_days=round((unit.now - oldest).total_seconds() / 86_400, 1),
            reviewers=tuple(sorted(habits[action], key=lambda one: one.user)),
            cases=tuple(cases[action]),
        )
        for action in actions
    }


def _decisions(unit: Unit, since: datetime) -> tuple[list[tuple[str, str]], dict[str, list[Stamping]]]:
    """How each approval was last decided, as its action and kind, and how each person decides, by action."""
    newest = _newest(since)
    shown = _shown(unit, newest)
    query = (
        select(newest, approvals.c.action, looks.c.at.label("opened"))
        .join(approvals, approvals.c.id == newest.c.approval_id)
        .outerjoin(looks, and_(looks.c.approval_id == newest.c.approval_id, looks.c.by == newest.c.by))
        .order_by(newest.c.id.desc())
    )
    last: dict[str, tuple[str, str]] = {}
    by_user: dict[str, list[Act]] = defaultdict(list)
    for row in unit.execute(query):
        ended = row.verb in _COUNTS and row.approval_id not in last
        asked = row.at - timedelta(milliseconds=row.latency_ms)
        known = [asked, *shown.get(row.approval_id, ()), *([row.opened] if row.opened else [])]
        seen = max(moment for moment in known if moment <= row.at)
        by_user[row.by].append(Act(row.action, row.verb, row.at, seen, ended))
        if ended:
            last[row.approval_id] = (row.action, _COUNTS[row.verb])
    habits: dict[str, list[Stamping]] = defaultdict(list)
    for user, acts in by_user.items():
        for action, one in stamping.habits(user, acts[::-1]):
            habits[action].append(one)
    return list(last.values()), habits


def _newest(since: datetime) -> Subquery:
    columns = ("id", "approval_id", "verb", "by", "at", "latency_ms")
    query = select(*(decisions.c[name] for name in columns)).where(decisions.c.at > since)
    return query.order_by(decisions.c.id.desc()).limit(MOST).subquery()


def _shown(unit: Unit, newest: Subquery) -> dict[str, list[datetime]]:
    """When Slack posted the cards of what was decided: a message's name there is its moment."""
    screen = outbox.alias("screen")
    query = (
        select(outbox.c.approval_id, func.coalesce(screen.c.slack_ts, outbox.c.slack_ts).label("ts"))
        .outerjoin(screen, screen.c.id == outbox.c.screen_id)
        .where(outbox.c.kind == "card", outbox.c.approval_id.in_(select(newest.c.approval_id)))
    )
    found: dict[str, list[datetime]] = defaultdict(list)
    for row in unit.execute(query):
        moment = _moment(row.ts)
        if moment is not None:
            found[row.approval_id].append(moment)
    return found


def _moment(ts: str | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(ts), UTC) if ts else None
    except (ValueError, OverflowError, OSError):
        return None


def _first_that_ran(unit: Unit) -> datetime | None:
    """From when on requests are looked at, where there are more than that."""
    newest = select(approvals.c.created_at).order_by(approvals.c.created_at.desc()).offset(MOST_RAN).limit(1)
    first: datetime | None = unit.execute(newest).scalar_one_or_none()
    return first


def _ran(oldest: datetime, since: datetime) -> Any:
    """What policy let run alone and what people did by hand in the fortnight, and what ran in the longer time of incidents."""
    by_hand = and_(approvals.c.state.in_(("taken_over", "handed_back")), approvals.c.decided_at > since)
    counted = {
        "taken_over": by_hand,
        "alone": and_(approvals.c.route == "auto", approvals.c.created_at > since),
        "ran": approvals.c.claimed_at.is_not(None),
    }
    sums = (func.sum(case((these, 1), else_=0)).label(name) for name, these in counted.items())
    return select(approvals.c.action, *sums).where(approvals.c.created_at > oldest).group_by(approvals.c.action)


def _labels(unit: Unit) -> tuple[dict[str, dict[str, _Said]], datetime | None]:
    """By action and approval: what is said of it; and from when on labels are looked at, where there are more than that.

    What an agent says of its own work is kept apart: it speaks against the agent (a bad label) and never for it. A
    roll-back that a person asked for is the exception: whether that worked, only the agent can tell.
    """
    newest = select(labels.c.id, labels.c.approval_id, labels.c.label, labels.c.at, labels.c.by)
    newest_ones = newest.order_by(labels.c.id.desc()).limit(MOST).subquery()
    query = (
        select(newest_ones, approvals.c.action, approvals.c.agent, approvals.c.undone_at)
        .add_columns(approvals.c.review)
        .join(approvals, approvals.c.id == newest_ones.c.approval_id)
        .order_by(newest_ones.c.id)
    )
    found: dict[str, dict[str, _Said]] = defaultdict(dict)
    rows = unit.execute(query).all()
    for row in rows:
        known = found[row.action].get(row.approval_id, _Said(row.approval_id, row.agent))
        found[row.action][row.approval_id] = _with(known, row)
    return found, (rows[0].at if len(rows) == MOST else None)


def _with(known: _Said, row: Any) -> _Said:
    """What is known, and one label more."""
    bad = row.label in BAD_LABELS
    own = row.by.startswith(OWN)
    if own and not bad:
        return replace(known, own=True)
    drawn = known.drawn is not None or (row.review is not None and row.by == row.review.get("by"))
    worse = bad or known.worst is None
    return _Said(
        known.approval_id,
        known.agent,
        worst=row.label if worse else known.worst,
        at=row.at if worse else known.at,
        counts=known.counts or not own or (row.label == "reverted" and row.undone_at is not None),
        own=known.own or own,
        drawn=1.0 if drawn else None,
    )


def _record(action: str, counted: Counter[str], said: list[_Said], oldest: datetime) -> Record:
    judged = [one for one in said if one.worst is not None]
    words = Counter(one.worst for one in judged if one.counts)
    figures: dict[str, Any] = dict(counted)
    return Record(
        action=action,
        **figures,
        incidents=sum(one.worst in BAD_LABELS and one.at is not None and one.at > oldest for one in judged),
        labelled=words.total(),
        doubted=len(judged) - words.total(),
        correct=words["correct"],
        reverted=words["reverted"],
        own_words=tuple(_own_words(judged)),
    )


def _own_words(judged: Iterable[_Said]) -> Iterator[OwnWord]:
    """What each agent labelled of what others judged too."""
    by_agent: dict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
    for one in judged:
        if one.counts:
            by_agent[one.agent][one.worst == "correct", one.own] += 1
    for agent, counts in sorted(by_agent.items()):
        yield OwnWord(
            agent,
            right=counts[True, True] + counts[True, False],
            right_labelled=counts[True, True],
            wrong=counts[False, True] + counts[False, False],
            wrong_labelled=counts[False, True],
        )


def _cases(unit: Unit, said: Mapping[str, Mapping[str, _Said]]) -> dict[str, list[Case]]:
    """What was said of an outcome in the last month, with how sure its agent was."""
    oldest = unit.now - calibration.LOOK_BACK
    lately = [
        (one.at, one)
        for of_action in said.values()
        for one in of_action.values()
        if one.at is not None and one.at > oldest
    ]
    newest = {one.approval_id: one for _, one in sorted(lately, key=lambda entry: entry[0])[-MOST_CASES:]}
    found: dict[str, list[Case]] = defaultdict(list)
    for ids in _some(list(newest)):
        query = select(approvals.c.id, approvals.c.action, approvals.c.request, approvals.c.policy)
        for row in unit.execute(query.where(approvals.c.id.in_(ids))):
            found[row.action].append(_case(newest[row.id], row.request, row.policy))
    return found


def _some(ids: list[str], size: int = 500) -> Iterator[list[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _case(said: _Said, request: str, policy: str | None) -> Case:
    asked = Request.model_validate_json(request)
    return Case(
        agent=said.agent,
        right=said.worst == "correct",
        said=asked.confidence,
        evidence=asked.evidence.score if asked.evidence else None,
        effective=asked.effective_confidence,
        drawn=(_sampled(policy) or None) if said.drawn and policy else None,
    )


@lru_cache(maxsize=1024)
def _sampled(policy: str) -> float:
    """The share of the sample under that policy."""
    return float(json.loads(policy).get("sample_review") or 0.0)
