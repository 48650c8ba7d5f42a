"""Bodies that must not get in: each refused with the field named, and nothing stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.marks import on_sqlite
from support.office import Office

GOOD: dict[str, Any] = {"action": "process_refund", "params": {"customer": "x", "amount_usd": 480}}


@pytest.fixture(scope="module")
def shared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One server for all of them: it must stay empty."""
    folder = tmp_path_factory.mktemp("bodies")
    (folder / "sayso.db").write_bytes(sqlite_template.read_bytes())
    office = Office(f"sqlite:///{folder / 'sayso.db'}", folder)
    office.open()
    yield office
    office.close()


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def with_(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode()


CHOICE = {"id": "a", "label": "A"}
BODIES: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 400, "body"),
    "not json": (b"{", 400, "body"),
    "array": (b"[]", 400, "body"),
    "text": (b'"x"', 400, "body"),
    "null": (b"null", 400, "body"),
    "not utf-8": (b'{"action": "\xff"}', 400, "body"),
    "two documents": (b"{}{}", 400, "body"),
    "duplicate key": (b'{"action": "a", "action": "b"}', 400, "action"),
    "duplicate deep key": (b'{"action": "a", "params": {"x": 1, "x": 2}}', 400, "params.x"),
    "NaN": (b'{"action": "a", "params": {"x": NaN}}', 400, "params.x"),
    "Infinity": (b'{"action": "a", "params": {"x": -Infinity}}', 400, "params.x"),
    "1e999": (b'{"action": "a", "params": {"x": 1e999}}', 422, "params.x"),
    "too large an integer": (b'{"action": "a", "params": {"x": 9007199254740993}}', 422, "params.x"),
    "a number that no double keeps": (b'{"action": "a", "params": {"x": 9007199254740993.0}}', 422, "params.x"),
    "more digits than a double has": (b'{"action": "a", "params": {"x": 49.999999999999999999}}', 422, "params.x"),
    "NUL": (b'{"action": "a", "params": {"x": "a\\u0000b"}}', 422, "params.x"),
    "NUL in a key": (b'{"action": "a", "params": {"a\\u0000b": 1}}', 422, "params"),
    "half a surrogate": (b'{"action": "a", "params": {"x": "\\ud800"}}', 422, "params.x"),
    "too deep": (with_(params={"x": deep(40)}), 422, "params"),
    "very deep": (b'{"params": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", 422, ""),
    "too many values": (with_(params={"x": [1] * 1001}), 413, "body"),
    "too long a string": (with_(params={"x": "x" * 65_537}), 413, "params.x"),
    "too large": (b'{"action": "' + b"x" * 300_000 + b'"}', 413, "body"),
    "no action": (json.dumps({"params": {}}).encode(), 422, "action"),
    "empty action": (with_(action=""), 422, "action"),
    "action of another type": (with_(action=7), 422, "action"),
    "params of another type": (with_(params=[1]), 422, "params"),
    "unknown field": (with_(approve=True), 422, "approve"),
    "unknown field in evidence": (with_(evidence={"trust": 1}), 422, "evidence.trust"),
    "missing parameter": (with_(params={"customer": "x"}), 422, "params.amount_usd"),
    "parameter of another type": (with_(params={"customer": "x", "amount_usd": "480"}), 422, "params.amount_usd"),
    "parameter out of range": (with_(params={"customer": "x", "amount_usd": -1}), 422, "params.amount_usd"),
    "confidence above one": (with_(confidence=1.1), 422, "confidence"),
    "truth of another type": (with_(recommended_review="yes"), 422, "recommended_review"),
    "unknown kind": (with_(kind="maybe"), 422, "kind"),
    "unknown urgency": (with_(urgency="now"), 422, "urgency"),
    "choose without choices": (with_(kind="choose"), 422, "choices"),
    "choices without choose": (with_(choices=[CHOICE, CHOICE | {"id": "b"}]), 422, "choices"),
    "the same choice twice": (with_(kind="choose", choices=[CHOICE, CHOICE]), 422, "choices"),
    "input without a question": (with_(kind="input"), 422, "question"),
    "a file as callback": (with_(callback_url="file:///etc/passwd"), 422, "callback_url"),
    "a callback with a password": (with_(callback_url="https://u:p@host/"), 422, "callback_url"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused_whole(shared: Office, name: str) -> None:
    """A body that is not exactly right is refused, the field is named, and nothing is stored or posted."""
    body, status, field = BODIES[name]
    answer = shared.agent.raw("POST", "/approvals", content=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == status, answer.text[:300]
    problem = answer.json()
    assert (problem["status"], problem["field"].startswith(field)) == (status, True), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert shared.trail() == []
    assert shared.agent.listing()["approvals"] == []


@pytest.mark.parametrize("key", [None, "", "x" * 201])
def test_a_key_is_required(shared: Office, key: str | None) -> None:
    """Without a usable Idempotency-Key nothing is created: 400, naming the header."""
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = shared.agent.raw("POST", "/approvals", json=GOOD, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")
    assert shared.trail() == []


@pytest.mark.parametrize("verb", ["claim", "result", "answer", "label"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"nonce": 7}', b'{"x": 1}', b'{"nonce": "\\u0000"}', b"\xff"])
def test_bad_bodies_of_the_other_calls(shared: Office, verb: str, body: bytes) -> None:
    """The other calls are as strict: 400 or 422 (or not found), never a 5xx."""
    answer = shared.agent.raw("POST", f"/approvals/apr_none/{verb}", content=body)
    assert answer.status_code in (400, 404, 422)


@pytest.mark.parametrize(
    ("nonce", "status"), [("n" * 7, 422), ("n" * 8, 404), ("n" * 200, 404), ("n" * 201, 422), (12345678, 422)]
)
def test_a_nonce_has_a_size(shared: Office, nonce: object, status: int) -> None:
    """A nonce is text of 8 to 200 characters; anything else is refused by name."""
    answer = shared.agent.raw("POST", "/approvals/apr_none/claim", json={"nonce": nonce})
    assert answer.status_code == status
    assert status == 404 or answer.json()["field"] == "nonce"


@pytest.mark.parametrize("wait", ["-1", "61", "x", "nan", "inf", "1e9", "1_0", "\uff11", " 1"])
def test_a_bad_wait_is_refused(shared: Office, wait: str) -> None:
    """Waiting is for 0 to 60 seconds."""
    answer = shared.agent.raw("GET", "/approvals/apr_none", params={"wait": wait})
    assert (answer.status_code, answer.json()["field"]) == (422, "wait")


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("DELETE", "/approvals", 405, "GET, POST"),
        ("PATCH", "/sessions/x", 405, "GET, PUT"),
        ("GET", "/route", 405, "POST"),
        ("POST", "/hooks/some-host", 404, None),
        ("GET", "/nothing", 404, None),
    ],
)
def test_what_a_path_does_not_take_is_told_as_a_problem(
    shared: Office, method: str, path: str, status: int, allowed: str | None
) -> None:
    """A wrong method names those that are right, a path that is none is 404, both in the form of every error."""
    answer = shared.agent.raw(method, path)
    assert (answer.status_code, answer.headers.get("allow")) == (status, allowed)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["status"], answer.json()["title"]) in ((404, "Not found"), (405, "Method not allowed"))


def test_an_empty_query_is_as_good_as_none(shared: Office) -> None:
    """`?state=&session_id=&cursor=` names nothing, so it asks for the whole list."""
    assert shared.agent.listing(state="", session_id="", undone="", cursor="") == shared.agent.listing()


@on_sqlite
def test_hidden_characters_are_taken_and_shown(office: Office) -> None:
    """Bidirectional and invisible characters are accepted as data and shown by their code point."""
    hidden = "gro.evil\u202e\u200b"
    approval = office.agent.refund(customer=hidden)
    assert approval["params"]["customer"] == hidden
    office.card(approval, contains=["‹U+202E›", "‹U+200B›"])
