"""The words of the Agent Approval Protocol: names that go back and forth, durations, and what a submission asks."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.aap import approval_id_of, read_submission, saved_submission, seconds_of, uuid_of
from policies.errors import InvalidInput
from store import ids

MOMENTS = st.integers(10**9, 7 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(MOMENTS)
def test_an_approval_and_its_uuid_are_one(moment: datetime) -> None:
    """Every id that Sayso makes has a UUID in lower case, and is found by it, however that is written."""
    approval_id = ids.new("apr", moment)
    named = uuid_of(approval_id)
    assert str(uuid.UUID(named)) == named
    assert approval_id_of(named) == approval_id_of(named.upper()) == approval_id


def test_what_is_no_uuid_names_nothing() -> None:
    """Nor does it raise."""
    assert [approval_id_of(text) for text in ("", "apr_1", "1" * 33, "..", "é" * 36)] == [None] * 5


@given(st.integers(0, 999), st.integers(0, 999), st.integers(0, 999))
def test_a_duration_is_its_parts(hours: int, minutes: int, seconds: int) -> None:
    """Hours, minutes and seconds add up, each may be left out, and all of nothing is refused."""
    text = f"{hours}h{minutes}m{seconds}s"
    total = int(timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds())
    if total:
        assert seconds_of(text) == total
    else:
        with pytest.raises(ValueError):
            seconds_of(text)


@pytest.mark.parametrize("text", ["", "5", "m", "1d", "-5m", "5m5h", "1.5h", " 5m", "٣m", "2161h", "5m\n"])
def test_other_durations_are_refused(text: str) -> None:
    """What the protocol's SDK would never send."""
    with pytest.raises(ValueError):
        seconds_of(text)


@given(
    st.dictionaries(st.text(), PLAIN, max_size=4), st.dictionaries(st.text(), PLAIN, max_size=4), st.text(max_size=50)
)
def test_a_submission_comes_back_whole(arguments: dict[str, object], context: dict[str, object], reason: str) -> None:
    """Through the request's checkpoint and parameters, to the letter."""
    sent = {"tool": "t", "arguments": arguments, "timeout": "1h", "context": context, "agent_reasoning": reason}
    body = read_submission(sent).body
    found = saved_submission(body["checkpoint"], body["params"])
    assert found is not None
    assert found.model_dump(exclude_none=True) == sent


@pytest.mark.parametrize("checkpoint", [None, [], {}, {"aap": 1}, {"aap": {}}, {"aap": {"tool": "t"}, "more": 1}])
def test_another_request_is_none_of_the_protocols(checkpoint: object) -> None:
    """Whatever an agent keeps in its own checkpoint."""
    assert saved_submission(checkpoint, {}) is None


def test_a_null_is_named() -> None:
    """The protocol knows no nulls but inside arguments and context."""
    with pytest.raises(InvalidInput) as refused:
        read_submission({"tool": "t", "arguments": {}, "timeout": "1h", "server": None})
    assert refused.value.field == "server"
