"""Bodies with something hidden in them are refused, and the field is named."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pace import in_time

from policies.errors import InvalidInput, MalformedJson, TooLarge
from policies.strict_json import MAX_BODY, MAX_DEPTH, MAX_INTEGER, MAX_LEAVES, MAX_STRING, check_value, parse_object


def refusal(body: bytes) -> InvalidInput:
    """The error for `body`."""
    with pytest.raises(InvalidInput) as caught:
        parse_object(body)
    return caught.value


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        (b'{"a":1,"a":1}', MalformedJson, "a"),
        (b'{"p":{"x":{"a":1,"a":2}}}', MalformedJson, "p.x.a"),
        (b'{"p":[{"a":1,"a":2}]}', MalformedJson, "p[0].a"),
        (b'{"p":1,"\\u0070":2}', MalformedJson, "p"),
        (b'{"p":{"x":NaN}}', MalformedJson, "p.x"),
        (b'{"p":{"x":[1,Infinity]}}', MalformedJson, "p.x[1]"),
        (b'{"x":-Infinity}', MalformedJson, "x"),
        (b'{"p":{"x":1e999}}', InvalidInput, "p.x"),
        (b'{"p":{"x":-1e999}}', InvalidInput, "p.x"),
        (b'{"p":{"x":9007199254740992}}', InvalidInput, "p.x"),
        (b'{"p":{"x":-9007199254740992}}', InvalidInput, "p.x"),
        (b'{"p":{"x":' + b"9" * 5000 + b"}}", InvalidInput, "p.x"),
        (b'{"p":{"x":9007199254740993.0}}', InvalidInput, "p.x"),
        (b'{"p":{"x":[0.12345678901234567890]}}', InvalidInput, "p.x[0]"),
        (b'{"p":{"x":49.999999999999999999}}', InvalidInput, "p.x"),
        (b'{"p":{"x":1e-400}}', InvalidInput, "p.x"),
        (b'{"p":{"x":0.' + b"3" * 5000 + b"}}", InvalidInput, "p.x"),
        (b'{"p":{"x":"a\\u0000b"}}', InvalidInput, "p.x"),
        (b'{"p":{"a\\u0000b":1}}', InvalidInput, "p.a\\x00b"),
        (b'{"p":{"x":"\\ud800"}}', InvalidInput, "p.x"),
        (b'{"p":{"x":"\\udc00\\ud800"}}', InvalidInput, "p.x"),
        (b'{"p":{"\\udfff":1}}', InvalidInput, "p.\\udfff"),
        (b'{"a":"\xff"}', MalformedJson, "body"),
        (b'{"a":"\xed\xa0\x80"}', MalformedJson, "body"),
        (b"\xef\xbb\xbf{}", MalformedJson, "body"),
        (b"", MalformedJson, "body"),
        (b"[]", MalformedJson, "body"),
        (b"null", MalformedJson, "body"),
        (b'"a"', MalformedJson, "body"),
        (b"{} {}", MalformedJson, "body"),
        (b"{'a':1}", MalformedJson, "body"),
        (b'{"a":1,}', MalformedJson, "body"),
        (b'{"a":01}', MalformedJson, "body"),
        (b'{"a":+1}', MalformedJson, "body"),
        (b'{"a":.5}', MalformedJson, "body"),
        (b'{"a":"\x01"}', MalformedJson, "body"),
        (b'{"a":"\n"}', MalformedJson, "body"),
        (b'{"a":tru}', MalformedJson, "body"),
        (b"NaN", MalformedJson, "body"),
    ],
)
def test_each_hidden_thing_is_refused_with_its_field(body: bytes, kind: type[InvalidInput], field: str) -> None:
    """Doubled keys, numbers that are none, NULs, half surrogates and broken JSON are refused naming the field."""
    error = refusal(body)
    assert type(error) is kind
    assert error.field == field


@pytest.mark.parametrize("number", [MAX_INTEGER, -MAX_INTEGER, 0, 1.5, 1e300, -1e-300])
def test_ordinary_numbers_pass(number: float) -> None:
    """Every integer that a double holds exactly, and every finite number, passes."""
    assert parse_object(json.dumps({"x": number}).encode()) == {"x": number}


def test_a_whole_surrogate_pair_passes() -> None:
    """A character beyond the basic plane is text like any other."""
    assert parse_object(b'{"x":"\\ud83d\\ude00"}') == {"x": "\U0001f600"}


@pytest.mark.parametrize(("extra", "fits"), [(0, True), (1, False)])
def test_the_limit_of_the_body(extra: int, fits: bool) -> None:
    """A body of 256 KB passes and one byte more does not."""
    body = b'{"a":"b"}' + b" " * (MAX_BODY - 9 + extra)
    if fits:
        assert parse_object(body) == {"a": "b"}
    else:
        assert isinstance(refusal(body), TooLarge)


@pytest.mark.parametrize(("extra", "fits"), [(0, True), (1, False)])
def test_the_limit_of_a_string(extra: int, fits: bool) -> None:
    """A text of 64 K characters passes and one more does not, as a value or as a key."""
    text = "x" * (MAX_STRING + extra)
    for value in ({"k": text}, {text: 1}):
        if fits:
            assert parse_object(json.dumps(value).encode()) == value
        else:
            assert isinstance(refusal(json.dumps(value).encode()), TooLarge)


@pytest.mark.parametrize(("extra", "fits"), [(0, True), (1, False)])
def test_the_limit_of_values(extra: int, fits: bool) -> None:
    """1,000 values pass and one more does not, empty containers included."""
    body = json.dumps({"x": [[]] * (MAX_LEAVES + extra)}).encode()
    if fits:
        assert len(parse_object(body)["x"]) == MAX_LEAVES
    else:
        assert isinstance(refusal(body), TooLarge)


@pytest.mark.parametrize(("depth", "fits"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False), (100_000, False)])
def test_the_limit_of_depth(depth: int, fits: bool) -> None:
    """32 containers within each other pass, one more does not, and 100,000 do not harm either."""
    body = b'{"x":' + b"[" * (depth - 1) + b"1" + b"]" * (depth - 1) + b"}"
    if fits:
        assert parse_object(body)["x"]
    else:
        assert "nested deeper" in str(refusal(body))


def test_the_worst_bodies_cost_little() -> None:
    """Long keys above many values, and thousands of digits, are refused in well under a second."""
    key = "k" * 60_000
    bodies = [
        json.dumps({key: [1] * 90_000}).encode(),
        b'{"x":[' + b",".join([b"9" * 4000] * 60) + b"]}",
        b'{"x":"' + b"\\u00e9" * 40_000 + b'","y":"\\ud800"}',
    ]
    assert in_time(lambda: [refusal(body) for body in bodies], 1)


@pytest.mark.parametrize("value", [{"x": 2**60}, {"x": float("nan")}, {"x": [float("inf")]}, {"x": "\x00"}])
def test_a_value_that_was_never_json_is_checked_too(value: object) -> None:
    """What a form sends is held to the same limits as a body."""
    with pytest.raises(InvalidInput):
        check_value(value)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,0123456789.eE+-truefalsn\\ud8', max_size=60).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    """Whatever bytes come, they are an object or a refusal with a short printable field."""
    field: str | None = "body"
    try:
        assert isinstance(parse_object(body), dict)
    except InvalidInput as error:
        field = error.field
    assert field
    assert len(field) <= 200
    assert field.isprintable()


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\x00")), st.integers(-9, 9) | st.booleans(), max_size=5
    )
)
@settings(max_examples=100, deadline=None)
def test_what_is_fine_comes_through_unchanged(value: dict[str, object]) -> None:
    """An ordinary object is read as it was written."""
    assert parse_object(json.dumps(value).encode()) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_taken_however_programs_write_it(value: float) -> None:
    """The shortest form, seventeen digits as C prints them, and every digit of it are the same number, and none is refused."""
    for text in (repr(value), f"{value:.17g}", f"{value:.16e}", str(Decimal(value))):
        body = f'{{"x":{text}}}'.encode()
        if "." in text or "e" in text.lower():
            assert parse_object(body) == {"x": value}
