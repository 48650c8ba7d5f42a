"""What the record teaches about each action: decisions, labels, and how sure agents were (F2 to F6, F8)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, not_, select, union_all

from policies.learning import calibration, stamping, tuning
from policies.learning.calibration import Case, OwnWord
from policies.learning.stamping import UNMODIFIED, Act, Stamping
from policies.learning.tuning import Record
from policies.lifecycle import RAN
from policies.replay.calls import BAD_LABELS
from policies.request import stated
from store.decided import MOST, decided
from store.rows import NO_TEST
from store.runs import Runs, runs
from store.tables import approvals, labels
from store.unit import Unit

# Looked at, newest first, beside MOST decisions, and labels of each kind: requests; cases whose confidence is compared with what turned out.
MOST_ASKED, MOST_CASES = 50_000, 5_000
# How the names of those who label begin: an agent, of its own work, and a token of the scope `label`. People are their ids.
OWN, LABELLER = "agent:", "labeller:"

Keys = Callable[[str], Sequence[str]]

# What a verb of a decision counts as; a vote alone decides nothing.
_COUNTS = dict.fromkeys(UNMODIFIED, "unmodified") | {"edit": "edited", "reject": "rejected"}


def _by_name(action: str) -> Sequence[str]:
    return (action,)


@dataclass(slots=True)
class _Said:
    """What is said of one approval: the worst label that it has, and when it got that.

    `counts` says whether anybody but the agent said it; `own` whether the agent labelled it too. `drawn` says whether a
    random sample drew it to be labelled, `number` is that of its newest label but the agent's praise.
    """

    approval_id: str
    action: str
    agent: str
    worst: str | None = None
    at: datetime | None = None
    counts: bool = False
    own: bool = False
    drawn: bool = False
    number: int = 0

    def add(self, label: Any) -> None:
        """One label more: what went wrong once is not made good by a later word."""
        number, _, word, at, by, _, _, undone_at, review, _ = label
        own, bad = by.startswith(OWN), word in BAD_LABELS
        self.own = self.own or own
        if own and not bad:
            return
        self.number = number
        if bad or self.worst is None:
            self.worst, self.at = word, at
        self.counts = self.counts or not own or (word == "reverted" and undone_at is not None)
        self.drawn = self.drawn or (review is not None and by == review.get("by"))


def records(unit: Unit, keys: Keys = _by_name) -> dict[str, Record]:
    """Every action's record, by database time; `keys` names the records that an action counts in, itself and its pattern."""
    since = unit.now - tuning.LOOK_BACK
    last, habits = _decisions(unit, since, keys)
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for action, kind in last:
        for key in keys(action):
            counted[key][kind] += 1
    for row in _without_people(unit, since):
        for key in keys(row.action):
            counted[key].update({"taken_over": row.taken_over, "alone": row.alone})
    said, first_bad, first = _labels(unit, keys)
    oldest = max(filter(None, (unit.now - tuning.INCIDENTS_LOOK_BACK, first_bad)))
    ran = runs(unit, oldest)
    since_when: dict[str, datetime] = {}
    for action, found in ran.items():
        for key in keys(action):
            counted[key]["ran"] += found.count
            since_when[key] = min(found.since, since_when.get(key, found.since))
    cases = _cases(unit, said, first, keys)
    return {
        key: replace(
            _record(key, counted[key], [one for one in said[key].values() if one.number >= first]),
            incidents=sum(_in_time(ran, oldest, one) for one in said[key].values()),
            ran_days=round((unit.now - since_when.get(key, oldest)).total_seconds() / 86_400, 1),
            reviewers=tuple(sorted(habits[key], key=lambda one: one.user)),
            cases=tuple(cases[key]),
        )
        for key in {*counted, *said}
    }


def _in_time(ran: Mapping[str, Runs], oldest: datetime, one: _Said) -> bool:
    """Whether it went wrong in the time in which the runs of its action are counted."""
    since = ran[one.action].since if one.action in ran else oldest
    return one.worst in BAD_LABELS and one.at is not None and one.at > since


def _decisions(unit: Unit, since: datetime, keys: Keys) -> tuple[list[tuple[str, str]], dict[str, list[Stamping]]]:
    """How each approval was last decided, as its action and kind, and how each person decides, by action."""
    last: dict[str, tuple[str, str]] = {}
    by_user: dict[str, list[Act]] = defaultdict(list)
    for approval_id, user, action, verb, at, seen in decided(unit, since):
        ended = verb in _COUNTS and approval_id not in last
        by_user[user].append(Act(action, verb, at, seen, ended))
        if ended:
            last[approval_id] = (action, _COUNTS[verb])
    habits: dict[str, list[Stamping]] = defaultdict(list)
    for user, acts in by_user.items():
        for action, one in stamping.habits(user, acts[::-1], keys):
            habits[action].append(one)
    return list(last.values()), habits


def _without_people(unit: Unit, since: datetime) -> Any:
    """What policy let run alone and what people did by hand, of the newest requests."""
    newest = select(approvals.c.created_at).order_by(approvals.c.created_at.desc()).offset(MOST_ASKED).limit(1)
    first: datetime | None = unit.execute(newest).scalar_one_or_none()
    oldest = max(filter(None, (unit.now - tuning.INCIDENTS_LOOK_BACK, first)))
    by_hand = and_(approvals.c.state.in_(("taken_over", "handed_back")), approvals.c.decided_at > since)
    counted = {"taken_over": by_hand, "alone": and_(approvals.c.route == "auto", approvals.c.created_at > since)}
    sums = (func.sum(case((these, 1), else_=0)).label(name) for name, these in counted.items())
    query = select(approvals.c.action, *sums).where(approvals.c.created_at > oldest, NO_TEST)
    return unit.execute(query.group_by(approvals.c.action))


