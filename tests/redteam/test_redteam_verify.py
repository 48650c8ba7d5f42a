"""Whoever has the database's password changes one thing, anywhere, at random; `audit verify` names it, and nothing else."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Table, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import BigInteger, Integer
from support import week as weeks
from support.office import Office

from store import verification
from store.seals import UNSEALED
from store.tables import approvals, decisions, delegates, delegations, demotions, labels
from store.types import JsonText, UtcDateTime
from store.unit import Unit

BESIDE = (decisions, labels, demotions, delegations, delegates)
# When somebody is reminded or looked at next: put off without a row in the trail, and nothing anybody consented to.
NAGGING = UNSEALED - {"params", "checkpoint", "wake_at", "clock_undo_until"}


class Undone(Exception):
    """Rolls the attack back."""


@pytest.fixture
def week(closed_office: Office) -> Office:
    """An office after a week, at rest."""
    weeks.opened(closed_office)
    weeks.live(closed_office)
    return closed_office


def attacked(office: Office, attack: Any) -> list[str]:
    """What a verification says after `attack`, which is undone then."""
    found: list[list[str]] = []

    def work(unit: Unit) -> None:
        attack(unit)
        found.append(verification.verify(unit).told)
        raise Undone

    with pytest.raises(Undone):
        office.database.run(work)
    return found[0]


def rows_of(office: Office, table: Table) -> list[dict[str, Any]]:
    return office.database.read(lambda unit: [row._asdict() for row in unit.execute(select(table))])


def another(data: st.DataObject, column: Column[Any], value: Any, rows: list[dict[str, Any]]) -> Any:
    """A value of the same column that is not this one: another row's, none, or a changed one."""
    others = [row[column.name] for row in rows]
    ways = [st.sampled_from(others), *([st.none()] if column.nullable else [])]
    match column.type:
        case UtcDateTime():
            moment = value or datetime.fromisoformat("2026-01-01T00:00:00+00:00")
            ways.append(st.integers(-(10**6), 10**6).map(lambda seconds: moment + timedelta(seconds=seconds)))
        case JsonText():
            ways.append(st.recursive(st.none() | st.integers() | st.text('aé"<', max_size=5), st.lists, max_leaves=4))
            ways.append(st.dictionaries(st.sampled_from(["by", "kind", "note", "x"]), st.text(max_size=5), max_size=3))
        case BigInteger() | Integer():
            ways.append(st.integers(0, 10**6))
        case _:
            plain = str(value or "")
            ways.append(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=9))
            ways.append(st.integers(0, max(0, len(plain) - 1)).map(lambda at: plain[:at] + "x" + plain[at + 1 :]))
    return data.draw(st.one_of(ways), label=column.name)


def same(column: Column[Any], one: Any, other: Any) -> bool:
    """Whether two values of a column mean the same."""
    if column.name == "params":
        try:
            return json.dumps(json.loads(one), sort_keys=True) == json.dumps(json.loads(other), sort_keys=True)
        except ValueError:
            return False
    return type(one) is type(other) and json.dumps(one, default=str) == json.dumps(other, default=str)


def test_an_honest_week_is_intact(week: Office) -> None:
    """No false alarm: every state, vote, edit, label, undo, delegation and lost level, as Sayso itself wrote them."""
    states = {row["state"] for row in rows_of(week, approvals)}
    assert len(states) >= 10, states
    assert all(rows_of(week, table) for table in (decisions, labels, demotions, delegates))
    assert week.faults() == []


