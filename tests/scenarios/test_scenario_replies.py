"""A text that no form holds is written in the card's thread: shown by line to its writer, and counted once they confirm it (docs/rules.md: C1)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.files import ACTIONS, PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office

from playground.kit import Card

Json = dict[str, Any]
LINES = [
    f"{number}. Clause {number} of the contract, which says what it says at some length." for number in range(3000)
]
CONTRACT = "\n".join(LINES)
ITEMS = [{"sku": f"A-{number}", "count": number, "note": "handle with care"} for number in range(120)]
SCHEMA = {
    "type": "object",
    "required": ["thing", "body"],
    "properties": {
        "thing": {"type": "string"},
        "body": {"type": "string", "title": "Body"},
        "items": {"type": "array", "items": {"type": "object", "required": ["sku", "count"]}},
    },
}
SEND = PLAIN | {"describe": "Send {{ params.thing }}", "params_schema": SCHEMA, "channel": "#finance"}


@pytest.fixture
def house(closed_office: Office) -> Office:
    """An office that sends contracts."""
    write_manifest(closed_office.folder, ACTIONS | {"send": SEND})
    closed_office.open()
    return closed_office


def asked(office: Office, **params: Any) -> tuple[Json, Card]:
    """A request with a long list of things, and its card."""
    made = office.agent.ask("send", {"thing": "the offer", "body": "short", "items": ITEMS} | params)
    return made, office.card(made, timeout=8)


def replied(office: Office, user: str, card: Card, text: str) -> Card:
    """What a reviewer sees alone of the reply that they wrote in the card's thread."""
    person = office.person(user)
    person.post("#finance", text, thread_ts=card.ts)
    return office.until(lambda: next(iter(shown(office, user)), None), "the change is shown", 8)


def shown(office: Office, user: str) -> list[Card]:
    """Every change that somebody was shown, the newest first."""
    kept = office.slack.workspace.messages.values()
    found = [
        one for entries in kept for one in entries if one.ephemeral_to == user and "Your change to" in str(one.blocks)
    ]
    return [Card(office.slack, one) for one in sorted(found, key=lambda one: one.ts, reverse=True)]


def told(office: Office, user: str, words: str) -> None:
    """That the person alone hears these words."""
    kept = office.slack.workspace.messages

    def found() -> bool:
        return any(words in one.text for entries in list(kept.values()) for one in entries if one.ephemeral_to == user)

    office.until(found, words, 8)


def confirm(office: Office, user: str, change: Card) -> Any:
    """The form that Confirm opens, at its last page."""
    person = office.person(user)
    form = person.click(change, name_of(change, "edit:")).modal
    while form.has("details_page") and "Next page" in form.text():
        person.click(form, "details_page", next_page(form))
        form = person.expect_modal(timeout=8)
    return form


def name_of(change: Card, begins: str) -> str:
    """The action id of Confirm or Discard, which carries what it is about."""
    found = [item["action_id"] for block in change.blocks for item in block.get("elements", []) if "action_id" in item]
    return next(name for name in found if name.startswith(begins))


def next_page(form: Any) -> str:
    items = [
        item for block in form.blocks for item in block.get("elements", []) if item.get("action_id") == "details_page"
    ]
    return str(items[-1]["value"])


def test_a_list_that_no_form_holds_is_changed_by_a_reply(house: Office) -> None:
    """Edit says how; the reply is shown by line; Confirm opens the form with all of it, and the agent gets the new list."""
    made, card = asked(house)
    user = made["assignee"]
    form = house.form(user, card, "edit")
    assert "edit items on the first line" in last_page(house, user, form).text()
    house.person(user).close(everything=True)
    new = [{**ITEMS[0], "count": 7}, *ITEMS[1:]]
    change = replied(house, user, card, f"edit items\n{as_typed(new)}")
    assert "-│" in change.text()
    assert '"count": 7' in change.text()
    assert "as before" in change.text()
    assert house.agent.see(made)["state"] == "pending", "nothing counts before it is confirmed"
    done = confirm(house, user, change)
    assert "Your reply changes items" in done.text().replace("*", "")
    assert "Unchanged" not in done.text(), "what the reply changes is not called unchanged"
    assert house.person(user).submit(done).ok
    assert house.agent.see(made)["state"] == "edited"
    assert house.agent.claim(made)["params"]["items"] == new
    house.intact()


def last_page(office: Office, user: str, form: Any) -> Any:
    person = office.person(user)
    while form.has("details_page") and "Next page" in form.text():
        person.click(form, "details_page", next_page(form))
        form = person.expect_modal(timeout=8)
    return form


def as_typed(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


@on_sqlite
def test_discard_ends_it(house: Office) -> None:
    """What was discarded cannot be confirmed any more, and nothing was changed."""
    made, card = asked(house)
    user = made["assignee"]
    change = replied(house, user, card, f"edit items\n{as_typed(ITEMS[:1])}")
    house.person(user).click(change, name_of(change, "discard_reply:"))
    told(house, user, "Discarded")
    house.person(user).click(change, name_of(change, "edit:"))
    told(house, user, "That reply no longer counts")
    assert house.agent.see(made)["state"] == "pending"


@on_sqlite
def test_what_cannot_be_the_value_is_said_and_not_kept(house: Office) -> None:
    """Broken JSON and what the schema refuses are told in words, and there is nothing to confirm."""
    made, card = asked(house)
    user = made["assignee"]
    for text, words in (
        ("[1,", "not valid JSON"),
        ('[{"sku": "A"}]', "count"),
        (as_typed(ITEMS), "nothing was changed"),
    ):
        house.person(user).post("#finance", f"edit items\n{text}", thread_ts=card.ts)
        told(house, user, words)
    assert shown(house, user) == []


@on_sqlite
def test_people_talk_in_threads(house: Office) -> None:
    """Words that name no such parameter are no order: nobody is answered."""
    made, card = asked(house)
    for text in ("edit: I would lower it", "please edit items", "edit thing\nanother", "edit nothing\nx"):
        house.person(made["assignee"]).post("#finance", text, thread_ts=card.ts)
    house.person(made["assignee"]).post("#finance", f"edit items\n{as_typed(ITEMS[:1])}")
    replied(house, made["assignee"], card, f"edit items\n{as_typed(ITEMS[:2])}")
    assert len(shown(house, made["assignee"])) == 1