def _labels(unit: Unit, keys: Keys) -> tuple[dict[str, dict[str, _Said]], datetime | None, int]:
    """By action and approval: what is said of it. Where there is more than is read: from when on what went wrong is known, and
    from which label on all is, so that right and wrong are counted over the same time.

    What an agent says of its own work is kept apart: it speaks against the agent (a bad label) and never for it. A
    roll-back that a person asked for is the exception: whether that worked, only the agent can tell. `correct` of what
    never ran is none, whoever says so: an older version kept such rows.
    """
    found: dict[str, dict[str, _Said]] = defaultdict(dict)
    by_id: dict[str, _Said] = {}
    read = {kind: _told(unit, _newest_labels(words)) for kind, words in _KINDS.items()}
    read["praise"] = _told(unit, _praise())
    for label in sorted((label for rows in read.values() for label in rows), key=itemgetter(0)):
        _, approval_id, word, _, _, action, agent, _, _, state = label
        if word == "correct" and state not in RAN:
            continue
        one = by_id.get(approval_id)
        if one is None:
            one = by_id[approval_id] = _Said(approval_id, action, agent)
            for key in keys(action):
                found[key][approval_id] = one
        one.add(label)
    # What agents confess bounds nothing: whoever confesses without end does not shorten what is known of others.
    full = {kind: read[kind][-1] for kind in ("wrong", "right") if len(read[kind]) == MOST}
    first_bad = full["wrong"].at if "wrong" in full else None
    return found, first_bad, max((row.id for row in full.values()), default=0)


# Read apart, so that no flood of one drives another out: what others say and what agents confess that went wrong, and what others
# found right. What an agent praises is read where somebody else judged the same.
_OWN, _BAD = labels.c.by.like(f"{OWN}%"), labels.c.label != literal_column("'correct'")
_KINDS = {"wrong": and_(_BAD, not_(_OWN)), "confessed": and_(_BAD, _OWN), "right": and_(not_(_BAD), not_(_OWN))}
_COLUMNS = (labels.c.id, labels.c.approval_id, labels.c.label, labels.c.at, labels.c.by)


def _newest_labels(words: ColumnElement[bool]) -> Select[Any]:
    return select(*_COLUMNS).where(words).order_by(labels.c.id.desc()).limit(MOST)


def _praise() -> Select[Any]:
    judged = (_newest_labels(words).subquery() for words in _KINDS.values())
    of_those = union_all(*(select(one.c.approval_id) for one in judged))
    return select(*_COLUMNS).where(_OWN, not_(_BAD), labels.c.approval_id.in_(of_those))


def _told(unit: Unit, wanted: Select[Any]) -> Sequence[Any]:
    """Labels, the newest first, with what is needed of their approvals."""
    some = wanted.subquery()
    query = (
        select(some, approvals.c.action, approvals.c.agent, approvals.c.undone_at)
        .add_columns(approvals.c.review, approvals.c.state)
        .join(approvals, approvals.c.id == some.c.approval_id)
        .where(NO_TEST)
        .order_by(some.c.id.desc())
    )
    return unit.execute(query).all()


def _record(action: str, counted: Counter[str], said: Sequence[_Said]) -> Record:
    judged = [one for one in said if one.worst is not None]
    words = Counter(one.worst for one in judged if one.counts)
    figures: dict[str, Any] = dict(counted)
    return Record(
        action=action,
        **figures,
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


def _cases(unit: Unit, said: Mapping[str, Mapping[str, _Said]], first: int, keys: Keys) -> dict[str, list[Case]]:
    """What was said of an outcome in the last month, with how sure its agent was."""
    oldest = unit.now - calibration.LOOK_BACK
    lately = [
        (one.at, one)
        for of_action in said.values()
        for one in of_action.values()
        if one.at is not None and one.at > oldest and one.number >= first
    ]
    newest = {one.approval_id: one for _, one in sorted(lately, key=lambda entry: entry[0])[-MOST_CASES:]}
    found: dict[str, list[Case]] = defaultdict(list)
    for ids in _some(list(newest)):
        # A policy is long, and asked for only where a sample may have drawn the case.
        policy = case((approvals.c.review.is_not(None), approvals.c.policy))
        query = select(approvals.c.id, approvals.c.action, approvals.c.request, policy)
        rows: Iterable[Any] = unit.execute(query.where(approvals.c.id.in_(ids)))
        for approval_id, action, request, sampled_by in rows:
            one = _case(newest[approval_id], request, sampled_by)
            for key in keys(action):
                found[key].append(one)
    return found


def _some(ids: list[str], size: int = 500) -> Iterator[list[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _case(said: _Said, request: str, policy: str | None) -> Case:
    known = stated(request)
    return Case(
        agent=said.agent,
        right=said.worst == "correct",
        said=known.confidence,
        evidence=known.score,
        effective=known.effective,
        drawn=(_sampled(policy) or None) if said.drawn and policy else None,
    )


@lru_cache(maxsize=1024)
def _sampled(policy: str) -> float:
    """The share of the sample under that policy."""
    return float(json.loads(policy).get("sample_review") or 0.0)
