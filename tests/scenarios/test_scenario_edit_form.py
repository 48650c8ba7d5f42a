"""Editing real values: what tools send goes through card, form and claim, and what people type is what the agent gets."""

from __future__ import annotations

import json
from typing import Any

from support.files import PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office

Json = dict[str, Any]
SCHEMA: Json = {
    "type": "object",
    "required": ["subject", "to"],
    "$defs": {"account": {"type": ["string", "null"], "title": "Booked to"}},
    "properties": {
        "subject": {"type": "string", "title": "Subject", "maxLength": 80},
        "body": {"type": "string", "title": "Text of the letter"},
        "to": {"type": "array", "title": "Recipients", "items": {"type": "string", "format": "email"}, "minItems": 1},
        "send_on": {"type": "string", "format": "date", "title": "Day of sending"},
        "meeting": {"type": "string", "format": "date-time", "title": "Start of the meeting"},
        "fee": {"type": "number", "title": "Fee", "minimum": 0, "multipleOf": 0.01},
        "account": {"$ref": "#/$defs/account"},
        "region": {
            "oneOf": [{"const": "eu", "title": "Europe"}, {"const": "us", "title": "America"}, {"type": "null"}]
        },
        "weights": {"type": "array", "items": {"type": "number"}},
        "extra": {"type": "object"},
    },
}
LETTER: Json = {
    "subject": "Grüße aus Köln",
    "body": "Dear Anna,\r\n\r\n" + "".join(f"{at}. A line of the letter that matters.\r\n" for at in range(120)),
    "to": ["anna@example.com", "bo@example.com"],
    "send_on": "2026-12-24",
    "meeting": "2026-12-24T09:00:00+01:00",
    "fee": 19.99,
    "account": None,
    "region": "eu",
    "weights": [0.1, 2, 3.25],
    "extra": {"note": "für Jörg", "deep": [{"a": None}]},
}


def asked(office: Office) -> Json:
    """A letter that somebody has to approve."""
    write_manifest(
        office.folder, {"write_letter": PLAIN | {"describe": "Write {{ params.subject }}", "params_schema": SCHEMA}}
    )
    office.open()
    return office.agent.ask("write_letter", LETTER)


def test_what_nobody_touched_is_the_same_to_the_byte(closed_office: Office) -> None:
    """Ask, card, edit form, submit, claim: only what was changed differs, in every kind of value."""
    office = closed_office
    letter = asked(office)
    form = office.form("U0ALICE", office.card(letter), "edit").fill("param:fee", "20.01")
    assert office.person("U0ALICE").submit(form).ok
    grant = office.agent.claim(letter)
    assert json.dumps(grant["params"], sort_keys=True) == json.dumps(LETTER | {"fee": 20.01}, sort_keys=True)
    assert grant["edited"] is True


@on_sqlite
def test_each_kind_of_value_is_edited_as_what_it_is(closed_office: Office) -> None:
    """Text, lines, day, moment, number, empty and menu: what was typed is what is claimed, and the rest is untouched."""
    office = closed_office
    letter = asked(office)
    form = office.form("U0ALICE", office.card(letter), "edit")
    form.fill("param:subject", "Grüße aus Bonn ").fill("param:to", "anna@example.com\ncarla@example.com\n")
    form.fill("param:send_on", "2027-01-02").fill("param:fee", "20\u00a0").fill("param:account", "4711").fill(
        "param:region", "null"
    )
    assert office.person("U0ALICE").submit(form).ok
    grant = office.agent.claim(letter)
    assert grant["params"] == LETTER | {
        "subject": "Grüße aus Bonn",
        "to": ["anna@example.com", "carla@example.com"],
        "send_on": "2027-01-02",
        "fee": 20,
        "account": "4711",
        "region": None,
    }


@on_sqlite
def test_what_is_wrong_is_said_at_its_input(closed_office: Office) -> None:
    """A wrong line, a number that would change and a fault of the schema stay in the form; nothing is decided."""
    office = closed_office
    letter = asked(office)
    person = office.person("U0ALICE")
    for name, value, said in (
        ("param:fee", "0.12345678901234567891", "more digits than are kept exactly"),
        ("param:fee", "19.999", "multiple of 0.01"),
        ("param:to", "not an address", "of the form email"),
        ("param:weights", "1\ntwo", "Line 2"),
    ):
        form = office.form("U0ALICE", office.card(letter), "edit").fill(name, value)
        refused = person.submit(form)
        assert said in refused.errors[name]
        person.close(everything=True)
    assert office.agent.see(letter)["state"] == "pending"