def test_whatever_is_changed_in_a_row_is_found(week: Office) -> None:
    """Any column of any approval, vote, label, lost level or delegation, set to anything else: that very approval is named."""
    tables = {table: rows_of(week, table) for table in (approvals, approvals, approvals, *BESIDE)}
    present = [table for table, rows in tables.items() if rows]
    weighted = [approvals] * 3 + present

    @settings(max_examples=120, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def attack(data: st.DataObject) -> None:
        table = data.draw(st.sampled_from(weighted))
        rows = tables[table]
        row = data.draw(st.sampled_from(rows))
        names = [c.name for c in table.c if c.name != "id" and not (table is approvals and c.name in NAGGING)]
        column = table.c[data.draw(st.sampled_from(names))]
        value = another(data, column, row[column.name], rows)
        assume(not same(column, value, row[column.name]))
        if column.name in ("wake_at", "clock_undo_until"):
            assume(value is None or row[column.name] is None or value > row[column.name])
        key = list(table.primary_key.columns)
        where = [c == row[c.name] for c in key]

        def edit(unit: Unit) -> None:
            try:
                unit.execute(update(table).where(*where).values({column.name: value}))
            except DBAPIError:
                assume(False)  # the database's own constraints refuse it

        found = attacked(week, edit)
        if column.name == "wake_at" and not found:
            assume(False)  # sooner than its moments, or at rest: the sweep looks in vain
        if column.name == "clock_undo_until" and value is None and not found:
            assume(False)  # the sweep itself ends a window that is over
        of = row["id"] if table is approvals else row["approval_id"]
        assert any(str(of) in fault for fault in found), f"{table.name}.{column.name} of {of}: {found}"

    attack()


@pytest.mark.parametrize("table", [approvals, *BESIDE], ids=lambda table: table.name)
def test_whatever_is_taken_away_is_found(week: Office, table: Table) -> None:
    """Each row deleted alone, with all that hangs on it where the database wants that: its approval is named."""
    for row in rows_of(week, table):
        key = [c == row[c.name] for c in table.primary_key.columns]

        def remove(unit: Unit, key: Any = key) -> None:
            if unit.connection.dialect.name == "postgresql":
                unit.execute(text("SET LOCAL session_replication_role = replica"))
            else:
                unit.execute(text("PRAGMA defer_foreign_keys = ON"))
            unit.execute(delete(table).where(*key))

        of = row["id"] if table is approvals else row["approval_id"]
        assert any(str(of) in fault for fault in attacked(week, remove)), row


def test_what_is_slipped_in_is_found(week: Office) -> None:
    """A second yes for a quorum, a label, a lost level given back, an approval out of thin air: each is named."""
    waiting = next(
        row for row in rows_of(week, approvals) if row["state"] == "pending" and "pay_twice" in row["action"]
    )
    model = next(row for row in rows_of(week, decisions) if row["approval_id"] == waiting["id"])
    vote = {name: value for name, value in model.items() if name != "id"} | {"by": "U0BOB"}
    found = attacked(week, lambda unit: unit.execute(insert(decisions), vote))
    assert found == [f"approval {waiting['id']}: the trail does not know a row of decisions by U0BOB as it stands"]
    label = {"approval_id": waiting["id"], "label": "correct", "by": "U0BOB", "at": model["at"]}
    assert waiting["id"] in attacked(week, lambda unit: unit.execute(insert(labels), label))[0]
    approval = waiting | {"id": "apr_forged", "idempotency_key": "forged", "state": "approved"}
    found = attacked(week, lambda unit: unit.execute(insert(approvals), approval))
    assert "approval apr_forged: no row of the trail tells of it" in found


def test_a_yes_that_was_refused_cannot_be_made_one(week: Office) -> None:
    """The trail's row of a refusal has a person, a digest and a moment too: a vote made to fit it is named all the same."""
    for line in week.trail():
        if line["event"] in ("gate_presented", "labelled", "refused", "delegated"):
            vote = {
                "approval_id": line["approval_id"],
                "digest": line["digest"],
                "verb": "approve",
                "by": line["actor"],
            }
            vote |= {"role": "finance", "at": datetime.fromisoformat(line["at"]), "latency_ms": 1}
            found = attacked(week, lambda unit, vote=vote: unit.execute(insert(decisions), vote))
            assert any("does not know a row of decisions" in fault for fault in found), line
