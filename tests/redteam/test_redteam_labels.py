"""An agent labels its own work, and what never ran: none of it counts, and what cannot be true is not even stored."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from support.agent import Json
from support.marks import on_sqlite
from support.office import Office

from store import learning
from store.tables import labels

pytestmark = on_sqlite


def stored(office: Office) -> int:
    """How many labels there are."""
    return int(office.database.read(lambda unit: unit.execute(select(func.count()).select_from(labels))).scalar_one())


def test_it_labels_520_of_its_own_that_never_ran(office: Office) -> None:
    """Each is refused in words, and nothing is stored of it."""
    made = [office.agent.ask("undoable", {"thing": f"door {number}"}) for number in range(3)]
    refused: list[Json] = []
    for number in range(520):
        path = f"/approvals/{made[number % 3]['id']}/label"
        answer = office.agent.raw("POST", path, json={"label": "correct", "detail": f"fine {number}"})
        assert answer.status_code == 409
        refused.append(answer.json())
    assert all("cannot be called correct" in str(one) for one in refused)
    assert stored(office) == 0
    assert not any("labelled" in office.events(one) for one in made)
    record = office.database.read(learning.records)["undoable"]
    assert (record.labelled, record.correct) == (0, 0)
    office.intact()


def asked(office: Office, state: str) -> Json:
    """A request in that state."""
    thing = office.agent.ask("change_thing", {"thing": state})
    card = office.card(thing, timeout=20)
    bob = office.person("U0BOB")
    if state in ("approved", "claimed"):
        bob.click(card, "approve")
    if state == "claimed":
        office.agent.claim(thing)
    if state == "rejected":
        bob.submit(office.form("U0BOB", card, "reject").fill("reason", "No"))
    if state == "taken_over":
        bob.submit(office.form("U0BOB", card, "take_over").fill("note", "Mine"))
    if state == "cancelled":
        office.agent.cancel(thing)
    return thing


@pytest.mark.parametrize("state", ["pending", "approved", "claimed", "rejected", "taken_over", "cancelled"])
def test_whatever_did_not_come_to_its_end_is_not_correct(office: Office, state: str) -> None:
    """Whoever says so, in whatever state: the agent, a token that labels, a reviewer. An incident can be said all the same."""
    thing = asked(office, state)
    assert office.agent.see(thing)["state"] == state
    office.agent.label(thing, "correct", status=409)
    office.critic.label(thing, "correct", status=409)
    reply = office.person("U0BOB").command("/sayso", f"label {thing['id']} correct").reply
    assert reply is not None
    assert f"it is {state}" in reply.text()
    assert stored(office) == 0
    office.critic.label(thing, "incident")
    assert stored(office) == 1


def test_its_own_words_are_shown_apart_and_count_nowhere(office: Office) -> None:
    """What ran and only the agent calls correct is no label of the checklist; its name is no person's."""
    thing = office.agent.ask("change_thing", {"thing": "door"})
    office.person("U0BOB").click(office.card(thing, timeout=20), "approve")
    office.agent.claim(thing)
    office.agent.result(thing)
    office.agent.label(thing, "correct")
    record = office.database.read(learning.records)["change_thing"]
    assert (record.labelled, record.correct) == (0, 0)
    (row,) = [line for line in office.trail(thing) if line["event"] == "labelled"]
    assert row["actor"] == "agent:demo"
