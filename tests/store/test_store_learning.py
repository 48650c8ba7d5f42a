"""What the record teaches: the same figures on both databases."""

from __future__ import annotations

from typing import Any

from builders import add, add_agent
from sqlalchemy import insert, update

from policies.request import Request
from store import learning
from store.engine import Database
from store.tables import approvals, decisions, labels


def decide(database: Database, approval_id: str, verb: str, by: str, *, ms: int = 60_000, digest: str = "d") -> None:
    values: dict[str, Any] = {"approval_id": approval_id, "digest": digest, "verb": verb, "by": by, "role": "finance"}
    database.run(lambda unit: unit.execute(insert(decisions), values | {"at": unit.now, "latency_ms": ms}))


def label(database: Database, approval_id: str, word: str, by: str = "agent:demo") -> None:
    values = {"approval_id": approval_id, "label": word, "by": by}
    database.run(lambda unit: unit.execute(insert(labels), values | {"at": unit.now}))


SURE = {"retrieval_hits": 2, "tool_errored": False}


def test_decisions_are_counted_once_an_approval(database: Database) -> None:
    """A vote counts for its voter's habits and not as a decision; an edit that somebody else then approved is one yes."""
    agent = add_agent(database)
    first, second, third = (add(database, agent) for _ in range(3))
    decide(database, first.id, "vote", "U0ALICE", ms=1000)
    decide(database, first.id, "approve", "U0BOB", ms=3000)
    decide(database, second.id, "edit", "U0ALICE")
    decide(database, second.id, "approve", "U0BOB", digest="e", ms=4000)
    decide(database, third.id, "reject", "U0ALICE")
    found = database.read(learning.records)["process_refund"]
    assert (found.unmodified, found.edited, found.rejected, found.decided) == (2, 0, 1, 3)
    habits = {one.user: one for one in found.reviewers}
    assert (habits["U0BOB"].decided, habits["U0BOB"].rejected, habits["U0BOB"].median_seconds) == (2, 0, 3.5)
    assert (habits["U0BOB"].fast, habits["U0ALICE"].rejected) == (1.0, 1)


def test_only_the_last_fortnight_decides_and_only_the_last_month_calibrates(database: Database) -> None:
    """Decisions and incidents count for 14 days, confidence for 30; labels are counted for ever, the worst a request has."""
    agent = add_agent(database)
    asked = Request(action="pay", params={}, confidence=0.9, evidence=SURE)
    made = [add(database, agent, request=asked) for _ in range(3)]
    for approval, words in zip(made, (["incident", "correct"], ["correct"], ["reverted"]), strict=True):
        decide(database, approval.id, "approve", "U0BOB")
        for number, word in enumerate(words):
            label(database, approval.id, word, f"U0{number}")
    seen = {}
    for days in (0, 13, 15, 31):
        database.shift_seconds = days * 86_400
        found = database.read(learning.records)["pay"]
        seen[days] = (
            found.decided,
            found.incidents,
            len(found.outcomes),
            found.labelled,
            found.correct,
            found.reverted,
        )
    assert seen == {0: (3, 2, 3, 3, 1, 1), 13: (3, 2, 3, 3, 1, 1), 15: (0, 0, 3, 3, 1, 1), 31: (0, 0, 0, 3, 1, 1)}
    database.shift_seconds = 0
    assert sorted(database.read(learning.records)["pay"].outcomes) == [(0.9, False), (0.9, False), (0.9, True)]


def test_an_agents_own_labels_speak_against_it_alone(database: Database) -> None:
    """Its own `correct` fills nothing; its own `incident` counts against it; people and label tokens count both ways."""
    agent = add_agent(database)
    asked = Request(action="pay", params={}, evidence=SURE)
    praised, owned_up, doubted, rolled_back = (add(database, agent, request=asked) for _ in range(4))
    label(database, praised.id, "correct")
    label(database, owned_up.id, "incident")
    label(database, doubted.id, "incident")
    label(database, doubted.id, "correct", "U0ALICE")
    label(database, rolled_back.id, "reverted")
    found = database.read(learning.records)["pay"]
    assert (found.labelled, found.correct, found.reverted, found.doubted, found.incidents) == (1, 0, 0, 2, 3)
    assert sorted(found.outcomes) == [(1.0, False)] * 3
    label(database, praised.id, "correct", "labeller:critic")
    undone = update(approvals).where(approvals.c.id == rolled_back.id)
    database.run(lambda unit: unit.execute(undone.values(undone_at=unit.now)))
    found = database.read(learning.records)["pay"]
    assert (found.labelled, found.correct, found.reverted, found.doubted) == (3, 1, 1, 1)
