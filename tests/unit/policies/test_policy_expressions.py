"""Conditions of one's own: typed, total, short to evaluate, and never more than a condition."""

from __future__ import annotations

import operator
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pace import in_time

from policies.expressions import MAX_LENGTH, NAMES, CannotTell, check_with_schema, checked, holds, named

VALUES: dict[str, Any] = {
    "params": {"amount_usd": 80, "to": "bob", "list": ["a", "b"], "deep": {"er": 1.5}, "none": None, "on": True},
    "agent": "bot",
    "action": "pay",
    "amount": 80.0,
    "confidence": None,
    "risk_score": 0.25,
    "evidence": {"tool_errored": False},
    "urgency": "high",
    "on_behalf_of": "alice@example.com",
}
ANSWERS = {
    "true": True,
    "amount > 50": True,
    "amount > 80.0": False,
    "amount == 80": True,
    "params.amount_usd > 79.5": True,
    "params.deep.er == 1.5 && params.on": True,
    "agent == 'bot' && action != 'pay'": False,
    "agent in ['bot', 'other']": True,
    "'a' in params.list && size(params.list) == 2": True,
    "params.list[1] == 'b'": True,
    "params.to.startsWith('b') || params.to.endsWith('x')": True,
    "params.to.contains('ob')": True,
    "confidence == null": True,
    "confidence != null && confidence < 0.5": False,
    "has(params.iban) && params.iban != ''": False,
    "!has(params.iban)": True,
    "has(params.none)": True,
    "risk_score <= 0.25 ? urgency == 'high' : false": True,
    "evidence.tool_errored": False,
    "on_behalf_of.endsWith('@example.com')": True,
    "amount > 50 || params.nope": True,
    "amount < 50 && params.nope": False,
    "params.amount_usd * params.deep.er == 120.0": True,
    "params.deep.er * 2 > 2 && 2 * params.deep.er == 3": True,
    "params.deep.er + 1 == 2.5 && 1 - params.deep.er == -0.5": True,
    "amount / 3 > 26 && 160 / amount == 2": True,
    "params.amount_usd / 3 == 26": True,
    "'a' + 'b' == 'ab' && [1] + [2] == [1, 2]": True,
    "1 < 2.5 && 2.5 >= 1 && 3 == 3.0 && 3.0 != 4": True,
    "size(params.list) > 1.5 && size(agent) * 0.5 > 1": True,
    "-(params.amount_usd + 0.5) < 0 && double(params.amount_usd) * params.deep.er > 10": True,
    "params.amount_usd + params.deep.er * 2 - 1 / 2.0 > 80": True,
    "(params.on ? 1 : 2.5) * params.amount_usd == 80.0": True,
    "(params.on ? params.amount_usd : 2.5) > 2": True,
    "3.0 in [1, 2, 3] && 3 in [1.0, 3.0] && 2 in [1, 2.0] && 'a' in {'a': 1}": True,
    "params.amount_usd % 7 == 3 && params.amount_usd % 7.5 == 5.0 && params.deep.er % 1 == 0.5": True,
    "-7 % 3 == -1 && -7.0 % 3 == -1.0": True,
    "params.none == null && (params.none == null || params.none > 3)": True,
    "[1, 2.5] == [1.0, 2.5] && {'a': 1} == {'a': 1.0}": True,
}
CANNOT = [
    "params.nope",
    "params.nope > 3",
    "params.to > 3",
    "params.to",
    "confidence > 0.5",
    "params.list[2] == 'c'",
    "amount / 0.0 > 1.0 && params.amount_usd / 0 == 1",
    "params.to + 1 == 2",
    "params.deep",
]
BAD = {
    "": "",
    "amount >": "Syntax error",
    "nope > 3": "undeclared reference to 'nope'",
    "amount > 3 && nope": "column 15: undeclared reference to 'nope'",
    "agent > 3": "no matching overload",
    "agent == 3": "no matching overload",
    "agent + 1 == 'bot1'": "no matching overload",
    "1.5 + agent == 'x'": "no matching overload",
    "'a' in [1, 2]": "no matching overload",
    "size(agent) in 'abc'": "no matching overload",
    "(true ? 1 : 'a') == 1": "no matching overload",
    "1 == 'a'": "no matching overload",
    "agent % 2 == 0": "no matching overload",
    "amount > 'x'": "types that do not go together",
    "risk_score.size() > 1": "types that do not go together",
    "agent": "must be true or false, and is string",
    "params": "must be true or false",
    "size(agent)": "is int",
    "params.list.all(x, x > 1)": "undeclared reference",
    "params.list.exists(x, true)": "undeclared reference",
    "[1, 2].map(x, x).size() > 1": "undeclared reference",
    "params.to.matches('(a+)+$')": "undeclared reference to 'matches'",
    "matches(params.to, 'a')": "undeclared reference to 'matches'",
    "open('x')": "undeclared reference to 'open'",
    "__import__('os') == null": "undeclared reference",
    "(" * 100 + "true" + ")" * 100: "nested too deep",
    "true\u202e": "cannot be seen",
    "true\x00": "cannot be seen",
    "true\ud800": "cannot be seen",
}


