"""Look-alike requests share one screen and one tap; what changed before the tap is left out and named (D4)."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from support.files import ACTIONS, PLAIN, write_manifest
from support.office import Office

from playground.kit import Card

TIDY: dict[str, Any] = PLAIN | {
    "title": "Tidy up",
    "describe": "Tidy {{ params.what }}",
    "severity": "low",
    "batch": True,
    "escalation_path": ["finance_lead"],
}
FOREVER = 60.0


def tidying(folder: Path, **changed: Any) -> Path:
    known = {**ACTIONS, "tidy": TIDY | changed, "sweep_floor": TIDY | {"title": "Sweep"}}
    return write_manifest(folder, {name: copy.deepcopy(entry) for name, entry in known.items()})


@pytest.fixture
def desk(closed_office: Office) -> Office:
    """An office whose first requests wait for their like until `gathered` says that it is time."""
    closed_office.manifest = tidying(closed_office.folder)
    closed_office.open()
    closed_office.server.world.gather_seconds = FOREVER
    return closed_office


def ask(office: Office, count: int, action: str = "tidy", **more: Any) -> list[dict[str, Any]]:
    return [office.agent.ask(action, {"what": f"room {number}"}, **more) for number in range(count)]


def gathered(office: Office) -> None:
    """The window is over."""
    office.advance(FOREVER + 1)
    office.server.world.signals.outbox_filled()


def batch(office: Office, count: int = 3, **more: Any) -> tuple[list[dict[str, Any]], Card]:
    asked = ask(office, count, **more)
    gathered(office)
    return asked, office.card(asked[0], has="batch_approve", timeout=20)


def states(office: Office, asked: list[dict[str, Any]]) -> list[str]:
    return [office.agent.see(found)["state"] for found in asked]


def redrawn(office: Office, asked: dict[str, Any], *contains: str) -> Card:
    return office.slack.expect_card(approval_id=asked["id"], contains=list(contains), timeout=20)


def test_ten_look_alikes_take_one_screen_and_one_tap(desk: Office) -> None:
    """Ten requests are one card with every parameter on it; one tap approves them, and each has its own audit row."""
    asked, card = batch(desk, 10)
    ids = [found["id"] for found in asked]
    assert card.metadata["event_payload"] == {"approval_ids": ",".join(ids)}
    assert card.options("batch_select") == ids
    assert all(f'"room {number}"' in card.text() for number in range(10))
    assert "@alice @bob, 10 of 10 wait for you" in card.text(), "each is asked in turn, all on one screen"
    assert len(desk.slack.cards("#finance")) == 1
    desk.person("U0ALICE").click(card, "batch_approve")
    desk.person("U0ALICE").expect_ephemeral("10 approved", timeout=20)
    assert states(desk, asked) == ["approved"] * 10
    done = redrawn(desk, asked[0], "All of these are decided")
    assert done.actions() == []
    for found in asked:
        assert desk.events(found) == ["requested", "gate_presented", "approved"]
        desk.agent.claim(found)
    desk.intact()
