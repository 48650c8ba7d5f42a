"""The inbox: `/sayso queue`, `mine` and the home tab begin with what waits for me, and what is plain is decided there."""

from __future__ import annotations

from typing import Any

import pytest
from support.files import PLAIN, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office

Json = dict[str, Any]
ACTIONS = {
    "tidy": PLAIN | {"describe": "Tidy {{ params.thing }}", "severity": "low"},
    "tidy_at_length": PLAIN | {"describe": "Прибрать " * 12 + "{{ params.thing }}", "severity": "low"},
    "wipe": PLAIN | {"describe": "Wipe {{ params.thing }}", "severity": "high", "reversible": False},
}


@pytest.fixture
def house(closed_office: Office) -> Office:
    """Alice and Bob hold the only role."""
    write_manifest(closed_office.folder, ACTIONS)
    closed_office.open()
    return closed_office


def listed(office: Office, user: str, words: str) -> Any:
    """The answer to `/sayso words`."""
    reply = office.person(user).command("/sayso", words).reply
    assert reply is not None
    return reply


def shares(office: Office) -> dict[str, Json]:
    """One request that waits for Alice and one for Bob."""
    asked = [office.agent.ask("tidy", {"thing": thing}) for thing in ("the attic", "the cellar")]
    found = {made["assignee"]: made for made in asked}
    assert set(found) == {"U0ALICE", "U0BOB"}
    for made in asked:
        office.card(made)
    return found


def buttons(message: Any) -> list[tuple[str, str]]:
    """(verb, approval id) of every button, in order."""
    found = [block.get("accessory") for block in message.raw.get("blocks", [])]
    return [(item["action_id"], item["value"].split("|")[0]) for item in found if item and item["type"] == "button"]


def test_the_queue_begins_with_mine(house: Office) -> None:
    """What waits for me comes first and can be approved there; what waits for others can be opened; each links to its card."""
    mine = shares(house)
    reply = listed(house, "U0BOB", "queue")
    assert buttons(reply) == [("approve", mine["U0BOB"]["id"]), ("details", mine["U0ALICE"]["id"])]
    assert "Waiting for you (1)" in reply.text()
    assert "Waiting for others (1)" in reply.text()
    for made in mine.values():
        assert house.card(made).permalink in reply.source()
        assert made["id"] not in reply.text(), "nothing to copy by hand"
    assert buttons(listed(house, "U0BOB", "mine")) == [("approve", mine["U0BOB"]["id"])]


@on_sqlite
def test_what_is_plain_is_approved_in_its_row(house: Office) -> None:
    """A tap in the list decides like one on the card, and the list shows what is left."""
    mine = shares(house)
    reply = listed(house, "U0BOB", "mine")
    house.person("U0BOB").click(reply, "approve")
    assert house.agent.see(mine["U0BOB"])["decision"]["by"] == "U0BOB"
    house.until(lambda: "Nothing is waiting for you." in house.slack.refresh(reply).text(), "the list is empty")


@on_sqlite
def test_the_home_tab_decides_too(house: Office) -> None:
    """Home begins with what waits for me; a tap there decides, and the tab is drawn anew."""
    mine = shares(house)
    alice = house.person("U0ALICE")
    home = alice.open_home()
    assert home.text().startswith("Waiting for you (1)")
    alice.click(home, "approve")
    assert house.agent.see(mine["U0ALICE"])["state"] == "approved"
    assert "You decided" in alice.expect_home("Nothing waits for you").text()


@on_sqlite
def test_what_is_not_plain_is_opened(house: Office) -> None:
    """What is severe, warned of, hides something or does not stand whole in its row has Open, not Approve."""
    asked = [
        house.agent.ask("wipe", {"thing": "the disk"}),
        house.agent.ask("tidy", {"thing": "the roof"}, risks=["It may rain."]),
        house.agent.ask("tidy", {"thing": "sk_live_4eC39HqLyjWDarjtT1zdp7dc"}),
        house.agent.ask("tidy", {"thing": "x" * 400}),
        house.agent.ask("tidy", {"thing": "a", "note": "y" * 400}),
        house.agent.ask("tidy_at_length", {"thing": "x"}),  # its sentence is cut in the row
        house.agent.ask("tidy", {"thing": "the shed"}, recommended_review=True),
    ]
    for user in ("U0ALICE", "U0BOB"):
        for words in ("queue", "mine"):
            assert {verb for verb, _ in buttons(listed(house, user, words))} <= {"details"}
    assert len(buttons(listed(house, "U0ALICE", "queue"))) == len(asked)


@on_sqlite
def test_a_row_shows_every_parameter_that_it_approves(house: Office) -> None:
    """What the sentence leaves out stands under it, before anybody can say yes in the row."""
    made = house.agent.ask("tidy", {"thing": "the attic", "burn_it": True})
    reply = listed(house, made["assignee"], "mine")
    assert buttons(reply) == [("approve", made["id"])]
    assert "burn_it: true" in reply.text()


@on_sqlite
def test_a_row_that_is_stale_decides_nothing(house: Office) -> None:
    """Who taps a list that is no longer true is told what happened meanwhile."""
    mine = shares(house)
    reply = listed(house, "U0ALICE", "mine")
    house.agent.cancel(mine["U0ALICE"])
    house.person("U0ALICE").click(reply, "approve")
    house.person("U0ALICE").expect_ephemeral("ancelled")
    assert house.agent.see(mine["U0ALICE"])["state"] == "cancelled"


@on_sqlite
def test_nothing_false_is_told_to_those_who_decide_nothing(house: Office) -> None:
    """A guest and somebody without a role read why nothing is assigned to them, and no switch pretends otherwise."""
    shares(house)
    guest = house.person("U0GUEST").open_home()
    assert "Guests cannot decide" in guest.text()
    assert "away_toggle" not in guest.source()
    assert "Tidy" not in guest.text()
    stranger = house.person("U0CAROL").open_home()
    assert "you hold no role" not in stranger.text() or "away_toggle" not in stranger.source()


@on_sqlite
def test_who_holds_no_role_is_told_so(closed_office: Office) -> None:
    """Somebody whom the roster does not name reads that nothing is assigned to them."""
    write_manifest(closed_office.folder, ACTIONS)
    write_roster(closed_office.folder, roles={"finance": {"members": ["U0ALICE"]}}, people={})
    closed_office.open()
    home = closed_office.person("U0DAN").open_home()
    assert "you hold no role" in home.text()
    assert "requests can be assigned to you" not in home.text()
    assert "away_toggle" not in home.source()


@on_sqlite
def test_a_long_list_says_how_much_is_left(house: Office) -> None:
    """Ten rows stand on one answer, and the rest is counted."""
    for number in range(14):
        house.agent.ask("tidy", {"thing": f"room {number}"})
    reply = listed(house, "U0ALICE", "queue")
    assert len(buttons(reply)) == 10
    assert "and 4 more" in reply.text()
    assert "14 open" in reply.text()


@on_sqlite
def test_lists_mention_nobody_on_what_was_decided_or_waits(house: Office) -> None:
    """In the home tab, `/sayso show` and `/sayso queue` people stand by name: a mention is for whoever is asked, on the card."""
    found = shares(house)
    house.person("U0BOB").click(house.card(found["U0BOB"]), "approve")
    shown = listed(house, "U0BOB", f"show {found['U0BOB']['id']}")
    assert "@bob" in shown.text()
    assert shown.mentions() == []
    assert listed(house, "U0BOB", "queue").mentions() == []
    home = house.person("U0BOB").open_home()
    decided = next(block for block in home.blocks if "Approved by" in str(block))
    assert "<@" not in str(decided)
