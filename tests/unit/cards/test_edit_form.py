"""The edit form: each parameter as what its schema says it is, and every value back exactly, or refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.acts.registry import form
from bot.render import forms
from bot.render.editing import editable
from bot.render.typed_text import as_json, chunks
from playground.blockkit import check_view
from playground.state_values import hold, initial_state
from policies.approval import Approval
from policies.files.params_schema import fault
from policies.form_fields import FieldKind, shape_of
from tests.unit.cards.looking import everything
from tests.unit.cards.samples import approval

Json = dict[str, Any]


def asked(schema: Json, params: Json) -> Approval:
    """An approval of an action with this schema."""
    found = approval(params, action="delete_branch")
    assert found.policy is not None
    return replace(found, policy=found.policy.model_copy(update={"params_schema": schema}))


def one(rule: Json, value: Any, **around: Any) -> Approval:
    """An approval whose only parameter is `x`, which is required."""
    return asked({"type": "object", "properties": {"x": rule}, "required": ["x"], **around}, {"x": value})


def block(found: Approval, name: str = "param:x") -> Json:
    """The input block of a parameter."""
    view = form("edit", found)
    assert check_view(view) == []
    return next(item for item in view["blocks"] if item["block_id"] == name)


def edited(found: Approval, **held: Any) -> Json:
    """The parameters after somebody put `held` into the inputs of those blocks (`x` is short for `param:x`)."""
    view = form("edit", found, page=99)
    state = initial_state(view["blocks"])
    elements = {item["block_id"]: item["element"] for item in view["blocks"] if item["type"] == "input"}
    for name, value in held.items():
        block_id = name if name in elements else f"param:{name}"
        state[block_id]["edit_value"] = hold(elements[block_id], value)
    return forms.read_edit(found, {"values": state})


def refused(found: Approval, held: Any) -> str:
    """What is said at the input of `x`."""
    with pytest.raises(forms.FormErrors) as raised:
        edited(found, x=held)
    return raised.value.errors["param:x"]


# --- words ------------------------------------------------------------------------------------------------------------


def test_an_input_has_the_schemas_words() -> None:
    """The title is the label, and description and every bound are the hint."""
    rule = {"type": "number", "title": "Amount", "description": "What the customer gets back", "minimum": 0, "exclusiveMaximum": 500,
            "multipleOf": 0.01, "default": 5}  # fmt: skip
    found = block(one(rule, 19.99))
    assert found["label"]["text"] == "Amount"
    said = "What the customer gets back. At least 0, less than 500, a multiple of 0.01, 5 where nothing is given."
    assert found["hint"]["text"].startswith(said)


def test_the_name_stands_beside_a_title_that_two_share() -> None:
    """Two parameters with one title are told apart."""
    rule = {"type": "string", "title": "Account"}
    found = asked({"properties": {"from": rule, "to": rule}}, {"from": "a", "to": "b"})
    labels = [item["label"]["text"] for item in form("edit", found)["blocks"] if item["type"] == "input"]
    assert labels[:2] == ["Account (from)", "Account (to)"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"type": "string", "minLength": 2, "maxLength": 9}, "At least 2 characters, at most 9 characters"),
        ({"type": "string", "pattern": "^A"}, "Matching ^A"),
        ({"type": "string", "format": "email"}, "An e-mail address"),
        ({"type": "array", "items": {"type": "string", "maxLength": 3}, "minItems": 1, "maxItems": 4, "uniqueItems": True},
         "At least 1 entries, at most 4 entries, nothing twice, each at most 3 characters. One per line"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, "Each one of a, b. One per line"),
        ({"type": "object", "minProperties": 1}, "At least 1 names. As JSON"),
    ],
)  # fmt: skip
def test_every_bound_is_said(rule: Json, said: str) -> None:
    """Whatever the schema bounds stands under the input."""
    values = {"string": "AB", "array": ["a"], "object": {"a": 1}}
    assert block(one(rule, values[rule["type"]]))["hint"]["text"].startswith(said)


# --- kinds ------------------------------------------------------------------------------------------------------------

REF = {"$defs": {"money": {"type": "number", "title": "Money", "minimum": 1}}}


@pytest.mark.parametrize(
    ("rule", "kind", "nullable"),
    [
        ({"$ref": "#/$defs/money"}, FieldKind.NUMBER, False),
        ({"allOf": [{"$ref": "#/$defs/money"}]}, FieldKind.NUMBER, False),
        ({"anyOf": [{"$ref": "#/$defs/money"}, {"type": "null"}]}, FieldKind.NUMBER, True),
        ({"type": ["string", "null"]}, FieldKind.TEXT, True),
        ({"oneOf": [{"type": "null"}, {"type": "array", "items": {"type": "integer"}}]}, FieldKind.LINES, True),
        ({"enum": ["a", "b", None]}, FieldKind.PICK, True),
        ({"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}, FieldKind.PICK, True),
        ({"oneOf": [{"const": "eu", "title": "Europe"}, {"const": "us", "title": "America"}]}, FieldKind.PICK, False),
        ({"type": ["boolean", "null"]}, FieldKind.PICK, True),
        ({"type": "string", "format": "date"}, FieldKind.DATE, False),
        ({"type": "string", "format": "date-time"}, FieldKind.MOMENT, False),
        ({"type": ["string", "integer"]}, FieldKind.JSON, False),
        ({"type": "array", "items": {"type": "object"}}, FieldKind.JSON, False),
        ({"type": "array", "prefixItems": [{"type": "string"}]}, FieldKind.JSON, False),
        ({"type": "object", "properties": {}}, FieldKind.JSON, False),
    ],
)
def test_a_schema_is_drawn_as_what_it_is(rule: Json, kind: FieldKind, nullable: bool) -> None:
    """References, alternatives with null and single alternatives are seen through; only what has no input is JSON."""
    shape = shape_of(REF, rule)
    assert (shape.kind, shape.nullable) == (kind, nullable)
    assert bool(shape.undrawn) is (kind is FieldKind.JSON)


def test_an_empty_of_its_own() -> None:
    """A text or number that may be null is emptied to null, one that may be missing goes away, and a menu offers both."""
    assert edited(one({"type": ["string", "null"]}, "a"), x=None) == {"x": None}
    assert edited(one({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 4), x=None) == {"x": None}
    optional: Json = {"properties": {"x": {"type": "string"}}}
    assert edited(asked(optional, {"x": "a"}), x=None) == {}
    menu = asked({"properties": {"x": {"enum": ["a", "b", None]}}}, {"x": "a"})
    labels = [item["text"]["text"] for item in block(menu)["element"]["options"]]
    assert labels == ["a", "b", "(no value)", "(not given)"]
    assert edited(menu, x="null") == {"x": None}
    assert edited(menu, x="absent") == {}
    assert edited(menu, x="1") == {"x": "b"}


def test_null_stays_null_until_somebody_writes() -> None:
    """A null value is an empty input, and is null again when nobody touched it."""
    for rule, written, value in (
        ({"type": ["string", "null"]}, "b", "b"),
        ({"type": ["number", "null"]}, "2", 2),
        ({"type": ["boolean", "null"]}, "0", True),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, "2026-12-24", "2026-12-24"),
        ({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}, "a\nb", ["a", "b"]),
    ):
        found = one(rule, None)
        assert edited(found) == {"x": None}
        assert edited(found, x=written) == {"x": value}


# --- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["Grüße", "two\nlines", "dos\r\nline\r\nends\r\n", "ends with a line\n", "\n  indented\n", "a\tb", "日本語", "  ", "", "\n",
     "mixed\r\nline\nends", "a\u200bb", "é" * 10, "👍 fine"],
)  # fmt: skip
def test_an_untouched_text_is_the_same(text: str) -> None:
    """Whatever line ends, letters and blanks a text has, it comes back as it was."""
    for rule in ({"type": "string"}, {}, {"type": ["string", "null"]}):
        assert edited(one(rule, text)) == {"x": text}


def test_text_is_shown_as_text() -> None:
    """Line ends and letters are shown as such, never as escapes, and an edit keeps what the input does not show."""
    found = one({"type": "string"}, "Grüße,\r\nAnna\r\n")
    assert block(found)["element"]["initial_value"] == "Grüße,\nAnna"
    assert edited(found, x="Liebe Grüße,\nAnna") == {"x": "Liebe Grüße,\r\nAnna\r\n"}
    assert edited(found, x="  Grüße,\nBob \n") == {"x": "Grüße,\r\nBob\r\n"}


def test_json_has_letters_too() -> None:
    """In JSON only what cannot be seen is an escape."""
    value = {"to": "Jürgen", "note": "a\u202eb", "mood": "👍"}
    text = block(one({"type": "object"}, value))["element"]["initial_value"]
    assert "Jürgen" in text
    assert "👍" in text
    assert "\\u202e" in text
    assert json.loads(text) == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
@settings(max_examples=150, deadline=None)
def test_json_is_read_back_the_same(value: Any) -> None:
    """Letters or escapes: the JSON means the same."""
    assert json.loads(as_json(value)) == value


def test_what_a_phone_adds_does_no_harm() -> None:
    """Curly quotes, long dashes and odd blanks change neither a command, nor a number, nor JSON."""
    command = one({"type": "string"}, 'git commit -m "fix" --no-edit')
    assert edited(command, x="git commit -m “fix it” —no-edit ") == {"x": 'git commit -m "fix it" --no-edit'}
    assert edited(one({"type": "number"}, 5), x=" 1999.5\u00a0") == {"x": 1999.5}
    assert edited(one({"type": "number"}, 5), x="−3") == {"x": -3}
    assert edited(one({"type": "object"}, {"a": 1}), x="{“a”:\u00a02}") == {"x": {"a": 2}}
    lines = one({"type": "array", "items": {"type": "string"}}, ["a"])
    assert edited(lines, x=" a \n\n b\u00a0\n") == {"x": ["a", "b"]}


def test_prose_keeps_what_was_typed() -> None:
    """Where the text before had no straight quotes, curly ones are meant."""
    assert edited(one({"type": "string"}, "Hallo"), x="„Hallo“ — Anna’s") == {"x": "„Hallo“ — Anna’s"}


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [{"type": "number"}, {"type": "integer"}, {}])
def test_a_number_that_would_change_is_refused(rule: Json) -> None:
    """What a double does not hold is never rounded in silence."""
    assert "too large to be kept exactly" in refused(one(rule, 5), "9007199254740993")
    assert edited(one(rule, 5), x="9007199254740991") == {"x": 9007199254740991}
    if rule != {"type": "integer"}:
        assert "more digits than are kept exactly" in refused(one(rule, 5), "0.12345678901234567891")
        assert "more digits than are kept exactly" in refused(one(rule, 5), "9007199254740993.5")
        assert edited(one(rule, 5), x="0.1") == {"x": 0.1}


def test_numbers_in_json_are_exact_too() -> None:
    """A number within JSON is kept exactly or refused."""
    found = one({"type": "object"}, {"a": 1})
    assert "digits than are kept exactly" in refused(found, '{"a": 0.12345678901234567891}')
    assert "beyond" in refused(found, '{"a": 9007199254740993}')


@pytest.mark.parametrize("text", ["1,999", "1.999,00", "1_000", "$5", "five", "1e999", "NaN", "٣ or so", "--1", "0x10"])
def test_what_is_no_number_says_how_to_write_one(text: str) -> None:
    """Commas and signs are refused with the way to write it, because they mean two things."""
    assert refused(one({"type": "number"}, 5), text)


# --- lists, dates, long texts -----------------------------------------------------------------------------------------


def test_a_list_is_one_entry_a_line() -> None:
    """Lists of texts and numbers are lines; a wrong line is named."""
    numbers = one({"type": "array", "items": {"type": "integer"}}, [1, 2])
    assert block(numbers)["element"]["initial_value"] == "1\n2"
    assert edited(numbers, x="3\n4\n5") == {"x": [3, 4, 5]}
    assert refused(numbers, "3\nfour").startswith("Line 2:")
    assert edited(numbers, x=None) == {"x": []}
    assert refused(one({"type": "array", "items": {"type": "string"}, "minItems": 1}, ["a"]), None)


@pytest.mark.parametrize("entries", [["a\nb"], [" a"], [""], ["a", ""], ["a\u200b"], [True], [None], [["a"]], [1e300]])
def test_entries_that_are_no_lines_are_json(entries: list[Any]) -> None:
    """An entry that a line would not give back unchanged makes the list JSON, and nothing is lost."""
    found = one({"type": "array"}, entries)
    assert [field.reads for field in editable(found)] == [FieldKind.JSON]
    assert edited(found) == {"x": entries}


def test_dates_are_picked() -> None:
    """A date has a calendar, a moment of whole minutes a clock, and what neither can show is text."""
    day = one({"type": "string", "format": "date"}, "2026-12-24")
    assert block(day)["element"] == {"type": "datepicker", "action_id": "edit_value", "initial_date": "2026-12-24"}
    assert edited(day, x="2027-01-02") == {"x": "2027-01-02"}
    moment = one({"type": "string", "format": "date-time"}, "2026-12-24T09:00:00+02:00")
    assert block(moment)["element"]["initial_date_time"] == 1798095600
    assert edited(moment) == {"x": "2026-12-24T09:00:00+02:00"}
    assert edited(moment, x=1798095600 + 90 * 60) == {"x": "2026-12-24T10:30:00+02:00"}
    assert edited(one({"type": "string", "format": "date-time"}, "2026-12-24t09:00:00z"), x=1798102800) == {
        "x": "2026-12-24t09:00:00z"
    }
    seconds = one({"type": "string", "format": "date-time"}, "2026-12-24T09:00:01Z")
    assert block(seconds)["element"]["type"] == "plain_text_input"
    assert edited(seconds) == {"x": "2026-12-24T09:00:01Z"}


def test_a_long_text_comes_in_parts() -> None:
    """A text that one input cannot hold is several, cut at line ends, and is put together again exactly."""
    lines = "".join(f"Line {at} of a long report, with “quotes” and ends.\n" for at in range(400))
    found = one({"type": "string"}, lines)
    view = form("edit", found)
    assert check_view(view) == []
    parts = [item for item in view["blocks"] if item["block_id"].startswith("part")]
    assert [item["label"]["text"] for item in parts][:2] == [f"x (part {at} of {len(parts)})" for at in (1, 2)]
    assert all(item["element"]["initial_value"].endswith("ends.") for item in parts)
    assert edited(found) == {"x": lines}
    changed = parts[1]["element"]["initial_value"].replace("long", "short")
    assert edited(found, **{"part2:x": changed}) == {"x": lines.replace(parts[1]["element"]["initial_value"], changed)}
    gone = edited(found, **{"part2:x": None})["x"]
    assert gone == lines.replace(parts[1]["element"]["initial_value"] + "\n", "")


@given(st.text(st.sampled_from("ab \n.👍é\r"), max_size=400), st.integers(8, 40))
@settings(max_examples=200, deadline=None)
def test_parts_are_the_whole(text: str, most: int) -> None:
    """However a text is cut, nothing is lost, and no piece is longer than Slack counts."""
    found = chunks(text, most)
    assert "".join(found) == text
    assert all(0 < len(piece.encode("utf-16-le")) // 2 <= most for piece in found)


def test_what_no_form_holds_stays_as_it_is() -> None:
    """Texts beyond what a view holds are listed as unchanged, and an edit of another parameter leaves them alone."""
    params = {f"t{at}": f"word {at} " * 5000 for at in range(5)} | {"n": 1}
    found = asked({"type": "object"}, params)
    view = form("edit", found, page=99)
    assert check_view(view) == []
    assert len(json.dumps(view)) < 250_000
    assert "Unchanged" in everything(view)
    assert edited(found, n="2") == {**params, "n": 2}


# --- everything -------------------------------------------------------------------------------------------------------

letters = st.text(st.sampled_from("aß \n\r\t\"'“—-\u200b\u00a0.,é日👍"), max_size=60)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
dates, moments = (
    st.dates().map(str),
    st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat("T", "seconds")),
)
CASES: list[tuple[Json, st.SearchStrategy[Any]]] = [
    ({"type": "string"}, letters),
    ({}, letters | numbers | st.booleans() | st.none() | st.lists(letters) | st.dictionaries(letters, numbers)),
    ({"type": ["string", "null"], "title": "T"}, letters | st.none()),
    ({"type": "number"}, numbers),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, st.integers(-100, 100) | st.none()),
    ({"enum": ["a", "A", "а", "", 1, 1.5, True, None, ["a"]]}, st.sampled_from(["a", "A", "а", "", 1.5, None, ["a"]])),
    ({"oneOf": [{"const": 1, "title": "One"}, {"const": 2, "title": "One"}]}, st.sampled_from([1, 2])),
    ({"type": ["boolean", "null"]}, st.booleans() | st.none()),
    ({"type": "array", "items": {"type": "string"}}, st.lists(letters)),
    ({"type": "array", "items": {"type": "number"}}, st.lists(numbers)),
    ({"type": "array", "items": {"type": ["string", "null"]}}, st.lists(letters | st.none())),
    ({"type": "string", "format": "date"}, dates),
    ({"type": "string", "format": "date-time"}, moments),
    ({"type": ["string", "integer"]}, letters | st.integers(-9, 9)),
    ({"$ref": "#/$defs/tree"}, st.just({"left": {"left": None}})),
]
DEFS = {"tree": {"type": "object", "properties": {"left": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]}}}}


@st.composite
def asks(draw: st.DrawFn) -> tuple[Json, Json]:
    """A schema and parameters that fit it."""
    chosen = draw(st.lists(st.integers(0, len(CASES) - 1), max_size=8))
    properties = {f"p{at}": CASES[number][0] for at, number in enumerate(chosen)}
    required = [name for name in properties if draw(st.booleans())]
    given_ = {
        name: draw(CASES[number][1])
        for name, number in zip(properties, chosen, strict=True)
        if name in required or draw(st.booleans())
    }
    return {"type": "object", "properties": properties, "required": required, "$defs": DEFS}, given_


@given(asks())
@settings(max_examples=150, deadline=None)
def test_every_untouched_form_changes_nothing(ask: tuple[Json, Json]) -> None:
    """Whatever schema and values, a form that is sent as it was opened gives the same bytes, and Slack takes it."""
    schema, params = ask
    found = asked(schema, params)
    view = form("edit", found)
    assert check_view(view) == []
    if fault(schema, params) is None:
        same = forms.read_edit(found, {"values": initial_state(view["blocks"])})
        assert json.dumps(same) == json.dumps(params)
