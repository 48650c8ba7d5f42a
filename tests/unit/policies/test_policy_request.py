"""What an agent may say, and what its evidence is worth."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_builders import policy

from policies import amounts, paths, sentences
from policies.errors import InvalidInput
from policies.request import Evidence, Request, check_params, read_request, without_nulls

OPTIONS = [{"id": "a", "label": "A"}, {"id": "b", "label": "B"}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"),
        ({"action": ""}, "action"),
        ({"action": "x" * 256}, "action"),
        ({"action": 3}, "action"),
        ({"action": "a", "nope": 1}, "nope"),
        ({"action": "a", "params": []}, "params"),
        ({"action": None}, "action"),
        ({"action": "a", "unknown": None}, "unknown"),
        ({"action": "a", "risks": [None]}, "risks.0"),
        ({"action": "a", "confidence": "0.5"}, "confidence"),
        ({"action": "a", "confidence": True}, "confidence"),
        ({"action": "a", "confidence": 1.01}, "confidence"),
        ({"action": "a", "confidence": -0.01}, "confidence"),
        ({"action": "a", "confidence": float("nan")}, "confidence"),
        ({"action": "a", "risk_score": 2}, "risk_score"),
        ({"action": "a", "recommended_review": 1}, "recommended_review"),
        ({"action": "a", "urgency": "now"}, "urgency"),
        ({"action": "a", "kind": "ask"}, "kind"),
        ({"action": "a", "kind": "choose"}, "choices"),
        ({"action": "a", "kind": "input"}, "question"),
        ({"action": "a", "choices": OPTIONS}, "choices"),
        ({"action": "a", "kind": "choose", "choices": OPTIONS[:1]}, "choices"),
        ({"action": "a", "kind": "choose", "choices": [OPTIONS[0], OPTIONS[0]]}, "choices"),
        ({"action": "a", "kind": "choose", "choices": [{"id": "a b", "label": "A"}, OPTIONS[1]]}, "choices.0.id"),
        ({"action": "a", "evidence": {"nope": 1}}, "evidence.nope"),
        ({"action": "a", "evidence": {"retrieval_hits": -1}}, "evidence.retrieval_hits"),
        ({"action": "a", "evidence": {"retrieval_hits": 1.5}}, "evidence.retrieval_hits"),
        ({"action": "a", "evidence": {"tool_errored": "no"}}, "evidence.tool_errored"),
        ({"action": "a", "risks": "all"}, "risks"),
        ({"action": "a", "risks": [""]}, "risks.0"),
        ({"action": "a", "uncertainty_factors": ["x"] * 51}, "uncertainty_factors"),
        ({"action": "a", "callback_url": "ftp://x"}, "callback_url"),
        ({"action": "a", "callback_url": "https://user:pw@x"}, "callback_url"),
        ({"action": "a", "callback_url": "https://"}, "callback_url"),
        ({"action": "a", "session_id": ""}, "session_id"),
    ],
)
def test_a_bad_field_is_named(body: dict[str, Any], field: str) -> None:
    """Each field that cannot be meant is refused by its name."""
    with pytest.raises(InvalidInput) as caught:
        read_request(body)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("signals", "score"),
    [
        ({}, None),
        ({"retrieval_hits": 2}, 1.0),
        ({"retrieval_hits": 1}, 0.0),
        ({"retrieval_hits": 0}, 0.0),
        ({"tool_errored": False}, 1.0),
        ({"tool_errored": True}, 0.0),
        ({"self_consistency": 0.8}, 1.0),
        ({"self_consistency": 0.79}, 0.0),
        ({"schema_ok": True, "tool_errored": True}, 0.5),
        ({"retrieval_hits": 2, "tool_errored": False, "self_consistency": 0.9, "schema_ok": False}, 0.75),
    ],
)
def test_evidence_scores_the_share_that_holds(signals: dict[str, Any], score: float | None) -> None:
    """The score is the share of the given signals that hold, and unknown where none is given (docs/rules.md: A6)."""
    assert Evidence(**signals).score == score


@pytest.mark.parametrize("name", [name for name in Request.model_fields if name != "action"])
def test_null_for_an_optional_field_is_the_same_as_leaving_it_out(name: str) -> None:
    """Whatever the field, null in it says nothing."""
    assert read_request({"action": "a", name: None}) == read_request({"action": "a"})


def test_nulls_inside_of_evidence_and_choices_say_nothing_and_those_of_parameters_do() -> None:
    """Optional fields of nested objects are the same; parameters are the agent's own and stay as they are."""
    evidence: dict[str, Any] = {"retrieval_hits": None, "tool_errored": False, "schema_ok": None}
    choices = [{"id": "a", "label": "A", "detail": None}, {"id": "b", "label": "B"}]
    body = {"action": "a", "kind": "choose", "question": "?", "choices": choices, "evidence": evidence}
    found = read_request(body | {"params": {"note": None}})
    assert found.evidence == Evidence(tool_errored=False)
    assert [choice.detail for choice in found.choices or ()] == [None, None]
    assert found.params == {"note": None}
    assert without_nulls(Request, body)["choices"] == [{"id": "a", "label": "A"}, {"id": "b", "label": "B"}]


