"""Signals of an agent's work: measured, never made up, and in the fields that an ask takes."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from sayso.asking import compose
from sayso.evidence import ASSESS, Assessment, Tools, agreement, assessed, fits, hits, signals


class Refund(BaseModel):
    """What an agent was asked to fill in."""

    customer: str
    amount_usd: float


def test_agreement_is_the_share_of_what_most_say() -> None:
    """Case, blanks and the order of keys make no difference; other values do."""
    assert agreement(["Refund it", " refund  IT ", "keep it"]) == pytest.approx(2 / 3)
    assert agreement([{"a": 1, "b": 2}, {"b": 2, "a": 1}]) == 1.0
    assert agreement([1, 2, 3, 4]) == 0.25
    assert agreement([10, 11, 90], same=lambda amount: amount // 50) == pytest.approx(2 / 3)


@pytest.mark.parametrize("samples", [[], ["one"]])
def test_one_sample_agrees_with_nothing(samples: list[str]) -> None:
    """Asked once, an agent has no consistency to show."""
    with pytest.raises(ValueError, match="at least two"):
        agreement(samples)


@given(st.lists(st.text(), min_size=2, max_size=8))
def test_agreement_is_a_share_whatever_the_order(samples: list[str]) -> None:
    """Never nought, never above one, and the same for every order."""
    share = agreement(samples)
    assert 1 / len(samples) <= share <= 1
    assert agreement(samples[::-1]) == share


@pytest.mark.parametrize(
    "schema",
    [
        Refund,
        {"type": "object", "required": ["customer", "amount_usd"], "properties": {"amount_usd": {"type": "number"}}},
    ],
)
@pytest.mark.parametrize(
    "value, holds",
    [
        ({"customer": "ann", "amount_usd": 12}, True),
        ({"customer": "ann", "amount_usd": "12"}, False),
        ({"customer": "ann"}, False),
        ("ann", False),
        (None, False),
    ],
)
def test_only_what_fits_fits(schema: Any, value: Any, holds: bool) -> None:
    """By a pydantic model and by a JSON Schema alike; nothing is converted."""
    assert fits(value, schema) is holds


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, object()])
def test_a_schema_that_is_none_is_an_error(schema: Any) -> None:
    """A mistake in the schema is no verdict on the value."""
    with pytest.raises(ValueError, match="schema"):
        fits({}, schema)


def test_tools_that_fail_are_kept() -> None:
    """Raised or noted, one failure is enough; nothing called says nothing."""
    tools = Tools()
    assert tools.errored is None
    assert tools.watch(len)([1, 2]) == 2
    assert tools.errored is False
    with pytest.raises(ZeroDivisionError):
        tools.watch(lambda: 1 / 0)()
    assert tools.errored is True
    tools.watch(len)([])
    assert tools.errored is True
    noted = Tools()
    noted.note("search", "exit code 1")
    assert (noted.errored, noted.failed) == (True, ["search: exit code 1"])


def test_one_source_found_twice_is_one() -> None:
    """By its name, and only where it scores high enough; what has no score is left out then."""
    found = [{"id": "a", "score": 0.9}, {"id": "A ", "score": 0.8}, {"id": "b", "score": 0.2}, {"id": "c"}]
    assert (hits(found), hits(found, least=0.5), hits([])) == (3, 1, 0)
    assert hits(["doc 1", "doc 2", "DOC 1"]) == 2


@pytest.mark.parametrize(
    "text, confidence",
    [
        ('Fine.\n{"confidence": 0.8, "basis": "the ledger", "uncertainties": ["the date"]}', 0.8),
        ("Confidence: 80%", 0.8),
        ("**Confidence:** 8/10", 0.8),
        ("My confidence level is 0.35.", 0.35),
        ('{"confidence": "70%"}', 0.7),
        ('{"confidence": 0.9}\nConfidence: 40%', 0.4),
        ('{"confidence": 0.9} {"confidence": 0.3}', 0.3),
        ("Confidence: 950%", None),
        ("Confidence: -5%", None),
        ("Confidence: 8/0", None),
        ('{"confidence": NaN}', None),
        ('{"confidence": true}', None),
        ('{"confidence": "high"}', None),
        ('{"confidence": 2}', None),
        ("I am confident that 100% of it is right", None),
        ("", None),
        ("{" * 5000, None),
    ],
)
def test_a_self_assessment_is_read_or_unknown(text: str, confidence: float | None) -> None:
    """What cannot be read as a share of one is unknown, and of two the lower one counts."""
    found = assessed(text).confidence
    assert found == (pytest.approx(confidence) if confidence is not None else None)


@given(st.text())
def test_whatever_a_model_writes_is_a_share_or_unknown(text: str) -> None:
    """No text raises, and none makes more than certainty."""
    found = assessed(f"Confidence: {text}").confidence
    assert found is None or (0 <= found <= 1 and not math.isnan(found))


@given(st.floats(0, 1), st.text(max_size=30), st.lists(st.text(max_size=30), max_size=4))
def test_what_the_prompt_asks_for_is_read(confidence: float, basis: str, doubts: list[str]) -> None:
    """The JSON that ASSESS asks for comes back in its parts."""
    line = json.dumps({"confidence": confidence, "basis": basis, "uncertainties": doubts})
    found = assessed(f"I will do it.\n{line}\n")
    wanted = Assessment(confidence, basis.strip() or None, tuple(one.strip() for one in doubts if one.strip()))
    assert found == wanted
    assert all(name in ASSESS for name in ("confidence", "basis", "uncertainties"))


def test_signals_are_the_fields_of_an_ask() -> None:
    """What was measured stands in `evidence`, what was not is left out, and an ask takes it as it is."""
    tools = Tools()
    tools.watch(len)([])
    fields = signals(
        samples=["yes", "yes", "no", "yes"],
        value={"customer": "ann", "amount_usd": 12},
        schema=Refund,
        tools=tools,
        sources=["order", "ledger"],
        assessment='{"confidence": 0.7, "basis": "the ledger", "uncertainties": ["the date"]}',
    )
    assert fields == {
        "evidence": {"self_consistency": 0.75, "schema_ok": True, "tool_errored": False, "retrieval_hits": 2},
        "confidence": 0.7,
        "confidence_basis": "the ledger",
        "uncertainty_factors": ["the date"],
    }
    assert compose("refund", {}, "", kind="confirm", checkpoint=None, details=fields)["evidence"] == fields["evidence"]
    assert signals() == {}
    assert signals(tools=Tools()) == {}
