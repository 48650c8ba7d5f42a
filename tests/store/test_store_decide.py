"""People who decide at the same moment: the answer is what became of it, never what was read before."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import load
from support.files import PLAIN, write_manifest
from support.marks import on_postgresql
from test_store_execute import Desk, first

from bot.service import decide
from bot.service.authorization import Lost
from bot.service.context import Book
from policies.approval import Approval
from policies.files.manifest import load_manifest
from policies.lifecycle import State
from store import approvals
from store.engine import Database


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
