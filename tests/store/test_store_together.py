"""What is put off is written in order, before anything could miss it, and with its audit rows or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from builders import add, add_agent, told
from sqlalchemy import insert, select, update
from support.marks import on_postgresql

from policies.approval import Approval
from policies.lifecycle import State
from store import approvals, audit, outbox
from store.duplicates import DuplicateVote
from store.engine import Database
from store.tables import decisions, switches
from store.together import PutOff
from store.unit import Unit
from tests.bench.rows import creates, taps
from tests.bench.statements import captured


class Missed(Exception):
    """The row was not as it had been read."""


SET = update(switches).where(switches.c.name == "stop").values(value="2")
ADD = insert(switches).inline()


def added(unit: Unit, name: str) -> PutOff:
    return PutOff(switches, ADD, {"name": name, "value": "1", "by": "U0ADMIN", "at": unit.now})


def values(unit: Unit) -> dict[str, str]:
    return {row.name: row.value for row in unit.execute(select(switches.c.name, switches.c.value))}


def decided(approval: Approval, at: datetime) -> Approval:
    return replace(approval, state=State.APPROVED, version=approval.version + 1, updated_at=at)


def vote(unit: Unit, approval: Approval, user: str = "U0BOB") -> None:
    approvals.add_decision(unit, approval, approvals.Act(user, "approve", unit.now), role="finance", note=None)


def trail(database: Database) -> int:
    return database.read(audit.head).seq


def test_the_next_statement_sees_what_was_put_off(database: Database) -> None:
    """Whoever asks after a write was put off finds it done, whatever asks."""

    def work(unit: Unit) -> dict[str, str]:
        unit.put_off(added(unit, "stop"))
        return values(unit)

    assert database.run(work)["stop"] == "1"


def test_two_writes_of_one_table_come_in_order(database: Database) -> None:
    """The second write of a table finds what the first has written, as it would one by one."""

    def work(unit: Unit) -> None:
        unit.put_off(added(unit, "stop"))
        unit.put_off(PutOff(switches, SET, {}, Missed))

    database.run(work)
    assert database.read(values)["stop"] == "2"


def test_without_audit_rows_it_is_written_too(database: Database) -> None:
    """A transaction that tells nothing of what it does writes all the same."""
    database.run(lambda unit: unit.put_off(added(unit, "stop")))
    assert database.read(values)["stop"] == "1"


def test_whoever_comes_second_leaves_nothing(database: Database) -> None:
    """A compare-and-set that was put off and misses raises at the end: no decision, no card, no row in the trail."""
    approval = add(database, add_agent(database))
    database.run(lambda unit: first(unit, approval, "U0ALICE"))
    before = trail(database)
    with pytest.raises(Missed):
        database.run(lambda unit: first(unit, approval, "U0BOB"))
    assert trail(database) == before
    assert database.read(lambda unit: unit.execute(select(decisions.c.by)).scalars().all()) == ["U0ALICE"]


def first(unit: Unit, approval: Approval, user: str) -> None:
    """A yes as a tap gives it: vote, compare-and-set, card and trail are all at the end."""
    approvals.load(unit, approval.id)
    vote(unit, approval, user)
    assert approvals.save(unit, approval, decided(approval, unit.now), in_time=True, missed=Missed)
    outbox.refresh(unit, approval.id, approval.version + 1, touched=True)
    told(unit, decided(approval, unit.now), "approved")


def test_a_refusal_says_what_it_means(database: Database) -> None:
    """A constraint that stands against one of several is told as that one's own, and nothing of them stays."""
    approval = add(database, add_agent(database))

    def voted(unit: Unit) -> None:
        vote(unit, approval)
        told(unit, approval, "voted")

    def again(unit: Unit) -> None:
        unit.put_off(added(unit, "stop"))
        voted(unit)

    database.run(voted)
    before = trail(database)
    with pytest.raises(DuplicateVote):
        database.run(again)
    assert trail(database) == before
    assert "stop" not in database.read(values)


def inside(unit: Unit) -> None:
    with unit.savepoint():
        unit.put_off(added(unit, "inside"))
        raise Missed


def test_what_fails_in_a_savepoint_is_not_put_off_further(database: Database) -> None:
    """What was put off before a savepoint stays, and what was put off inside goes with it."""

    def work(unit: Unit) -> None:
        unit.put_off(added(unit, "before"))
        with pytest.raises(Missed):
            inside(unit)
        unit.put_off(added(unit, "after"))

    database.run(work)
    assert {"before", "after"} <= set(database.read(values))
    assert "inside" not in database.read(values)


@on_postgresql
@pytest.mark.parametrize(("prepare", "most"), [(taps.prepared, 4), (creates.floor_script, 11)])
def test_how_often_it_asks_the_database(
    database: Database, prepare: Callable[[Database], tuple[object, object]], most: int
) -> None:
    """A tap is one read and one write in one transaction; a create takes its turn, reads twice and writes once."""
    found = prepare(database)[1]
    assert (found if isinstance(found, int) else found.round_trips) <= most  # type: ignore[attr-defined]


@on_postgresql
def test_a_yes_is_one_statement(database: Database) -> None:
    """The vote, the compare-and-set, the card and the trail leave together."""
    approval = add(database, add_agent(database))
    log = captured(database, lambda: database.run(lambda unit: first(unit, approval, "U0ALICE")))
    written = [sql for sql, _ in log.transactions[0] if "INSERT" in sql or "UPDATE" in sql]
    assert len(written) == 1
    assert "sayso_append_audit" in written[0]
