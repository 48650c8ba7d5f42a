"""A secret stands where it does not fit: the refusal names the field and the rule, and never repeats the value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.files import ACTIONS, PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office

from policies.errors import InvalidInput
from policies.request import check_params, read_request

SECRET = "ghp_" + "a1B2c3D4" * 5
RULES: list[tuple[dict[str, Any], Any]] = [
    ({"type": "integer"}, SECRET),
    ({"enum": ["a", "b"]}, SECRET),
    ({"const": "a"}, SECRET),
    ({"maxLength": 5}, SECRET),
    ({"minLength": 500}, SECRET),
    ({"format": "date"}, SECRET),
    ({"type": "array", "items": {"type": "integer"}}, [1, SECRET]),
    ({"type": "array", "maxItems": 1}, [SECRET, SECRET]),
    ({"type": "array", "uniqueItems": True}, [SECRET, SECRET]),
    ({"contains": {"const": 1}}, [SECRET]),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, SECRET),
    ({"oneOf": [{"type": "string"}, {"minLength": 1}]}, SECRET),
    ({"not": {"type": "string"}}, SECRET),
    ({"if": {"type": "string"}, "then": {"maxLength": 3}}, SECRET),
    ({"type": "object", "required": ["x"]}, {"y": SECRET}),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, {"y": SECRET}),
    ({"type": "object", "dependentRequired": {"y": ["x"]}}, {"y": SECRET}),
    ({"type": "object", "properties": {"y": {"type": "null"}}}, {"y": {"z": SECRET}}),
]


@pytest.mark.parametrize(("rule", "value"), RULES)
def test_no_rule_of_a_schema_repeats_the_value(rule: dict[str, Any], value: Any) -> None:
    """Whichever keyword is broken, the message names the parameter and what would be right."""
    schema = {"type": "object", "properties": {"key": rule}, "additionalProperties": False}
    with pytest.raises(InvalidInput) as refused:
        check_params(schema, {"key": value})
    assert SECRET not in str(refused.value)
    assert str(refused.value.field).startswith("params.key")
    with pytest.raises(InvalidInput) as refused:
        check_params({"type": "object", "additionalProperties": False}, {"other": value})
    assert SECRET not in f"{refused.value} {refused.value.field}"


FIELDS = [
    "action", "params", "reason", "kind", "question", "choices", "risks", "alternatives", "expected_outcome", "completed_steps",
    "session_id", "evidence", "confidence", "confidence_basis", "uncertainty_factors", "recommended_review", "risk_score",
    "urgency", "on_behalf_of", "delegated_from", "callback_url",
]  # fmt: skip
WRONG = st.sampled_from(
    [
        SECRET,
        SECRET * 900,
        [SECRET],
        {"x": SECRET},
        [{"id": SECRET, "label": 1}],
        {"schema_ok": SECRET},
        f"https://u:{SECRET}@h/",
    ]
)


@given(field=st.sampled_from(FIELDS), value=WRONG)
def test_no_field_of_a_request_repeats_the_value(field: str, value: Any) -> None:
    """Nor does the refusal of any other field of a request."""
    assert SECRET not in str(refusal({"action": "a", field: value}))


def refusal(body: dict[str, Any]) -> str | None:
    """What a request's body is refused with; None where it is not."""
    try:
        read_request(body)
    except InvalidInput as error:
        return f"{error} {error.field}"
    return None


@on_sqlite
def test_neither_answer_nor_log_repeats_it(closed_office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Over HTTP too: 422 names the field, and no log line holds the value."""
    office = closed_office
    schema = {"type": "object", "properties": {"key": {"type": "integer"}, "thing": {"type": "string", "maxLength": 4}}}
    office.manifest = write_manifest(office.folder, ACTIONS | {"change_thing": PLAIN | {"params_schema": schema}})
    office.open()
    caplog.set_level(0)
    for params in ({"key": SECRET, "thing": "x"}, {"key": 1, "thing": SECRET}, {"key": {"x": SECRET}}):
        told = office.agent.ask("change_thing", params, status=422)
        assert SECRET not in json.dumps(told)
        assert "params." in json.dumps(told)
    told = office.agent.ask("change_thing", {"thing": "x"}, status=422, kind=SECRET)
    assert SECRET not in json.dumps(told)
    assert SECRET not in caplog.text
