"""What a params_schema may hold, and that parameters are checked as people and tools mean it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pace import in_time

from policies import formats, patterns
from policies.errors import InvalidInput
from policies.files.params_schema import check_schema
from policies.request import check_params

Json = dict[str, Any]


def about(schema: Json) -> Json:
    """A schema of one required parameter."""
    return {"type": "object", "required": ["x"], "properties": {"x": schema}, "additionalProperties": False}


def fits(schema: Json, value: Any) -> bool:
    """Whether `value` may be the parameter x of an action with this schema for it."""
    whole = about(schema)
    check_schema(whole)
    try:
        check_params(whole, {"x": value})
    except InvalidInput:
        return False
    return True


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "number", "multipleOf": 0.01}, [19.99, 1.11, 0.29, 0, -4.35, 1e15], [0.001, 19.999]),
        ({"type": "number", "multipleOf": 0.1}, [0.3, 1.1, 123456789.7], [0.25]),
        ({"type": "integer"}, [3, 3.0, -(2**70)], [3.5, "3", True, None]),
        ({"type": ["string", "null"]}, ["a", None], [1]),
        ({"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]}, ["abc", None], ["abcd", 1]),
        ({"oneOf": [{"const": "a", "title": "First"}, {"const": "b"}]}, ["a", "b"], ["c", None]),
        ({"type": "string", "pattern": "^[A-Z]{3}$"}, ["EUR"], ["eur", "EURO", "EUR\n"]),
        ({"type": "string", "pattern": r"^(?!\s*$).+"}, ["a", " a"], ["", "  "]),
        ({"type": "string", "pattern": "^(?!.*[Hh]ttps?://)(?=.*a).*$"}, ["banana"], ["see https://a", "b"]),
        ({"type": "string", "format": "date"}, ["2026-02-28"], ["2026-02-30", "28.2.2026", "2026-02-28T00:00:00Z"]),
        ({"type": "string", "format": "date-time"}, ["2026-02-28T10:00:00.123456789Z"], ["2026-02-28", "10:00"]),
        ({"type": "string", "format": "email"}, ["ann@example.com"], ["ann", "@example.com", "a b@example.com"]),
        ({"type": "string", "format": "uri"}, ["https://example.com/a?b=c", "urn:x:y"], ["example.com", "https://a b"]),
        ({"type": "string", "format": "uri-reference"}, ["../a?b=c", "#x", "https://a/b"], ["a b", "<a>"]),
        ({"type": "string", "format": "iri"}, ["https://example.com/Grüße"], ["Grüße", "https://a b"]),
        ({"type": "string", "format": "uri-template"}, ["https://a/{id}{?q,page*}"], ["https://a/{id", "{}"]),
        ({"type": "string", "format": "json-pointer"}, ["", "/a/0", "/a~1b"], ["a", "/a~2"]),
        ({"type": "string", "format": "relative-json-pointer"}, ["0", "1/a", "2#"], ["/a", "01", "-1"]),
        ({"type": "string", "format": "hostname"}, ["a.example.com"], ["-a", "a_b", "a." * 130 + "de"]),
        ({"type": "string", "format": "idn-hostname"}, ["grüße.example"], ["a b", "." * 3]),
        ({"type": "string", "format": "duration"}, ["P1D", "PT5M", "P2W"], ["P", "PT", "P1DT", "1D"]),
        ({"type": "string", "format": "uuid"}, ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567"]),
        ({"type": "string", "format": "ipv4"}, ["10.0.0.1"], ["10.0.0.256", "::1"]),
        ({"type": "integer", "format": "int32"}, [2**31 - 1, -(2**31)], [2**31]),
        ({"type": "string", "format": "of-ones-own"}, ["anything"], [1]),
        ({"type": "string", "default": None}, ["a"], [None]),
        ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "minItems": 1}, [[1, 2]], [[], [1, 1], ["1"]]),
        ({"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}}, [{"a": 1}], [{"A": 1}]),
        ({"type": "object", "patternProperties": {"^n_": {"type": "number"}}, "additionalProperties": False},
         [{"n_a": 1}], [{"n_a": "1"}, {"m": 1}]),
        ({"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "integer"}}, ["ab", 3], ["a", 3.5]),
        ({"not": {"type": "null"}}, [0, ""], [None]),
        ({"contains": {"const": 1}}, [[2, 1]], [[2]]),
        ({"allOf": [{"minimum": 1}, {"exclusiveMaximum": 3}]}, [1, 2.9], [0, 3]),
    ],
)  # fmt: skip
def test_a_keyword_means_what_it_says(schema: Json, good: list[Any], bad: list[Any]) -> None:
    """Values that fit are let through and those that do not are refused, keyword by keyword."""
    assert [value for value in good if not fits(schema, value)] == []
    assert [value for value in bad if fits(schema, value)] == []


def test_local_references_are_followed_wherever_they_point() -> None:
    """References into $defs, into another property, to an anchor, with escapes, and back to the root."""
    schema = {
        "type": "object",
        "$defs": {
            "money": {"type": "number", "minimum": 0},
            "a/b~c": {"$anchor": "odd", "type": "boolean"},
            "tree": {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}},
        },
        "properties": {
            "price": {"$ref": "#/$defs/money"},
            "tax": {"$ref": "#/properties/price"},
            "sure": {"$ref": "#odd"},
            "same": {"$ref": "#/$defs/a~1b~0c"},
            "tree": {"$ref": "#/$defs/tree"},
        },
    }
    check_schema(schema)
    check_params(schema, {"price": 1, "tax": 2, "sure": True, "same": False, "tree": {"kids": [{"kids": []}]}})
    for wrong in ({"tax": -1}, {"sure": 1}, {"same": 0}, {"tree": {"kids": [{"kids": 3}]}}):
        with pytest.raises(InvalidInput):
            check_params(schema, wrong)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "https://example.com/schema.json"}, "leads out of the file"),
        ({"$ref": "other.json#/a"}, "leads out of the file"),
        ({"$ref": "#/$defs/nobody"}, "points at nothing"),
        ({"$ref": "#nobody"}, "points at nothing"),
        ({"$defs": {"a/b": {}}, "properties": {"x": {"$ref": "#/$defs/a%2Fb"}}}, "points at nothing"),
        ({"properties": {"x": {"$ref": "#/properties/x"}}}, "without end"),
        ({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}}, "without end"),
        ({"properties": {"x": {"type": "string", "nullable": True}}}, 'write type: [string, "null"] at properties.x'),
        ({"properties": {"x": {"nullable": False}}}, "leave it out"),
        ({"properties": {"x": {"pattern": "(?<!a)b"}}}, "linear time"),
        ({"properties": {"x": {"pattern": "^.{1,4000}$"}}}, "linear time"),
        ({"properties": {"x": {"type": "text"}}}, "at properties.x.type"),
        ({"properties": {"x": {"minimum": "1"}}}, "at properties.x.minimum"),
        ({"$schema": "https://example.com/draft"}, "not a version of JSON Schema"),
    ],
)
def test_a_schema_that_cannot_be_held_says_where_and_what_to_write(schema: Json, words: str) -> None:
    """Every refusal is one line that names the place."""
    with pytest.raises(ValueError, match=r"\w") as caught:
        check_schema(schema)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_of_parameters_are_no_keywords() -> None:
    """Parameters may be called $ref, pattern or nullable."""
    schema = {"properties": {name: {"type": "string"} for name in ("$ref", "pattern", "nullable", "$id", "items")}}
    check_schema(schema)
    check_params(schema, {"$ref": "a", "pattern": "(", "nullable": "x"})


def test_a_refusal_never_repeats_the_value() -> None:
    """A secret that does not fit is not told on: the answer names the field and the rule."""
    secret = "hunter2-hunter2"
    for rule in ({"type": "integer"}, {"maxLength": 3}, {"pattern": "^a$"}, {"enum": ["a"]}, {"const": "a"},
                 {"format": "uuid"}, {"not": {}}, {"anyOf": [{"type": "null"}]}, {"type": "object", "required": ["y"]}):  # fmt: skip
        with pytest.raises(InvalidInput) as caught:
            check_params(about(rule), {"x": secret})
        assert secret not in str(caught.value)
        assert caught.value.field == "params.x"


def test_a_schema_that_branches_at_every_level_is_given_up_on() -> None:
    """Two forms at each of thirty levels would take a billion steps: refused within seconds, naming params."""
    schema = {
        "$defs": {"n": {"oneOf": [{"properties": {"c": {"$ref": "#/$defs/n"}}}, {"properties": {"c": {"$ref": "#/$defs/n"}}}]}},
        "properties": {"x": {"$ref": "#/$defs/n"}},
    }  # fmt: skip
    check_schema(schema)
    deep: Json = {}
    for _ in range(29):
        deep = {"c": deep}

    def refused() -> None:
        with pytest.raises(InvalidInput, match="branches"):
            check_params(schema, {"x": deep})

    assert in_time(refused, 10)


def test_a_pattern_takes_time_in_proportion_to_the_text() -> None:
    """A pattern that takes other engines for ever is done at once."""
    assert in_time(lambda: patterns.compiled("^(a+)+$").found_in("a" * 60_000 + "!"), 2)
    assert not patterns.compiled("^(a+)+$").found_in("a" * 60_000 + "!")


@given(st.decimals(min_value=0, max_value=10**12, places=2))
def test_every_price_in_cents_is_a_multiple_of_a_cent(price: Any) -> None:
    """Whatever amount with two decimals somebody writes, multipleOf 0.01 lets it through."""
    assert fits({"type": "number", "multipleOf": 0.01}, float(price))


@given(st.dates())
def test_every_date_is_a_date(day: Any) -> None:
    """What a calendar prints is of the form date; with a letter behind it no longer."""
    assert formats.fits("date", day.isoformat())
    assert not formats.fits("date", day.isoformat() + "x")
