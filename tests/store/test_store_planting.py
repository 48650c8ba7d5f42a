"""Tests of reviewers as rows: what brings one about, whose it seems to be, and how it ended; the same on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import add, add_agent

from policies.approval import Approval, Decided, Decision, Planted
from policies.learning.planting import Answer
from policies.lifecycle import State
from policies.request import Request
from store import agents, approvals, planting, workload
from store.agents import PLANTER, Agent
from store.audit import entry_of
from store.duplicates import DuplicateKey
from store.engine import Database

PAY = Request(action="pay", params={})


@pytest.fixture
def planter(database: Database) -> Agent:
    """Whom tests belong to."""
    database.run(agents.keep_planter)
    database.run(agents.keep_planter)
    return Agent(PLANTER, "demo")


def planted(database: Database, planter: Agent, of: Agent, **changes: Any) -> Approval:
    """A test that seems to come from `of`."""
    return add(database, planter, request=PAY, planted=Planted("Paid twice", of.id), **changes)


def end(database: Database, approval: Approval, kind: Decided, by: str = "U0BOB", state: State | None = None) -> None:
    """Somebody decides it."""

    def work(unit: Any) -> None:
        before = approvals.load(unit, approval.id)
        assert before is not None
        over = state or State.CANCELLED
        after = replace(before, state=over, decision=Decision(kind, by, unit.now), version=before.version + 1)
        assert approvals.save(unit, before, after)
        unit.record(entry_of(after, "test_ended", unit.now, by))

    database.run(work)


def test_a_test_is_kept_as_one(database: Database, planter: Agent) -> None:
    """What gives it away and whose it seems to be come back; the trail says that it is one, whatever text is removed."""
    demo = add_agent(database)
    made = planted(database, planter, demo)
    kept = database.read(lambda unit: approvals.load(unit, made.id))
    assert kept is not None
    assert kept.planted == Planted("Paid twice", demo.id)
    assert (kept.agent_id, kept.told_agent_id) == (PLANTER, demo.id)
    assert '"planted":true' in entry_of(kept, "requested", kept.created_at, "agent:demo").written()[0]
    assert database.read(lambda unit: approvals.load(unit, made.id, agent_id=demo.id)) is None


def test_the_same_one_is_put_before_somebody_once(database: Database, planter: Agent) -> None:
    """The decision that brings it about is its key: the second of two servers finds it taken."""
    demo = add_agent(database)
    planted(database, planter, demo, key="pay|apr_1")
    with pytest.raises(DuplicateKey):
        planted(database, planter, demo, key="pay|apr_1")


def test_peoples_decisions_bring_one_about(database: Database, planter: Agent) -> None:
    """Counted are decisions of people on this action after a moment: no test's, no agent's, no policy's, no other action's."""
    demo = add_agent(database)
    start = database.read(lambda unit: unit.now) - timedelta(seconds=1)
    counted = [add(database, demo, request=PAY) for _ in range(3)]
    for one in counted:
        end(database, one, Decided.APPROVED, state=State.APPROVED)
    end(database, add(database, demo, request=PAY), Decided.CANCELLED, by="agent:demo")
    end(database, add(database, demo, request=PAY), Decided.EXPIRED, by="policy", state=State.EXPIRED)
    end(database, add(database, demo), Decided.APPROVED, state=State.APPROVED)
    end(database, planted(database, planter, demo), Decided.REJECTED)

    def nth(number: int) -> Any:
        return database.read(lambda unit: planting.decision_after(unit, "pay", start, number))

    assert [nth(number)[0] for number in (1, 2, 3)] == [one.id for one in counted]
    assert nth(4) is None


def test_it_seems_to_come_from_whoever_asked_of_late(database: Database, planter: Agent) -> None:
    """A living agent that asks for itself and outside of a session; none, where there is no such."""

    def seems() -> str | None:
        found = database.read(lambda unit: planting.seems_to_come_from(unit, "pay"))
        return found.name if found else None

    demo, gone = add_agent(database), add_agent(database, "gone")
    end(database, add(database, demo, request=replace_session(PAY)), Decided.APPROVED, state=State.APPROVED)
    assert seems() is None
    end(database, add(database, demo, request=PAY), Decided.APPROVED, state=State.APPROVED)
    end(database, add(database, gone, request=PAY), Decided.APPROVED, state=State.APPROVED)
    assert seems() == "gone"
    database.run(lambda unit: agents.revoke(unit, "gone"))
    assert seems() == "demo"


def replace_session(request: Request) -> Request:
    """The same in a session."""
    return request.model_copy(update={"session_id": "run"})


def test_how_they_ended_is_told(database: Database, planter: Agent) -> None:
    """By whom, and what it shows; those that wait apart; who was tested last is known by any of their accounts."""
    demo = add_agent(database)
    waiting, caught, missed, over = (planted(database, planter, demo, assignee=f"U0{at}") for at in range(4))
    end(database, caught, Decided.REJECTED, by="U0BOB")
    end(database, missed, Decided.APPROVED, by="U0EVE")
    end(database, over, Decided.EXPIRED, by="policy")
    found = database.read(planting.ended_tests)
    assert {(one.by, one.answer) for one in found} == {
        ("U0BOB", Answer.CAUGHT),
        ("U0EVE", Answer.MISSED),
        (None, Answer.NEITHER),
    }
    mine = database.read(lambda unit: planting.ended_tests(unit, by=["U0EVE", "U0ELSE"]))
    assert [one.answer for one in mine] == [Answer.MISSED]
    assert database.read(planting.waiting_tests) == [(waiting.id, "pay", demo.id)]
    last = database.read(lambda unit: planting.last(unit, "pay"))
    assert (last.id, last.count) == (over.id, 4)
    for users, tested in ((["U0BOB"], True), (["U0NOBODY", "U00"], True), (["U0NOBODY"], False)):
        at = database.read(lambda unit, users=users: planting.tested_last(unit, users))
        assert (at is not None) is tested


def test_tests_are_counted_without_reading_what_else_is_open(database: Database) -> None:
    """How many of somebody's open requests are tests is asked at each request: it costs nothing where there are none."""
    query = str(workload._loading(("U0ALICE",), 0.0).compile(database.engine, compile_kwargs={"literal_binds": True}))
    word = "EXPLAIN QUERY PLAN" if database.sqlite else "EXPLAIN"
    with database.engine.connect() as connection:
        if not database.sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")
        plan = "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(f"{word} {query}".replace("%", "%%")))
    assert "ix_approvals_tests" in plan