@given(st.none() | st.floats(0, 1), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_self_report_only_lowers(confidence: float | None, error: bool, fits: bool) -> None:
    """Effective confidence never exceeds the evidence, and is unknown without it."""
    with_evidence = read_request(
        {"action": "a", "confidence": confidence, "evidence": {"tool_errored": error, "schema_ok": fits}}
    )
    assert with_evidence.evidence is not None
    assert with_evidence.effective_confidence is not None
    assert with_evidence.effective_confidence <= (with_evidence.evidence.score or 0)
    assert read_request({"action": "a", "confidence": confidence}).effective_confidence is None


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "params.to"),
        ({"to": 3}, "params.to"),
        ({"to": "bob", "amount": -1}, "params.amount"),
        ({"to": "bob", "amount": True}, "params.amount"),
        ({"to": "bob", "items": [{"id": 3}]}, "params.items.0.id"),
        ({"to": "bob", "more": 1}, "params.more"),
    ],
)
def test_a_parameter_that_breaks_the_schema_is_named(params: dict[str, Any], field: str) -> None:
    """The parameter that the schema refuses is named."""
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["to"],
        "properties": {
            "to": {"type": "string"},
            "amount": {"type": "number", "minimum": 0},
            "items": {"type": "array", "items": {"properties": {"id": {"type": "string"}}}},
        },
    }
    with pytest.raises(InvalidInput) as caught:
        check_params(schema, params)
    assert caught.value.field == field
    check_params(schema, {"to": "bob", "amount": 0, "items": []})
    check_params(None, params)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (4800, "$4,800"),
        (12.5, "$12.50"),
        (0, "$0"),
        (0.1, "$0.10"),
        (1234567.891, "$1,234,567.891"),
        (-3, "-$3"),
        (Decimal("2.50"), "$2.50"),
        ("4800", "4800"),
        (True, "True"),
        (None, "None"),
        (1e22, "$10,000,000,000,000,000,000,000"),
        (1e-7, "$0.0000001"),
    ],
)
def test_dollars_as_people_write_them(value: object, shown: str) -> None:
    """Dollars are shown exactly, never rounded, and what is no number stays as it is."""
    assert sentences.usd(value) == shown


@pytest.mark.parametrize(
    ("template", "params", "expected"),
    [
        ("Refund {{ params.amount | usd }} to {{ params.to }}", {"amount": 4800, "to": "bob"}, "Refund $4,800 to bob"),
        ("Refund to {{ params.to }}", {}, "TITLE"),
        ("Refund to {{ params.to.name }}", {"to": "bob"}, "TITLE"),
        ("{{ params.a }}\n\t{{ params.b }}", {"a": " x ", "b": "y\nz"}, "x y z"),
        ("{{ params.note | default('none') }}", {}, "none"),
        ("{{ params.a }}", {"a": "{{ params.b }}"}, "{{ params.b }}"),
        ("{{ params.a / 0 }}", {"a": 1}, "TITLE"),
        ("{{ params.a * 3 }}", {"a": 2}, "6"),
        ("{{ params.a * 3 }}", {"a": "ab"}, "TITLE"),
        ("{{ params.a.ljust(99) }}", {"a": "x"}, "TITLE"),
        ("{{ params.__class__.__mro__ }}", {}, "TITLE"),
        ("{{ params.a.__class__ }}", {"a": 1}, "TITLE"),
    ],
)
def test_a_sentence_says_what_happens(template: str, params: dict[str, Any], expected: str) -> None:
    """A template is filled on one line, and where it cannot be, the title stands in."""
    assert sentences.sentence(sentences.checked(template), "TITLE", params) == expected


def test_a_long_sentence_is_cut() -> None:
    """A sentence has at most 600 characters, the last of which shows that more follows."""
    text = sentences.sentence("{{ params.a }}", "T", {"a": "x" * 5000})
    assert len(text) == 600
    assert text.endswith("…")


@given(st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=100, deadline=None)
def test_no_parameter_breaks_a_sentence(one: str, other: str) -> None:
    """Whatever texts the parameters hold, the sentence is one line."""
    text = sentences.sentence(
        "{{ params.a }} to {{ params[params.a] | default(params.b) }}", "T", {"a": one, "b": other}
    )
    assert len(text.splitlines()) <= 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("params.a", Decimal(5)),
        ("params.b.c", Decimal("1.5")),
        ("params.b", None),
        ("params.zero", Decimal(0)),
        ("params.nope", None),
        ("params.a.c", None),
        ("params.text", None),
        ("params.yes", None),
        ("params.negative", None),
        (None, None),
    ],
)
def test_an_amount_is_a_number_from_zero_up(path: str | None, value: Decimal | None) -> None:
    """Only a finite number of at least 0 is an amount, read exactly."""
    params = {"a": 5, "b": {"c": 1.5}, "zero": 0, "text": "5", "yes": True, "negative": -1}
    rules = policy(amount=path, describe="Pay") if path else policy(amount=None, describe="Pay")
    assert amounts.amount_of(rules, params) == value


def test_leaves_are_counted_whole() -> None:
    """Every leaf is told with its path, and an empty container is a leaf."""
    value = {"a": 1, "b": [2, {"c": None}], "d": {}, "e": []}
    assert list(paths.walk(value)) == [("a", 1), ("b[0]", 2), ("b[1].c", None), ("d", {}), ("e", [])]
