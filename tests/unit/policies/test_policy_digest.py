"""The digest is over exactly what a person saw."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from policies.digest import canonical, digest_of, fingerprint, rfc3339

WHEN = datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)
FACTS: dict[str, Any] = {
    "approval_id": "a1",
    "agent": "bot",
    "action": "pay",
    "params": {"amount": 1, "to": "bob"},
    "policy_version": "v1",
    "expires_at": WHEN,
    "kind": "confirm",
    "choices": None,
    "question": None,
}
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def typed(value: object) -> object:
    """A value with its types, so that 1, 1.0 and true compare as the different things they are."""
    if isinstance(value, dict):
        return {key: typed(child) for key, child in value.items()}
    if isinstance(value, list):
        return [typed(child) for child in value]
    return type(value).__name__, repr(value)


@given(values, values)
@settings(max_examples=200, deadline=None)
def test_two_values_have_one_text_only_if_they_are_the_same(one: object, other: object) -> None:
    """Canonical texts are equal exactly when values are equal in every type, key and leaf."""
    assert (canonical(one) == canonical(other)) == (typed(one) == typed(other))


@given(st.dictionaries(st.text(max_size=4), values, max_size=6), st.randoms())
@settings(max_examples=100, deadline=None)
def test_the_order_of_keys_does_not_count(value: dict[str, Any], random: Any) -> None:
    """The same object with its keys in another order has the same digest."""
    items = list(value.items())
    random.shuffle(items)
    assert fingerprint(dict(items)) == fingerprint(value)


@given(st.dictionaries(st.text(max_size=4), values, min_size=1, max_size=4), st.data())
@settings(max_examples=120, deadline=None)
def test_any_changed_parameter_changes_the_digest(params: dict[str, Any], data: st.DataObject) -> None:
    """Changing, renaming, adding or removing any one parameter changes the digest."""
    key = data.draw(st.sampled_from(sorted(params)))
    other, name = data.draw(values), data.draw(st.text(max_size=4))
    assume(typed(other) != typed(params[key]) and name not in params)
    rest = {at: value for at, value in params.items() if at != key}
    digests = {
        digest_of(**{**FACTS, "params": changed})
        for changed in (params, {**params, key: other}, {**rest, name: params[key]}, rest, {**params, name: None})
    }
    assert len(digests) == 5


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("approval_id", "a2"),
        ("agent", "bot2"),
        ("action", "pay2"),
        ("policy_version", "v2"),
        ("expires_at", WHEN + timedelta(microseconds=1)),
        ("expires_at", None),
        ("kind", "choose"),
        ("choices", []),
        ("choices", [{"id": "a", "label": "A"}]),
        ("question", ""),
    ],
)
def test_everything_around_the_parameters_counts(field: str, other: object) -> None:
    """Agent, action, policy version, deadline, kind, choices and question are all part of the digest."""
    assert digest_of(**{**FACTS, field: other}) != digest_of(**FACTS)


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, "1"), (1, True), (0, False), (None, "null"), ([], {}), ("", None), (0.0, -0.0)]
)
def test_types_count(one: object, other: object) -> None:
    """1, 1.0, "1" and true are four different things to approve."""
    assert digest_of(**{**FACTS, "params": {"a": one}}) != digest_of(**{**FACTS, "params": {"a": other}})


def test_what_is_not_said_is_a_plain_question() -> None:
    """Without more words a request asks for a yes or no, has no choices and no question."""
    plain = {name: fact for name, fact in FACTS.items() if name not in ("kind", "choices", "question")}
    assert digest_of(**plain) == digest_of(**FACTS)


def test_a_value_cannot_move_between_fields() -> None:
    """Shifting text from one field to its neighbour changes the digest."""
    assert digest_of(**{**FACTS, "agent": "bo", "action": "tpay"}) != digest_of(**FACTS)


def test_the_same_moment_in_another_zone_is_the_same() -> None:
    """A deadline counts as a moment, whatever zone it is written in."""
    elsewhere = WHEN.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert digest_of(**{**FACTS, "expires_at": elsewhere}) == digest_of(**FACTS)
    assert rfc3339(elsewhere) == "2026-01-31T12:00:00.000001Z"
    assert rfc3339(elsewhere.replace(microsecond=0)) == "2026-01-31T12:00:00.000000Z"


def test_the_digest_is_stable_across_releases() -> None:
    """A digest that was shown yesterday is computed the same today."""
    assert digest_of(**FACTS) == "9936a6b1e426924482a038042eedc4c0f2194d612584097ebe5ca03c99fecf55"


def test_a_fingerprint_is_the_hash_of_the_canonical_text() -> None:
    """A fingerprint can be checked with any SHA-256: it is that of the canonical text and nothing else."""
    assert fingerprint({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


def test_the_canonical_text_is_plain_ascii() -> None:
    """Whoever computes a digest elsewhere needs no encoding: keys sorted, no spaces, every other letter escaped."""
    assert canonical({"ü": ["漢", 1.0, None], "a b": True}) == '{"a b":true,"\\u00fc":["\\u6f22",1.0,null]}'


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_what_json_cannot_hold_has_no_digest(bad: float) -> None:
    """NaN and infinities are refused instead of digested."""
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": bad})


@given(values)
@settings(max_examples=100, deadline=None)
def test_the_canonical_text_reads_back(value: object) -> None:
    """The canonical text is JSON and reads back as the same value, types included."""
    assert typed(json.loads(canonical(value))) == typed(value)
