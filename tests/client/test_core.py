"""The pure parts: retries, serializers, states, and what importing costs."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sayso
from sayso import (
    Approval,
    BadRequest,
    Conflict,
    NotRestorable,
    Sayso,
    SaysoError,
    ServerError,
    State,
    retry,
    serializers,
)
from sayso.asking import compose, key_for
from sayso.effects import Reply
from sayso.errors import problem_error
from sayso.plain import canonical, plain

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def reply(status: int, body: bytes = b"", **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def test_backoff_grows_to_a_cap_and_jitters() -> None:
    """Pauses double from 0.1 s to at most 8 s, spread by the jitter."""
    pauses = [retry.pause(attempt, None, 1000, 0.999) or 0 for attempt in range(12)]
    assert pauses == sorted(pauses)
    assert 0.19 < pauses[0] < 0.2
    assert 7.9 < pauses[-1] < 8
    assert retry.pause(0, None, 1000, 0.0) == pytest.approx(0.1)


def test_no_pause_reaches_past_the_deadline() -> None:
    """When what is left does not cover the pause, there is none."""
    assert retry.pause(5, None, 0.5, 0.5) is None


@pytest.mark.parametrize(
    "value, seconds",
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("-1", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_in_both_forms(value: str, seconds: float | None) -> None:
    """Seconds and HTTP dates are understood; nonsense is no wish."""
    assert retry.retry_after(reply(429, retry_after=value), NOW) == seconds


@pytest.mark.parametrize(
    "status, again", [(200, False), (404, False), (409, False), (423, False), (429, True), (502, True)]
)
def test_only_what_may_pass_is_tried_again(status: int, again: bool) -> None:
    """429 and 5xx are tried again; a verdict of the server is not."""
    assert retry.should_retry(reply(status)) is again


def test_problems_become_typed_errors() -> None:
    """Every field of a problem document is on the error, and the status picks its type."""
    body = b'{"type":"t","title":"Bad","detail":"d","field":"params.x","errors":[1],"state":"claimed"}'
    with pytest.raises(BadRequest, match="400 Bad: d") as caught:
        serializers.check(reply(400, body))
    error = caught.value
    assert (error.type, error.field, error.errors, error.state) == ("t", "params.x", [1], "claimed")
    kinds = [
        type(problem_error(status, {})).__name__ for status in (401, 403, 404, 409, 410, 413, 422, 423, 429, 503, 418)
    ]
    assert kinds == [
        *("Unauthorized", "Forbidden", "NotFound", "Conflict", "Gone", "PayloadTooLarge"),
        *("Unprocessable", "Stopped", "RateLimited", "ServerError", "ProblemError"),
    ]
    assert issubclass(Conflict, SaysoError)
    assert issubclass(ServerError, SaysoError)


@pytest.mark.parametrize(
    "body", [b"[1]", b"{}", b'"x"', b"null", b'{"id":"1","action":"a","state":"no such"}', b"\xff"]
)
def test_a_wrong_approval_is_an_unexpected_answer(body: bytes) -> None:
    """Whatever a server sends in place of an approval, the error is ours and typed."""
    with pytest.raises(sayso.UnexpectedAnswer):
        serializers.read_approval(reply(200, body))


def test_new_fields_are_tolerated_and_kept() -> None:
    """A newer server's fields do not break an older client."""
    approval = serializers.read_approval(reply(200, b'{"id":"1","action":"a","state":"pending","mood":"good"}'))
    assert (approval.state, approval.model_extra) == (State.PENDING, {"mood": "good"})


def test_answers_are_frozen() -> None:
    """What the server said cannot be changed by accident."""
    approval = Approval(id="1", action="a", state=State.PENDING)
    with pytest.raises(ValueError, match="frozen"):
        approval.state = State.APPROVED


def test_states_know_what_they_allow() -> None:
    """Four states may be claimed, nine are final, and taken_over and claimed are neither."""
    assert {state.value for state in State if state.approved} == {"approved", "edited", "chosen", "answered"}
    open_ones = {state.value for state in State if not state.final and not state.approved}
    assert open_ones == {"pending", "taken_over", "claimed"}
    assert [state for state in State if state.pending] == [State.PENDING]


def test_unknown_fields_are_a_type_error() -> None:
    """A misspelt field is refused here, not silently dropped."""
    with pytest.raises(TypeError, match="urgencey"):
        compose("a", {}, "", kind="confirm", checkpoint=None, details={"urgencey": "high"})


def test_empty_fields_are_not_sent() -> None:
    """The body holds what was said and nothing else; false, zero and empty lists are said."""
    details = {"confidence": 0, "recommended_review": False, "risks": [], "question": None}
    body = compose("a", {}, "", kind="confirm", checkpoint=None, details=details)
    assert body == {"action": "a", "params": {}, "confidence": 0, "recommended_review": False, "risks": []}


def test_derived_keys_depend_on_session_step_action_and_params_alone() -> None:
    """The same step of the same session has the same key in every process, whatever the wording."""
    body = compose("a", {"x": 1, "y": 2}, "one reason", kind="confirm", checkpoint=None, details={"session_id": "s"})
    same = compose("a", {"y": 2, "x": 1}, "another", kind="confirm", checkpoint=None, details={"session_id": "s"})
    assert key_for(body, None, None) == key_for(same, None, None)
    others = {key_for(body, step, None) for step in (None, 0, "0", 1)} | {
        key_for({**body, "session_id": "t"}, None, None)
    }
    assert len(others) == 5
    assert key_for(body, 3, "mine") == "mine"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_plain_values_round_trip(value: object) -> None:
    """Whatever `plain` lets through is exactly what JSON gives back (docs/rules.md: B5)."""
    import json

    try:
        plain(value)
    except NotRestorable:
        return
    assert json.loads(canonical(value)) == value


@pytest.mark.parametrize("url", ["127.0.0.1:8350", "ftp://x", "http://", "http://x?y=1"])
def test_a_wrong_url_is_refused_at_once(url: str, tmp_path: Path) -> None:
    """A URL that cannot be right fails when the client is made, naming the setting."""
    with pytest.raises(ValueError, match="SAYSO_URL"):
        Sayso(url, "t", state_dir=tmp_path)


def test_everything_public_is_there() -> None:
    """Each name in __all__ can be had, the version too, and nothing else pretends to."""
    assert all(getattr(sayso, name) is not None for name in sayso.__all__)
    assert sayso.__version__.count(".") == 2
    assert set(sayso.__all__) <= set(dir(sayso))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = sayso.nonsense


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_is_quick() -> None:
    """`import sayso` stays light (`make bench` holds it to 150 ms), and loads neither pydantic nor httpx2."""
    code = "import time; t = time.perf_counter(); import sayso; print(time.perf_counter() - t)"
    assert min(float(run_python(code)) for _ in range(5)) < 0.75
    assert run_python("import sys, sayso; print({'pydantic', 'httpx2'} & set(sys.modules) or 'none')") == "none"


def test_the_client_loads_http_at_the_first_request_only() -> None:
    """`from sayso import Sayso` does not pay for httpx2, and never loads the server's rooms."""
    code = "import sys; from sayso import Sayso, AsyncSayso; Sayso(); print({'httpx2', 'bot', 'store'} & set(sys.modules) or 'none')"
    assert run_python(code) == "none"
