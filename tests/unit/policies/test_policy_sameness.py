"""When two requests are the same, however they are spelled, and when they are only nearly so."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_builders import policy

from policies.files.policy import Policy
from policies.request import Request, read_request
from policies.sameness import another_step, differences, differences_of, exactly, identity

Json = dict[str, Any]
LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    LEAVES | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
PARAMS = st.dictionaries(st.sampled_from(["to", "note", "amount_usd", "tags", "deep"]), VALUES, max_size=4)


def ask(params: Json, action: str = "pay", **more: Any) -> Request:
    return read_request({"action": action, "params": params, **more})


def respelled(value: Any, draw: Any) -> Any:
    """The same value as a shopper would write it: other order, case, width, blanks, hidden characters, other numbers."""
    match value:
        case bool() | None:
            return value
        case int() if abs(value) < 2**53:
            return draw(st.sampled_from([value, float(value), str(value)]))
        case float():
            plain = f"{Decimal(repr(value)):f}"
            return draw(st.sampled_from([value, f"{plain}000" if "." in plain else f"{plain}.00"]))
        case str() if value.strip():
            hidden = draw(st.sampled_from(["", "\u200b", "\u2060", "\ufeff", "\u00ad"]))
            cased = draw(st.sampled_from([value, value.upper() if value.isascii() else value]))
            return f"{draw(st.sampled_from(['', ' ', '  ']))}{cased[:1]}{hidden}{cased[1:]}{hidden} "
        case dict():
            pairs = [(key, respelled(child, draw)) for key, child in value.items()]
            return dict(draw(st.permutations(pairs)))
        case list():
            return [respelled(child, draw) for child in value]
        case _:
            return value


@given(PARAMS, st.data())
def test_no_spelling_makes_another_request(params: Json, data: st.DataObject) -> None:
    """Order of keys, case, width, blanks, hidden characters and the way to write a number never make it another one."""
    other = respelled(params, data.draw)
    assert identity(ask(params)) == identity(ask(other)), json.dumps([params, other])


@given(PARAMS, st.sampled_from(["extra", "more"]), st.sampled_from([None, "", " ", [], {}, "\u200b"]))
def test_what_is_empty_adds_nothing(params: Json, name: str, empty: Any) -> None:
    """A member that says nothing does not make another request."""
    assert identity(ask(params)) == identity(ask({**params, name: empty}))


@given(PARAMS, PARAMS)
def test_whatever_is_exactly_the_same_is_the_same(one: Json, other: Json) -> None:
    """The narrow sameness, by which an open approval is given, never holds where the wide one does not."""
    if exactly(ask(one)) == exactly(ask(other)):
        assert identity(ask(one)) == identity(ask(other))
    assert exactly(ask(one)) == exactly(ask(copy.deepcopy(dict(reversed(one.items())))))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"to": "ann", "usd": 480}, {"to": "bob", "usd": 480}),
        ({"usd": 480}, {"usd": 480.01}),
        ({"usd": 480}, {"usd": -480}),
        ({"n": 1}, {"n": True}),
        ({"n": "yes"}, {"n": True}),
        ({"to": ["ann", "bob"]}, {"to": ["bob", "ann"]}),
        ({"to": ["ann", "bob"]}, {"to": "ann bob"}),
        ({"command": "rm -rf /data"}, {"command": "rm -rf / data"}),
        ({"id": "1" * 60}, {"id": "1" * 59 + "2"}),
        ({"a": {"b": 1}}, {"a": 1, "b": 1}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}, "c": 2}),
        ({"x": "#1"}, {"x": 1}),
    ],
)
def test_other_values_are_other_requests(one: Json, other: Json) -> None:
    """What asks for something else is not taken for the same."""
    assert identity(ask(one)) != identity(ask(other))


def test_the_action_the_question_and_the_candidates_belong_to_it() -> None:
    """Another action, another question or other candidates are another request; the question of a plain yes or no is not."""
    offers = [{"id": "a", "label": "Berlin"}, {"id": "b", "label": "Rome"}]
    assert identity(ask({})) != identity(ask({}, "refund"))
    assert identity(ask({}, question="Now?")) == identity(ask({}))
    asked = ask({}, kind="input", question="Which cost centre?")
    assert identity(asked) == identity(ask({}, kind="input", question=" which  COST centre?"))
    assert identity(asked) != identity(ask({}, kind="input", question="Which plan?"))
    chosen = ask({}, kind="choose", choices=offers)
    assert identity(chosen) == identity(ask({}, kind="choose", choices=offers[::-1]))
    assert identity(chosen) != identity(ask({}, kind="choose", choices=[offers[0], {"id": "b", "label": "Oslo"}]))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1.0}, True),
        ({"a": " x\u200b "}, {"a": "x"}, True),
        ({"path": "/tmp/A"}, {"path": "/tmp/a"}, False),
        ({"code": "if a:\n  b"}, {"code": "if a: b"}, False),
        ({"tags": []}, {}, False),
        ({"n": "1"}, {"n": 1}, False),
    ],
)
def test_an_open_request_is_meant_only_by_what_its_grant_would_do(one: Json, other: Json, same: bool) -> None:
    """Where case, inner blanks or empty values could matter to whoever runs it, it is not the same approval."""
    assert (exactly(ask(one)) == exactly(ask(other))) is same


def test_a_step_is_another_where_session_and_step_differ() -> None:
    """Another session alone, or another step alone, is the same thing; both together are two."""
    first = ask({}, session_id="s1", completed_steps=["read"])
    assert not another_step(first, ask({}, session_id="s2", completed_steps=["read"]))
    assert not another_step(first, ask({}, session_id="s1", completed_steps=["read", "wrote"]))
    assert not another_step(first, ask({}, completed_steps=["wrote"]))
    assert another_step(first, ask({}, session_id="s2", completed_steps=["wrote"]))
    saved = ask({}, session_id="s2", completed_steps=["read"], checkpoint={"step_index": 4})
    assert another_step(first, saved)


PAY = {"to": "ann@example.com", "amount_usd": 480, "note": "late parcel", "currency": "USD"}


@pytest.fixture
def paying() -> Policy:
    return policy(amount="params.amount_usd")


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({"amount_usd": 479.99}, ("params.amount_usd",)),
        ({"amount_usd": 1}, ("params.amount_usd",)),
        ({"note": "the parcel was late, and the customer is very angry"}, ("params.note",)),
        ({"amount_usd": 470, "note": "please"}, ("params.amount_usd", "params.note")),
        ({"nonce": "a81f"}, ("params.nonce",)),
        ({"note": None}, ("params.note",)),
        ({"to": "ann@example.c\u043em"}, ("params.to",)),
        ({"TO": "ANN@example.com", "to": None}, ()),
        ({"to": None, "recipient": "ann@example.com"}, ("params.to", "params.recipient")),
        ({"to": "USD", "currency": "ann@example.com"}, ("params.to", "params.currency")),
    ],
)
def test_what_shoppers_change_is_nearly_the_same(paying: Policy, changed: Json, differs: tuple[str, ...]) -> None:
    """A cent, a word, a letter that looks alike or one more parameter: it differs in that, and is told so."""
    assert differences(paying, PAY, PAY | changed) == differs


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (PAY, PAY | {"to": "bob@example.com"}),
        ({"customer": "cus_000123", "amount_usd": 20}, {"customer": "cus_000124", "amount_usd": 20}),
        ({"command": "rm -rf /srv/data"}, {"command": "ls -la /srv"}),
        ({"cwd": "/work", "command": "npm test"}, {"cwd": "/work", "command": "git push origin main"}),
        ({"issue": 1200, "repo": "a/b"}, {"issue": 1201, "repo": "a/b"}),
        ({}, {"to": "ann"}),
    ],
)
def test_what_is_about_something_else_is_not(paying: Policy, before: Json, now: Json) -> None:
    """Another recipient, another number or another command is no variant of the one before."""
    assert differences(paying, before, now) is None


def test_a_fifth_of_many_values_may_differ(paying: Policy) -> None:
    """Of a long form a single field more or less does not make it another; half of it does."""
    form = {f"field{n}": f"value-{n}" for n in range(10)}
    assert differences(paying, form, form | {"field3": "other", "field4": "another"}) is not None
    assert differences(paying, form, form | {f"field{n}": f"other-{n}{n}" for n in range(3)}) is None
    assert differences(paying, form, {f"f{n}": "x" for n in range(600)}) is None


def test_the_target_decides_where_the_manifest_names_one() -> None:
    """With `aggregate.per` everything for the same target is alike, and nothing for another."""
    per = policy(amount="params.amount_usd", aggregate={"window_seconds": 60, "per": "params.to", "ask_above_usd": 1})
    assert differences(per, PAY, {"to": "ann@example.com", "amount_usd": 9, "order": "7"}) is not None
    assert differences(per, PAY, PAY | {"to": "bob@example.com"}) is None


def test_another_question_is_another_thing_unless_it_is_about_the_same(paying: Policy) -> None:
    """Of an action without parameters the question is what is asked; asked of the same values it is the same matter."""
    asked = ask({}, kind="input", question="Which cost centre is it for?")
    assert differences_of(paying, asked, ask({}, kind="input", question="Which plan do they want?")) is None
    assert differences_of(paying, asked, ask({}, kind="input", question="Which cost-centre is it for")) == ("question",)
    assert differences_of(paying, asked, ask({}, kind="input", question="which COST centre is it for?")) == ()
    assert differences_of(paying, asked, ask({})) is None
    about = ask(PAY, kind="input", question="Which cost centre?")
    assert differences_of(paying, about, ask(PAY, kind="input", question="May I?")) == ("question",)
    assert differences_of(paying, ask(PAY), about) == ("question",)


@given(PARAMS, PARAMS)
def test_likeness_is_mutual_and_quick(one: Json, other: Json) -> None:
    """Whether two are alike does not depend on which came first."""
    paying = policy(amount="params.amount_usd")
    there, back = differences(paying, one, other), differences(paying, other, one)
    assert (there is None) == (back is None)
    assert differences(paying, one, one) == ()
