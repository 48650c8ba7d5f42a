"""Each person's own figures, and up to when they have been shown theirs: nobody else sees more (docs/rules.md: F10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from policies.learning import stamping
from policies.learning.person import LOOK_BACK, YES, Person, person
from policies.learning.stamping import Act
from policies.lifecycle import RAN
from policies.replay.calls import BAD_LABELS
from store.decided import Decided, decided
from store.learning import OWN
from store.tables import approvals, labels, mornings
from store.unit import Unit

_KEY = "figures:"  # among what somebody was told on a day


def own(unit: Unit, user: str) -> Person:
    """What one person decided lately."""
    return _person(unit, user, list(decided(unit, unit.now - LOOK_BACK, user)))


def everybody(unit: Unit) -> list[Person]:
    """The same of all."""
    return [_person(unit, user, rows) for user, rows in sorted(_by_user(unit).items())]


def known_to_themselves(unit: Unit) -> list[Person]:
    """Of everybody who was shown their figures: what they decided up to that moment, and nothing since."""
    until = _shown(unit)
    return [
        _person(unit, user, [row for row in rows if row[4] <= until[user]])
        for user, rows in sorted(_by_user(unit).items())
        if user in until
    ]


def keep_shown(unit: Unit, user: str, at: datetime) -> None:
    """Keep that this person is shown their own figures of that moment."""
    add = unit.insert(mornings)
    values = {"user_id": _KEY + user, "day": at.date().isoformat(), "at": at}
    again = add.on_conflict_do_update(index_elements=["user_id"], set_={"day": add.excluded.day, "at": add.excluded.at})
    unit.execute(again, values)


def _shown(unit: Unit) -> dict[str, datetime]:
    query = select(mornings.c.user_id, mornings.c.at).where(mornings.c.user_id.like(f"{_KEY}%"))
    return {row.user_id.removeprefix(_KEY): row.at for row in unit.execute(query)}


def _by_user(unit: Unit) -> Mapping[str, list[Decided]]:
    found: dict[str, list[Decided]] = defaultdict(list)
    for row in decided(unit, unit.now - LOOK_BACK):
        found[row[1]].append(row)
    return found


def _person(unit: Unit, user: str, rows: Sequence[Decided]) -> Person:
    acts = [Act(action, verb, at, seen) for _, _, action, verb, at, seen in reversed(rows)]
    let_through = sorted({row[0] for row in rows if row[3] in YES})
    judged = dict(_judged(unit, user, let_through))
    right = sum(judged.values())
    return person(user, acts, list(stamping.looks(acts)), right=right, labelled=len(judged))


def _judged(unit: Unit, user: str, ids: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Of these, whether it was right by what others said later: not the agent, and not this person."""
    for start in range(0, len(ids), 500):
        query = (
            select(labels.c.approval_id, labels.c.label, approvals.c.state)
            .join(approvals, approvals.c.id == labels.c.approval_id)
            .where(labels.c.approval_id.in_(ids[start : start + 500]))
            .where(labels.c.by.not_like(f"{OWN}%"), labels.c.by != user)
        )
        found: dict[str, bool] = {}
        rows: Iterable[Any] = unit.execute(query)
        for approval_id, word, state in rows:
            if word in BAD_LABELS or state in RAN:
                found[approval_id] = found.get(approval_id, True) and word not in BAD_LABELS
        yield from found.items()
