"""Standing approvals as rows: kept as given, counted by what they let run, ended once, and proven by the trail."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import add, add_agent, at_once, load, save
from sqlalchemy import delete, update
from support.marks import on_postgresql

from policies.approval import Approval, Decided, Decision
from policies.errors import Tampered
from policies.lifecycle import State
from policies.standing import Free, Same, Sort, Standing
from store import ids, standings, tables, verification
from store.agents import Agent
from store.audit import Entry
from store.duplicates import DuplicateStanding
from store.engine import Database
from store.unit import Unit

ACTION = "process_refund"


def give(database: Database, approval: Approval, **changes: Any) -> Standing:
    """A standing approval given with `approval`, and its row in the trail."""

    def work(unit: Unit) -> Standing:
        one = Standing(
            id=ids.new("std", unit.now),
            approval_id=approval.id,
            agent_id=approval.agent_id,
            agent=approval.agent,
            action=ACTION,
            entry=ACTION,
            sentence="Refund $1",
            session_id="s1",
            principal="ann@example.com",
            roles=("finance", "lead"),
            same=(Same("params.to", '["bob"]'), Same("params.lines[*].sku", '["a","b"]')),
            free=(Free(("amount_usd",), Sort.NUMBER), Free(("lines", None, "n"), Sort.TEXT)),
            max_uses=5,
            max_total_usd=Decimal("99.5"),
            channel="#finance",
            fingerprint="f" * 32,
            by="U0ALICE",
            at=unit.now,
            until=unit.now + timedelta(hours=1),
        )
        one = replace(one, **changes)
        standings.add(unit, one)
        unit.record(Entry("standing_given", unit.now, one.by, approval_id=approval.id))
        unit.record(Entry("labelled", unit.now, one.by, approval_id=approval.id))  # the last of a unit keeps the sums
        return one

    return database.run(work)


def use(database: Database, agent: Agent, one: Standing, amount: str = "10", **changes: Any) -> Approval:
    """A further request that it let run."""
    return add(database, agent, state=State.APPROVED, standing=one.id, amount=Decimal(amount), **changes)


def holding(database: Database, agent: Agent) -> list[Standing]:
    return database.read(lambda unit: standings.holding(unit, agent.id, ACTION))


def end(unit: Unit, one: Standing, why: str = "enough") -> bool:
    ended = standings.end(unit, one.id, "U0BOB", why)
    if ended:
        unit.record(Entry("standing_ended", unit.now, "U0BOB", approval_id=one.approval_id))
    return ended


def faults(database: Database) -> list[str]:
    return database.snapshot(verification.verify).told


@pytest.fixture
def agent(database: Database) -> Agent:
    return add_agent(database)


def test_it_is_read_as_it_was_given(database: Database, agent: Agent) -> None:
    """What comes back is what was given, to the last word, and holds for that agent and action alone."""
    seen = add(database, agent)
    one = give(database, seen)
    assert holding(database, agent) == [one]
    assert database.read(lambda unit: standings.get(unit, one.id)) == one
    assert database.read(lambda unit: standings.given_with(unit, seen.id)) == one
    assert database.read(lambda unit: standings.holding(unit, agent.id, "another")) == []
    assert holding(database, add_agent(database, "other")) == []
    assert faults(database) == []


def test_its_uses_are_what_it_let_run_whatever_became_of_it(database: Database, agent: Agent) -> None:
    """Uses and dollars are counted by the approvals that name it; one that was withdrawn stays counted."""
    one, other = give(database, add(database, agent)), give(database, add(database, agent), max_total_usd=None)
    first = use(database, agent, one, "12.25")
    second = use(database, agent, one, "0.75")
    use(database, agent, other)
    database.run(lambda unit: save(unit, first, replace(first, state=State.CANCELLED, version=2)))
    found = {each.id: each for each in holding(database, agent)}
    assert (found[one.id].uses, found[one.id].spent) == (2, Decimal(13))
    assert (found[other.id].uses, found[other.id].spent) == (1, Decimal(10))
    assert [each.id for each in database.read(lambda unit: standings.let_run(unit, one.id, 5))][-1] == first.id
    assert [each.id for each in database.read(lambda unit: standings.unclaimed(unit, one.id))] == [second.id]


def test_it_holds_until_its_time_is_over(database: Database, agent: Agent) -> None:
    """Past its time it covers nothing, and is still there to be ended."""
    one = give(database, add(database, agent))
    database.shift_seconds = 3599
    assert holding(database, agent) == [one]
    database.shift_seconds = 3600
    assert holding(database, agent) == []
    assert [each.id for each in database.read(standings.unended)] == [one.id]


def test_it_ends_once(database: Database, agent: Agent) -> None:
    """Of several who end it at once one does; it holds no longer, and the record stays whole."""
    one = give(database, add(database, agent))
    ended = at_once([lambda: database.run(lambda unit: end(unit, one))] * 4)
    assert sorted(ended) == [False, False, False, True]
    assert holding(database, agent) == []
    found = database.read(lambda unit: standings.get(unit, one.id))
    assert found is not None
    assert (found.ended_by, found.ended_why) == ("U0BOB", "enough")
    assert database.read(standings.unended) == []
    assert faults(database) == []


def test_one_approval_gives_one(database: Database, agent: Agent) -> None:
    """The same approval gives no second standing approval."""
    seen = add(database, agent)
    give(database, seen)
    with pytest.raises(DuplicateStanding):
        give(database, seen)


@on_postgresql
def test_nobody_ends_it_while_a_use_is_counted(database: Database, agent: Agent) -> None:
    """Whoever lets something run holds it: an end waits, and what it finds then includes that use."""
    one, counted = give(database, add(database, agent)), threading.Event()
    seen: list[int] = []

    def let_run(unit: Unit) -> None:
        assert standings.holding(unit, agent.id, ACTION, lock=True)
        counted.set()
        assert not done.wait(0.5), "it was ended while a use was counted"

    def stop(unit: Unit) -> None:
        end(unit, one)
        seen.append(one.uses)

    done = threading.Event()

    def ending() -> None:
        counted.wait(10)
        database.run(stop)
        done.set()

    at_once([lambda: database.run(let_run), ending])
    assert done.is_set()
    assert holding(database, agent) == []


@pytest.mark.parametrize(
    "change",
    [
        {"until": "later"},
        {"terms": {"max_uses": 5000}},
        {"terms": {"same": []}},
        {"terms": {"id": "std_other"}},
        {"by": "U0BOB"},
        {"agent_id": "other"},
    ],
    ids=str,
)
def test_what_was_changed_by_hand_covers_nothing(database: Database, agent: Agent, change: dict[str, Any]) -> None:
    """A row that is not what the trail recorded is refused where it would be used, and found by `audit verify`."""
    one = give(database, add(database, agent))
    other = add_agent(database, "other")

    def tamper(unit: Unit) -> None:
        values: dict[str, Any] = dict(change)
        if "terms" in values:
            values["terms"] = json.loads(json.dumps(standings.terms_of(one))) | values["terms"]
        if "until" in values:
            values["until"] = unit.now + timedelta(days=300)
        if "agent_id" in values:
            values["agent_id"] = other.id
        unit.execute(update(tables.standings).where(tables.standings.c.id == one.id).values(values))

    database.run(tamper)
    whose = other if "agent_id" in change else agent
    with pytest.raises(Tampered):
        holding(database, whose)
    assert any("standings" in fault for fault in faults(database))


def test_an_end_that_is_taken_back_by_hand_is_found(database: Database, agent: Agent) -> None:
    """Who clears the end of one in the database brings it to no new life."""
    one = give(database, add(database, agent))
    database.run(lambda unit: end(unit, one))
    cleared = {"ended_at": None, "ended_by": None, "ended_why": None}
    database.run(lambda unit: unit.execute(update(tables.standings).values(cleared)))
    with pytest.raises(Tampered):
        holding(database, agent)
    assert faults(database)


def test_uses_that_are_taken_away_by_hand_are_found(database: Database, agent: Agent) -> None:
    """An approval that no longer names what let it run, and a standing approval that is gone, are found."""
    one = give(database, add(database, agent))
    spent = use(database, agent, one)
    mine = tables.approvals.c.id == spent.id
    database.run(lambda unit: unit.execute(update(tables.approvals).where(mine).values(standing=None)))
    assert any(spent.id in fault for fault in faults(database))
    database.run(lambda unit: unit.execute(delete(tables.standings)))
    assert any("a row of standings that the trail recorded is gone" in fault for fault in faults(database))


def test_a_reviewers_yeses_to_the_like_are_counted(database: Database, agent: Agent) -> None:
    """Of what one person decided of this agent and action since then: how many in all, and how many yeses."""
    states = [State.APPROVED, State.SUCCEEDED, State.REJECTED, State.FAILED]

    def decide(unit: Unit, approval: Approval, state: State, by: str) -> None:
        decision = Decision(Decided.APPROVED, by, unit.now)
        save(unit, approval, replace(approval, state=state, decision=decision, version=2))

    for state in states:
        approval = add(database, agent)
        database.run(lambda unit, one=approval, state=state: decide(unit, load(database, one), state, "U0ALICE"))
    other = add(database, agent)
    database.run(lambda unit: decide(unit, load(database, other), State.APPROVED, "U0BOB"))

    def count(hours: int) -> tuple[int, int]:
        return database.read(
            lambda unit: standings.said_yes(
                unit, "U0ALICE", agent.id, action=ACTION, since=unit.now - timedelta(hours=hours)
            )
        )

    assert count(1) == (4, 2)
    database.shift_seconds = 7200
    assert count(1) == (0, 0)
