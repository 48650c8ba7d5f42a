"""Options of a menu or radio group: two that differ never look alike, whatever their length and letters."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.acts.registry import form
from bot.render.blocks import OPTION
from bot.render.options import choice_options, distinct
from bot.render.redaction import redactor_of
from playground.blockkit import check_view
from tests.unit.cards.samples import approval


def labels(*texts: str) -> list[str]:
    return [str(label) for label, _ in distinct([(text, None) for text in texts])]


def test_short_and_different_labels_are_as_they_are() -> None:
    """Nothing is numbered or cut where nothing has to be."""
    assert labels("Cost centre 12", "Cost centre 21") == ["Cost centre 12", "Cost centre 21"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Restore from " + "x" * 80 + " of Monday", "Restore from " + "x" * 80 + " of Sunday"),
        ("a" * 200 + "1", "a" * 200 + "2"),
        ("a" * 90 + "1" + "b" * 90, "a" * 90 + "2" + "b" * 90),
        ("/backups/" + "deep/" * 30 + "prod.sql", "/backups/" + "deep/" * 30 + "test.sql"),
    ],
)
def test_the_place_where_long_labels_differ_is_shown(one: str, other: str) -> None:
    """Two long labels are cut around the place where they part, and keep their beginning and their number."""
    first, second = labels(one, other)
    assert (len(first) <= OPTION, len(second) <= OPTION) == (True, True)
    assert first.removeprefix("1. ") != second.removeprefix("2. ")
    assert first.removeprefix("1. ")[:5] == one[:5]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Alice", "Аlice"), ("alice ", "alice"), ("ALICE", "alice"), ("pay l0", "pay lO"), ("I1", "l1"), ("ａ", "a"), ("a  b", "a b")],
)  # fmt: skip
def test_labels_that_look_alike_are_numbered(one: str, other: str) -> None:
    """Letters of another alphabet, case, width and blanks make two labels that a person takes for one: numbers part them."""
    first, second = labels(one, other)
    assert first.startswith("1. ")
    assert second.startswith("2. ")


def test_letters_of_another_alphabet_are_named() -> None:
    """Beside the number stands which letter it is."""
    told = distinct([("Alice", None), ("Аlice", None)])
    assert told[1][1] == "spelled ‹U+0410›lice"


@given(st.lists(st.text(st.sampled_from("aAаlI1 \u200bé日"), max_size=120), min_size=1, max_size=12, unique=True))
@settings(max_examples=200, deadline=None)
def test_no_two_options_are_the_same(texts: list[str]) -> None:
    """Whatever the texts, every label fits into an option and is there once."""
    found = labels(*texts)
    assert max(Counter(found).values()) == 1
    assert all(0 < len(label) <= OPTION for label in found)


def test_candidates_with_the_same_words_are_told_apart() -> None:
    """Two candidates with one label show what differs: their details, or else their ids."""
    choices: list[dict[str, Any]] = [
        {"id": "eu-1", "label": "Retry", "detail": "in Frankfurt"},
        {"id": "eu-2", "label": "Retry", "detail": "in Dublin"},
        {"id": "us-1", "label": "Stop"},
        {"id": "us-2", "label": "Stop"},
    ]
    found = approval(request={"kind": "choose", "question": "Which?", "choices": choices})
    options = choice_options(found, redactor_of(found))
    assert [(option.label, option.detail) for option in options] == [
        ("1. Retry", "in Frankfurt"),
        ("2. Retry", "in Dublin"),
        ("3. Stop", "us-1"),
        ("4. Stop", "us-2"),
    ]
    view = form("choose", found)
    assert check_view(view) == []
    assert "in Dublin" in str(view)


def test_the_edit_form_tells_long_values_apart() -> None:
    """Two values of an enum that differ at their end differ in the menu, and each is read back as itself."""
    values = ["/data/" + "x" * 100 + ending for ending in ("/a", "/b")]
    found = approval({"branch": values[0]}, action="delete_branch")
    assert found.policy is not None
    schema = {"properties": {"branch": {"enum": values}}, "required": ["branch"]}
    found = replace(found, policy=found.policy.model_copy(update={"params_schema": schema}))
    view = form("edit", found)
    menu = next(item for item in view["blocks"] if item["block_id"] == "param:branch")["element"]
    shown = [(option["text"]["text"], option.get("description", {}).get("text")) for option in menu["options"]]
    assert len(set(shown)) == 2
    assert shown[0][0].endswith("/a")
    assert shown[1][0].endswith("/b")


def menu(enum: list[Any], value: Any = None) -> dict[str, Any]:
    """The input of the edit form for a parameter of which these are the values."""
    found = approval({"branch": enum[0] if value is None else value}, action="delete_branch")
    schema = {"properties": {"branch": {"enum": enum}}, "required": ["branch"]}
    view = form("edit", replace(found, policy=found.policy.model_copy(update={"params_schema": schema})))
    assert check_view(view) == []
    element: dict[str, Any] = next(item for item in view["blocks"] if item["block_id"] == "param:branch")["element"]
    return element


@pytest.mark.parametrize(
    ("enum", "shown"),
    [
        ([1, "1", 1.5, "1.5"], ["1", '"1"', "1.5", '"1.5"']),
        ([True, "true", "null", "yes"], ["true", '"true"', '"null"', "yes"]),
        (["1", "2", "true"], ["1", "2", "true"]),
        ([7, "[7]"], ["7", '"[7]"']),
    ],
)
def test_text_beside_other_types_is_quoted(enum: list[Any], shown: list[str]) -> None:
    """A number and the text of that number are not the same option: where both kinds stand together, such text is quoted."""
    assert [option["text"]["text"] for option in menu(enum)["options"]] == shown


@pytest.mark.parametrize("count", [101, 180, 249, 500])
def test_a_long_menu_comes_in_groups(count: int) -> None:
    """Every currency or country is a menu, in groups named after their ends; what it holds is still chosen."""
    values = [f"land-{at:03}" for at in range(count)]
    element = menu(values, values[100])
    groups = element["option_groups"]
    assert [option["text"]["text"] for group in groups for option in group["options"]] == values
    assert max(len(group["options"]) for group in groups) <= 100
    assert groups[0]["label"]["text"] == "land-000 – land-099"
    assert element["initial_option"]["text"]["text"] == "land-100"


def test_descriptions_show_where_they_differ() -> None:
    """Two options of one label differ in what stands under them, wherever in a long description that is."""
    for one, other in (
        ("in " + "x" * 90 + "1", "in " + "x" * 90 + "2"),
        ("x" * 90 + "1" + "y" * 90, "x" * 90 + "2" + "y" * 90),
    ):
        first, second = (detail for _, detail in distinct([("Retry", one), ("Retry", other)]))
        assert first != second
        assert first is not None
        assert len(first) <= OPTION
