"""What the record teaches: the same figures on both databases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import add, add_agent
from sqlalchemy import insert, select, update

from policies.approval import Approval
from policies.request import Request
from store import learning, looks, runs
from store.engine import Database
from store.tables import approvals, decisions, labels, outbox


def decide(database: Database, approval_id: str, verb: str, by: str, *, ms: int = 60_000, digest: str = "d") -> None:
    values: dict[str, Any] = {"approval_id": approval_id, "digest": digest, "verb": verb, "by": by, "role": "finance"}
    database.run(lambda unit: unit.execute(insert(decisions), values | {"at": unit.now, "latency_ms": ms}))


def label(database: Database, approval_id: str, word: str, by: str = "agent:demo") -> None:
    values = {"approval_id": approval_id, "label": word, "by": by}
    database.run(lambda unit: unit.execute(insert(labels), values | {"at": unit.now}))


def ran(database: Database, *done: Approval) -> None:
    """They came to their end: only that can be called correct."""
    ended = update(approvals).where(approvals.c.id.in_([one.id for one in done]))
    database.run(lambda unit: unit.execute(ended.values(state="succeeded", claimed_at=unit.now)))


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
    assert (habits["U0BOB"].decided, habits["U0BOB"].rejected, habits["U0BOB"].ended_unmodified) == (2, 0, 2)
    assert (habits["U0BOB"].fast, habits["U0ALICE"].rejected, habits["U0ALICE"].ended) == (2, 1, 1)


def test_each_figure_has_its_time(database: Database) -> None:
    """Decisions count for 14 days, incidents for 90, confidence for 30; labels are counted for ever, the worst a request has."""
    agent = add_agent(database)
    asked = Request(action="pay", params={}, confidence=0.9, evidence=SURE)
    made = [add(database, agent, request=asked) for _ in range(3)]
    ran(database, *made)
    for approval, words in zip(made, (["incident", "correct"], ["correct"], ["reverted"]), strict=True):
        decide(database, approval.id, "approve", "U0BOB")
        for number, word in enumerate(words):
            label(database, approval.id, word, f"U0{number}")
    seen = {}
    for days in (0, 13, 15, 31, 91):
        database.shift_seconds = days * 86_400
        found = database.read(learning.records)["pay"]
        labelled = (found.labelled, found.correct, found.reverted)
        seen[days] = (found.decided, found.incidents, len(found.cases), *labelled)
    assert seen == {
        0: (3, 2, 3, 3, 1, 1),
        13: (3, 2, 3, 3, 1, 1),
        15: (0, 2, 3, 3, 1, 1),
        31: (0, 2, 0, 3, 1, 1),
        91: (0, 0, 0, 3, 1, 1),
    }
    database.shift_seconds = 0
    cases = database.read(learning.records)["pay"].cases
    assert sorted((one.said, one.evidence, one.effective, one.right) for one in cases) == [
        (0.9, 1.0, 0.9, False),
        (0.9, 1.0, 0.9, False),
        (0.9, 1.0, 0.9, True),
    ]


def test_a_look_begins_where_the_card_was_shown_or_opened(database: Database) -> None:
    """Not where it was asked for: a card that came late, or that somebody opened a moment ago, was looked at for a moment."""
    agent = add_agent(database)
    waited, shown, opened, later = (add(database, agent, age=3600) for _ in range(4))
    for seconds in (10, 7198):
        database.shift_seconds = seconds
        database.run(lambda unit: looks.keep_look(unit, opened.id, "U0BOB"))
    database.run(lambda unit: looks.keep_look(unit, "apr_unknown", "U0BOB"))
    for number, approval in enumerate((waited, shown, opened, later)):
        database.shift_seconds = 2 + number * 3600
        decide(database, approval.id, "approve", f"U{number}" if approval is not opened else "U0BOB", ms=3_600_000)
    database.run(lambda unit: looks.keep_look(unit, later.id, "U3"))
    ((at,),) = database.read(
        lambda unit: unit.execute(select(decisions.c.at).where(decisions.c.approval_id == shown.id)).all()
    )
    card = {"kind": "card", "approval_id": shown.id, "channel": "C", "facts": {}, "urgency": 1, "wanted": 1}
    card |= {"dedupe_key": "k", "created_at": at, "slack_ts": f"{at.timestamp() - 3:.6f}"}
    database.run(lambda unit: unit.execute(insert(outbox), card))
    habits = {one.user: one.median_seconds for one in database.read(learning.records)["process_refund"].reviewers}
    assert {user: round(seconds) for user, seconds in habits.items()} == {
        "U0": 3600,
        "U1": 3,
        "U0BOB": 4,
        "U3": 3600,
    }


def test_what_ran_is_counted_for_ninety_days(database: Database) -> None:
    """Executed is what was claimed; what policy let run alone is told of the fortnight."""
    agent = add_agent(database)
    made = [add(database, agent, request=Request(action="pay", params={})) for _ in range(3)]
    by_policy = update(approvals).where(approvals.c.id == made[0].id).values(route="auto")
    claimed = update(approvals).where(approvals.c.id != made[2].id)
    database.run(lambda unit: unit.execute(by_policy))
    database.run(lambda unit: unit.execute(claimed.values(claimed_at=unit.now)))
    seen = {}
    for days in (0, 15, 91):
        database.shift_seconds = days * 86_400
        found = database.read(learning.records).get("pay")
        seen[days] = found and (found.ran, found.alone)
    assert seen == {0: (2, 1), 15: (2, 0), 91: None}


def test_a_case_knows_how_it_came_to_be_labelled(database: Database) -> None:
    """What a sampled review found stands for the whole sample; what anybody else labels stands for itself."""
    agent = add_agent(database)
    policy = json.dumps({"sample_review": 0.05})
    asked = Request(action="pay", params={}, confidence=0.9, evidence=SURE)
    drawn, chosen = (add(database, agent, request=asked) for _ in range(2))
    ran(database, drawn, chosen)
    reviewed = update(approvals).where(approvals.c.id == drawn.id)
    given = reviewed.values(policy=policy, review={"asked": ["U0BOB"], "by": "U0BOB", "verdict": "correct"})
    database.run(lambda unit: unit.execute(given))
    label(database, drawn.id, "correct", "U0BOB")
    label(database, chosen.id, "correct", "U0BOB")
    cases = database.read(learning.records)["pay"].cases
    assert sorted((one.drawn or 0, one.weight) for one in cases) == [(0, 1.0), (0.05, 20.0)]


def test_what_an_agent_leaves_out_is_counted(database: Database) -> None:
    """Of what others judged: how many right and wrong ones the agent labelled too."""
    agent = add_agent(database)
    made = [add(database, agent, request=Request(action="pay", params={})) for _ in range(4)]
    ran(database, *made)
    for approval, word in zip(made, ("correct", "correct", "incident", "incident"), strict=True):
        label(database, approval.id, word, "U0BOB")
    label(database, made[0].id, "correct")
    label(database, made[2].id, "correct")
    (found,) = database.read(learning.records)["pay"].own_words
    assert (found.agent, found.right, found.right_labelled, found.wrong, found.wrong_labelled) == (
        agent.name,
        2,
        1,
        2,
        1,
    )


def test_an_agents_own_labels_speak_against_it_alone(database: Database) -> None:
    """Its own `correct` fills nothing; its own `incident` counts against it; people and label tokens count both ways."""
    agent = add_agent(database)
    asked = Request(action="pay", params={}, evidence=SURE)
    praised, owned_up, doubted, rolled_back = (add(database, agent, request=asked) for _ in range(4))
    ran(database, praised, owned_up, doubted, rolled_back)
    label(database, praised.id, "correct")
    label(database, owned_up.id, "incident")
    label(database, doubted.id, "incident")
    label(database, doubted.id, "correct", "U0ALICE")
    label(database, rolled_back.id, "reverted")
    found = database.read(learning.records)["pay"]
    assert (found.labelled, found.correct, found.reverted, found.doubted, found.incidents) == (1, 0, 0, 2, 3)
    assert sorted((one.evidence, one.right) for one in found.cases) == [(1.0, False)] * 3
    label(database, praised.id, "correct", "labeller:critic")
    undone = update(approvals).where(approvals.c.id == rolled_back.id)
    database.run(lambda unit: unit.execute(undone.values(undone_at=unit.now)))
    found = database.read(learning.records)["pay"]
    assert (found.labelled, found.correct, found.reverted, found.doubted) == (3, 1, 1, 1)


def test_correct_of_what_never_ran_counts_nowhere(database: Database) -> None:
    """An older version kept such labels, of anybody: no figure, no case and no word for the agent comes of them; an incident stays one."""
    agent = add_agent(database)
    asked = Request(action="pay", params={}, confidence=0.9, evidence=SURE)
    states = ("pending", "approved", "rejected", "taken_over", "expired", "cancelled", "denied", "blocked", "claimed")
    made = [add(database, agent, request=asked) for _ in states]
    for approval, state in zip(made, states, strict=True):
        changed = update(approvals).where(approvals.c.id == approval.id).values(state=state)
        database.run(lambda unit, changed=changed: unit.execute(changed))
        for by in ("U0BOB", "labeller:critic", "agent:demo"):
            label(database, approval.id, "correct", by)
    label(database, made[0].id, "incident", "U0ALICE")
    found = database.read(learning.records)["pay"]
    assert (found.labelled, found.correct, found.incidents, len(found.cases)) == (1, 0, 1, 1)
    assert found.own_words[0].right == found.own_words[0].wrong_labelled == 0
    ran(database, *made[1:])
    found = database.read(learning.records)["pay"]
    assert (found.labelled, found.correct, len(found.cases)) == (len(states), len(states) - 1, len(states))


def test_a_flood_makes_nothing_else_forgotten(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that runs, praises and confesses without end pushes no incident of another action out of what is read."""
    monkeypatch.setattr(learning, "MOST", 5)
    monkeypatch.setattr(learning, "MOST_ASKED", 5)
    monkeypatch.setattr(runs, "MOST_RUNS", 5)
    agent, flooder = add_agent(database), add_agent(database, "flooder")
    pay = [add(database, agent, age=86_400, request=Request(action="pay", params={})) for _ in range(4)]
    ran(database, *pay)
    label(database, pay[0].id, "incident", "U0BOB")
    flood = [add(database, flooder, request=Request(action="ping", params={})) for _ in range(12)]
    ran(database, *flood)
    for one in flood:
        label(database, one.id, "correct", "agent:flooder")
        label(database, one.id, "incident", "agent:flooder")
        label(database, one.id, "correct", "labeller:critic")
    found = database.read(learning.records)
    assert (found["pay"].incidents, found["pay"].ran, found["pay"].ran_days) == (1, 4, 90)
    assert (found["ping"].ran, found["ping"].correct) == (5, 0)


def test_what_a_pattern_stands_for_counts_by_name_and_together(database: Database) -> None:
    """Decisions, runs, labels and cases count for the action and for the entry that stands for it."""
    agent = add_agent(database)
    for name in ("mcp__git__push", "mcp__git__pull"):
        approval = add(database, agent, request=Request(action=name, params={}, confidence=0.9, evidence=SURE))
        ran(database, approval)
        decide(database, approval.id, "approve", "U0BOB")
        label(database, approval.id, "correct", "U0ALICE")
    found = database.read(lambda unit: learning.records(unit, lambda action: (action, "mcp__git__*")))
    for name, count in {"mcp__git__push": 1, "mcp__git__pull": 1, "mcp__git__*": 2}.items():
        one = found.pop(name)
        counted = (one.unmodified, one.ran, one.labelled, len(one.cases), one.reviewers[0].decided)
        assert counted == (count,) * 5, name
    assert not found