@pytest.mark.parametrize("source", ANSWERS)
def test_a_condition_answers(source: str) -> None:
    """A condition over the request is true or false, as it reads."""
    assert holds(checked(source), VALUES) is ANSWERS[source]


@pytest.mark.parametrize("source", CANNOT)
def test_a_condition_without_an_answer_says_so(source: str) -> None:
    """What a condition cannot judge, such as a parameter that is not there, is neither true nor false."""
    with pytest.raises(CannotTell):
        holds(checked(source), VALUES)


@pytest.mark.parametrize("source", [source for source in BAD if source])
def test_what_is_no_condition_is_refused_in_one_line(source: str) -> None:
    """Syntax, unknown names, wrong types, loops, regexes and depth are errors when the file loads."""
    with pytest.raises(ValueError, match=BAD[source].replace("(", r"\(")) as caught:
        checked(source)
    assert "\n" not in str(caught.value)


OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "<": operator.lt, "<=": operator.le,
             ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}  # fmt: skip
figures = st.integers(0, 10**6) | st.integers(0, 10**8).map(lambda cents: cents / 100)


@given(st.sampled_from(sorted(OPERATORS)), figures, figures)
@settings(max_examples=300, deadline=None)
def test_whole_numbers_and_decimals_mix_in_every_operator(sign: str, left: float, right: float) -> None:
    """Written in the condition or sent by the agent, 3 and 3.0 are one number, and every operator takes both."""
    expected = OPERATORS[sign](left, right)
    pairs = [(repr(left), repr(right)), ("params.a", repr(right)), (repr(left), "params.b"), ("params.a", "params.b")]
    for first, second in pairs:
        whole = f"{first} {sign} {second}"
        source = whole if isinstance(expected, bool) else f"{whole} == {expected!r}"
        assert holds(checked(source), VALUES | {"params": {"a": left, "b": right}}) is (expected is not False)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_bound(name: str) -> None:
    """Each documented name can be used."""
    assert holds(checked(f"size([{name}]) == 1"), VALUES)


def test_the_dearest_condition_is_cheap() -> None:
    """The longest condition over the largest text that a request may hold is judged within half a second."""
    part = "params.to + params.to == params.to || "
    source = checked(part * ((MAX_LENGTH - 4) // len(part)) + "true")
    large = VALUES | {"params": {"to": "x" * 64_000}}
    assert holds(source, large)
    assert in_time(lambda: holds(source, large), 0.5)


def test_threads_share_a_condition() -> None:
    """One compiled condition gives the right answer in many threads at once."""
    wrong: list[bool] = []

    def ask(amount: float) -> None:
        for _ in range(2000):
            if holds("amount > 50 && params.to == 'bob'", VALUES | {"amount": amount}) is not (amount > 50):
                wrong.append(True)

    threads = [threading.Thread(target=ask, args=(amount,)) for amount in (10.0, 60.0, 10.0, 60.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_named_parameters_are_found() -> None:
    """Paths that a condition reads are told, with whether has() guards them; quoted text and functions are none."""
    source = "has(params.a.b) && params.a.b > 1 && params.c.contains('params.x') || params.d == \"params.y\""
    assert named(source) == {"params.a.b": True, "params.c": False, "params.d": False}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
SOURCES = sorted(source for source in [*ANSWERS, *CANNOT] if "params" in source)


@given(source=st.sampled_from(SOURCES), params=st.dictionaries(st.sampled_from(sorted(VALUES["params"])), json_values))
@settings(max_examples=300, deadline=None)
def test_no_parameters_make_it_fail_otherwise(source: str, params: dict[str, Any]) -> None:
    """Whatever JSON the parameters hold, the answer is yes, no, or cannot tell."""
    try:
        answer = holds(source, VALUES | {"params": params})
    except CannotTell:
        return
    assert answer in (True, False)


@given(st.text(alphabet="params.to agent()&|!<>=+-*/?:'\"[]{},0123456789 \n\\xX", max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_makes_checking_fail_otherwise(source: str) -> None:
    """Whatever is written, checking passes or refuses in one line."""
    message = ""
    try:
        checked(source)
    except ValueError as error:
        message = str(error)
    assert "\n" not in message


SCHEMA = {
    "type": "object",
    "properties": {
        "qty": {"type": "integer"},
        "unit_price": {"type": "number"},
        "to": {"type": "string"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sum": {"type": "number"}}}},
        "free": {},
    },
}


@pytest.mark.parametrize(
    "source", ["params.to * 2 > 3", "params.to > 3", "params.qty + params.to == 'a'", "-params.to < 1"]
)
def test_types_that_cannot_meet_are_found_at_load(source: str) -> None:
    """Where the schema says what the parameters are, a condition that could never be told is refused."""
    with pytest.raises(ValueError, match="do not go together"):
        check_with_schema(checked(source), SCHEMA)


@pytest.mark.parametrize(
    "source",
    [
        "params.qty * params.unit_price > 100",
        "params.lines[0].sum + 1 > 2",
        "params.free > 3",
        "has(params.nope) && params.nope > 1",
    ],
)
def test_types_that_meet_or_are_not_known_load(source: str) -> None:
    """Whole numbers and decimals mix, and what the schema says nothing of is not guessed at."""
    check_with_schema(checked(source), SCHEMA)
