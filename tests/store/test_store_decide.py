"""People who decide at the same moment: the answer is what became of it, never what was read before."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, partialmethod
from pathlib import Path
from typing import Any

import pytest
from builders import load
from desk import Desk, first
from sqlalchemy import Select
from support.files import PLAIN, write_manifest
from support.marks import on_postgresql

from bot.service import decide
from bot.service.authorization import Lost
from bot.service.context import Book
from policies.approval import Approval
from policies.files.manifest import load_manifest
from policies.lifecycle import State
from store import approvals
from store.engine import Database
from store.unit import Unit


def needing_two(database: Database, folder: Path) -> tuple[Desk, Approval]:
    """A request that needs two people."""
    desk = Desk(database, folder)
    manifest = load_manifest(write_manifest(folder, {"change": PLAIN | {"approvers": 2}}).read_text())
    desk.world.book = Book(manifest, desk.world.book.roster)
    return desk, desk.ask()


@on_postgresql
def test_ones_own_no_overtakes_ones_own_yes(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A yes that another's yes and then one's own no overtook is told that it was rejected, not that it was counted."""
    desk, approval = needing_two(database, tmp_path)
    yes, no = desk.tap(approval), desk.tap(approval, note="No.")
    bobs = desk.tap(approval, "U0BOB")

    def bob_then_alice() -> None:
        decide.approve(desk.world, bobs)
        monkeypatch.undo()
        first(monkeypatch, lambda: decide.reject(desk.world, no))

    first(monkeypatch, bob_then_alice)
    with pytest.raises(Lost, match="rejected"):
        decide.approve(desk.world, yes)
    assert load(database, approval).state is State.REJECTED
    assert approvals.load_with.__name__ == "load_late", "both were let in between"


class Overtaking:
    """Before the `nth` statement of the next transaction, if that only reads so far, `work` takes place."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, nth: int, work: Callable[[], object]) -> None:
        self.reads, self.done = 0, False

        def late(unit: Unit, statement: Any, *args: Any, run: Callable[..., Any], **kwargs: Any) -> Any:
            reading = isinstance(statement, Select) and statement._for_update_arg is None
            if reading and not self.done:
                self.reads += 1
                if self.reads == nth:
                    self.done = True
                    work()
            elif not reading:
                self.done = True  # it holds locks from here on: whoever overtakes would wait for it
            return run(unit, statement, *args, **kwargs)

        for name in ("execute", "rows"):
            monkeypatch.setattr(Unit, name, partialmethod(late, run=getattr(Unit, name)))


@on_postgresql
def test_a_vote_between_any_two_readings_is_no_tampering(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bob's second tap comes in anywhere between the readings of his first: both are told that it is approved."""
    desk, _ = needing_two(database, tmp_path)
    overtaken = 0
    for nth in range(1, 30):
        approval = desk.ask()
        decide.approve(desk.world, desk.tap(approval))
        bobs = desk.tap(approval, "U0BOB")
        with monkeypatch.context() as patch:
            between = Overtaking(patch, nth, partial(decide.approve, desk.world, bobs))
            assert decide.approve(desk.world, bobs).state is State.APPROVED
        assert load(database, approval).state is State.APPROVED
        overtaken += between.reads == nth
        if between.reads < nth:
            break
        assert not [line for line in desk.trail(approval) if line["event"] == "refused"]
    assert overtaken > 3
