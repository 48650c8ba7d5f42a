"""What an agent, or whoever checks afterwards, says of what ran: labels, and the roll-back that Undo asks for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from builders import load
from desk import Desk, first
from sqlalchemy import select, update
from support.marks import on_postgresql

from bot.service import execute, undo
from policies import deadlines
from policies.errors import (
    NeverRan,
    NotFound,
)
from policies.lifecycle import State
from store import agents, audit, verification
from store.agents import Scope
from store.tables import approvals as rows
from store.tables import labels, outbox


def test_a_label_is_kept_once(desk: Desk) -> None:
    """A label is recorded with its words once, moves nothing, and another one stands beside it."""
    approval = desk.approved()
    desk.claim(approval)
    done = desk.report(approval)
    desk.bell.rung.clear()
    for _ in range(2):
        assert desk.label(approval, "correct") == done
    assert desk.label(approval, "reverted") == done
    query = select(labels.c.label, labels.c.detail, labels.c.by, labels.c.approval_id).order_by(labels.c.id)
    kept = [tuple(row) for row in desk.database.read(lambda unit: unit.execute(query).all())]
    assert kept == [(word, "Put back.", "agent:demo", approval.id) for word in ("correct", "reverted")]
    noted = [line for line in desk.trail(approval) if line["event"] == "labelled"]
    assert [(line["decision"], line["rationale"], line["actor"]) for line in noted] == [
        ("correct", "Put back.", "agent:demo"),
        ("reverted", "Put back.", "agent:demo"),
    ]
    assert not any("moved" in line for line in noted)
    assert desk.bell.rung == []
    assert load(desk.database, approval) == done


def test_a_token_made_to_label_labels_what_any_agent_ran(desk: Desk) -> None:
    """Whoever checks afterwards labels anybody's approval, kept apart from the agent's own word; not a test, and not nothing."""
    checker, _ = desk.database.run(lambda unit: agents.add(unit, "checker", scopes=frozenset({Scope.LABEL})))
    ran, test = desk.approved(), desk.ask()
    desk.claim(ran)
    desk.report(ran)
    label = partial(execute.label, desk.world, checker, word="incident", detail=None)
    assert label(ran.id).id == ran.id
    assert desk.last(ran)["actor"] == "labeller:checker"
    planted = update(rows).where(rows.c.id == test.id)
    values = {"planted": {"tell": "it asks twice", "seeming_agent_id": test.agent_id}}
    desk.database.run(lambda unit: unit.execute(planted.values(values)))
    for other in (test.id, "apr_none"):
        with pytest.raises(NotFound):
            label(other)


def test_what_never_ran_was_not_correct(desk: Desk) -> None:
    """`correct` is refused for what did not run; nothing is kept of it."""
    approval = desk.approved()
    with pytest.raises(NeverRan):
        desk.label(approval, "correct")
    assert desk.last(approval)["event"] != "labelled"
    assert desk.database.read(lambda unit: unit.execute(select(labels)).all()) == []


def test_a_roll_back_is_reported_once(desk: Desk) -> None:
    """The label `reverted` ends what is owed after Undo: in one version more the card says so, and its thread."""
    before = desk.undone(claimed=True)
    desk.bell.rung.clear()
    told = desk.label(before)
    assert told == load(desk.database, before)
    assert told.undo is not None
    assert told.undo.reverted_at == told.updated_at > before.updated_at
    assert told.undo.reverted_detail == "Put back."
    assert (told.clock.roll_back_by, told.version, told.roll_back_owed) == (None, before.version + 1, False)
    assert replace(told.undo, reverted_at=None, reverted_detail=None) == before.undo
    last = desk.last(before)
    assert (last["event"], last["decision"], last["moved"]) == ("labelled", "reverted", True)
    assert last["at"] == audit.rfc3339(told.updated_at)
    assert desk.notices(before)[-1] == "reverted"
    assert desk.wanted(before) > 0
    desk.told(before)
    assert desk.label(before) == told
    assert desk.last(before) == last


def test_a_label_given_too_early_does_not_count_as_the_roll_back(desk: Desk) -> None:
    """Who labelled it before Undo reports the roll-back with the same word again; other words report nothing."""
    approval = desk.approved("undoable")
    desk.claim(approval)
    desk.report(approval)
    desk.label(approval)
    undo.undo(desk.world, desk.tap(approval, "U0BOB"))
    assert desk.label(approval, "incident").roll_back_owed
    assert not desk.label(approval).roll_back_owed
    assert [line["event"] for line in desk.trail(approval)].count("labelled") == 3


@on_postgresql
def test_of_two_reports_of_a_roll_back_one_counts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same report a moment later finds it done: one row, one move, and the answer is what is."""
    before = desk.undone(claimed=True)
    first(monkeypatch, lambda: desk.label(before))
    assert desk.label(before) == load(desk.database, before)
    noted = [line for line in desk.trail(before) if line["event"] == "labelled"]
    assert [line["moved"] for line in noted] == [True]
    assert desk.database.snapshot(verification.verify).told == []


@on_postgresql
def test_a_roll_back_that_comes_second_looks_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of the roll-back that the result overtook is kept all the same, and the result too."""
    approval = desk.approved("undoable")
    desk.claim(approval)
    undo.undo(desk.world, desk.tap(approval, "U0BOB"))
    first(monkeypatch, lambda: desk.report(approval))
    assert desk.label(approval).state is State.SUCCEEDED
    found = load(desk.database, approval)
    assert (found.state, found.roll_back_owed) == (State.SUCCEEDED, False)
    assert found.clock == deadlines.Clock()


def test_the_card_is_drawn_again_when_it_was_shown(desk: Desk) -> None:
    """A roll-back keeps the version, and its card is drawn anew although it shows that version already."""
    before = desk.undone(claimed=True)
    shown = update(outbox).where(outbox.c.approval_id == before.id, outbox.c.kind == "card")
    desk.database.run(lambda unit: unit.execute(shown.values(shown=outbox.c.wanted, next_at=None)))
    desk.label(before)
    query = select(outbox.c.next_at).where(outbox.c.approval_id == before.id, outbox.c.kind == "card")
    assert desk.database.read(lambda unit: unit.execute(query).scalar_one()) is not None
