"""What a person types is never read as more than they meant: amounts in another country's spelling, several numbers, nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from support.files import REFUND, write_manifest
from support.marks import on_sqlite
from support.office import Office
from support.standing import form, opened, shipping

from bot.render import forms
from bot.render.typed_text import dollars
from tests.unit.cards.test_edit_form import edited, one, refused


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1500", "1500"),
        ("$1,500", "1500"),
        ("1,500.00", "1500"),
        (" $ 1 500.50 ", "1500.50"),
        ("1\u202f500", "1500"),
        ("“1500”", "1500"),
        ("１５００", "1500"),
        ("-5", "-5"),
        ("1,234,567.5", "1234567.5"),
    ],
)
def test_an_amount_reads_as_everybody_reads_it(typed: str, meant: str) -> None:
    """Thousands may be set apart by commas or blanks, and a phone's quotes and blanks do no harm."""
    assert dollars(typed) == Decimal(meant)


@pytest.mark.parametrize(
    "typed",
    ["15,00", "1,50", "1,5,0,0", "1500,00", "1.500,00", "15 00", "1 50", "1,500 000", "1e3", "1_500", "NaN", "Infinity",
     "0x5dc", "", "$", ",", "1500 or so", "1,,500", ",500", "٣٠"],
)  # fmt: skip
def test_an_amount_that_could_be_another_is_none(typed: str) -> None:
    """A comma before two digits is cents to many people: it is never taken for a hundred times as much."""
    assert dollars(typed) is None


@on_sqlite
def test_an_amount_in_another_spelling_approves_nothing(closed_office: Office) -> None:
    """Whoever types 15,00 has not agreed to $1,500."""
    office = closed_office
    write_manifest(office.folder, {"process_refund": REFUND | {"confirm_amount_above_usd": 400}})
    office.open()
    made = office.agent.refund(1500)
    sheet = office.form("U0ALICE", office.card(made), "approve")
    for typed in ("15,00", "1,5,0,0", "1.5e3"):
        done = office.person("U0ALICE").submit(sheet.fill("amount", typed))
        assert "Type $1,500" in str(done.errors), typed
        assert office.agent.see(made)["state"] == "pending"
    assert office.person("U0ALICE").submit(sheet.fill("amount", "1,500")).ok
    assert office.agent.see(made)["state"] == "approved"


@on_sqlite
def test_a_standing_approval_gives_no_more_than_was_typed(closed_office: Office) -> None:
    """1,50 in all is no $150 in all."""
    shop = opened(closed_office)
    first = shipping(shop.agent)
    for typed in ("1,50", "15,0", "1e2", "1_0"):
        done = shop.person("U0ALICE").submit(form(shop, first).fill("standing_total", typed), force=True)
        assert "write it like" in str(done.errors.get("standing_total")), typed
    assert shop.agent.see(first)["state"] == "pending"
    assert "standing_given" not in shop.events()


@pytest.mark.parametrize("typed", ["12 50", "1 2 3", "1 25 000", "1 2500"])
def test_several_numbers_are_not_one(typed: str) -> None:
    """Blanks set thousands apart and nothing else: what could be two numbers is refused."""
    assert "not a number" in refused(one({"type": "number"}, 5), typed)


def test_thousands_may_be_set_apart_by_blanks() -> None:
    """As many countries write them."""
    assert edited(one({"type": "number"}, 5), x="1 250.5") == {"x": 1250.5}


def test_a_line_of_several_numbers_is_refused() -> None:
    """A list has one number on each line; three on one line never become one."""
    numbers = one({"type": "array", "items": {"type": "number"}}, [1, 2])
    assert refused(numbers, "1 2 3") == "Line 1: Write one number on each line."
    assert refused(numbers, "5\n1 250") == "Line 2: Write one number on each line."


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"type": "string"}, "as it was"),
        ({"type": "array", "items": {"type": "string"}}, ["a", "b"]),
        ({"type": ["string", "null"]}, "as it was"),
        ({"type": "string"}, "long " * 1500),
    ],
)
def test_an_input_that_was_not_sent_was_not_emptied(rule: dict[str, Any], value: Any) -> None:
    """A form whose state lacks an input, or brings its block with nothing in it, leaves the parameter alone."""
    found = one(rule, value)
    blocks = {field.first_block: {} for field in forms.editable(found)}
    assert forms.read_edit(found, {"values": blocks}) == {"x": value}
    assert forms.read_edit(found, {"values": {}}) == {"x": value}
