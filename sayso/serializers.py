"""The agent HTTP API as pure functions: requests to build, answers to read. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from sayso.effects import Reply, Request
from sayso.errors import ToolRefused, UnexpectedAnswer, problem_error
from sayso.models import Approval, Grant, Model, Route, Session, execution_key
from sayso.retry import retry_after

APPROVALS = "/v1/approvals"
MAX_HOLD_SECONDS = 60.0
M = TypeVar("M", bound=Model)


def create_request(body: Mapping[str, Any], key: str, step: str | None = None) -> Request:
    """Ask; the key makes asking again harmless, and `step` tells the same thing asked twice apart."""
    headers = {"Idempotency-Key": key} | ({"Sayso-Step": step} if step is not None else {})
    return _post(APPROVALS, body, headers)


def tool_call_request(body: Mapping[str, Any]) -> Request:
    """Ask about a tool call; the same call finds its own approval, which makes asking again harmless."""
    return _post("/v1/tool-calls", body)


def fetch_request(approval_id: str, hold: float = 0.0) -> Request:
    """Look; with `hold` the server keeps the line for up to that many seconds (≤ 60) until something changes."""
    hold = min(hold, MAX_HOLD_SECONDS)
    query = {"wait": f"{hold:.3f}".rstrip("0").rstrip(".")} if hold > 0 else {}
    return Request("GET", _of(approval_id), query=query, hold=hold)


def listing_request(
    state: str | None, session_id: str | None, cursor: str | None, undone: str | None = None
) -> Request:
    """One page of the agent's own approvals, newest first; `undone` is "open" for what is still to be rolled back."""
    query = {"state": state, "session_id": session_id, "undone": undone, "cursor": cursor}
    return Request("GET", APPROVALS, query={name: value for name, value in query.items() if value})


def claim_request(approval_id: str, nonce: str) -> Request:
    """Take the single-use grant; the same nonce gets the same grant again."""
    return _post(_of(approval_id, "claim"), {"nonce": nonce})


def result_request(approval_id: str, nonce: str, outcome: str, detail: str) -> Request:
    """Say how it ended."""
    return _post(_of(approval_id, "result"), {"nonce": nonce, "outcome": outcome, "detail": detail})


def answer_request(approval_id: str, text: str) -> Request:
    """Answer a reviewer's question."""
    return _post(_of(approval_id, "answer"), {"text": text})


def cancel_request(approval_id: str) -> Request:
    """Withdraw."""
    return _post(_of(approval_id, "cancel"), {})


def delegate_request(approval_id: str, agent: str) -> Request:
    """Let another agent act under an approval."""
    return _post(_of(approval_id, "delegate"), {"agent": agent})


def label_request(approval_id: str, name: str, detail: str) -> Request:
    """Say what turned out to be true."""
    return _post(_of(approval_id, "label"), {"label": name, "detail": detail})


def checkpoint_request(approval_id: str) -> Request:
    """Fetch what was saved with the request."""
    return Request("GET", _of(approval_id, "checkpoint"))


def dry_run_request(body: Mapping[str, Any]) -> Request:
    """Ask where a request would go."""
    return _post("/v1/route", body)


def see_session(session_id: str) -> Request:
    """Look whether people let the session run."""
    return Request("GET", f"/v1/sessions/{quote(session_id, safe='')}")


def beat_request(session_id: str, title: str | None) -> Request:
    """Register the session, or say that it is alive."""
    body = {"title": title} if title is not None else {}
    return Request(
        "PUT",
        f"/v1/sessions/{quote(session_id, safe='')}",
        headers={"Content-Type": "application/json"},
        content=_encode(body),
    )


def check(reply: Reply) -> Reply:
    """The reply itself when it is a success; raises the ProblemError that fits otherwise."""
    if 200 <= reply.status < 300:
        return reply
    raise problem_error(reply.status, _problem(reply), retry_after(reply))


def read_json(reply: Reply) -> Any:
    """The JSON of a successful reply. Raises ProblemError, or UnexpectedAnswer for what is not JSON."""
    try:
        return json.loads(check(reply).content)
    except ValueError:
        raise UnexpectedAnswer(f"expected JSON, got {_glimpse(reply)!r}") from None


def read_approval(reply: Reply) -> Approval:
    """The approval in a reply."""
    return _read(Approval, read_json(reply))


def read_tool_call(reply: Reply) -> Approval:
    """The approval of a tool call. Raises ToolRefused where a rule refuses it."""
    body = read_json(reply)
    if isinstance(body, dict) and isinstance(body.get("refusal"), str):
        raise ToolRefused(body["refusal"])
    return _read(Approval, body.get("approval") if isinstance(body, dict) else body)


def maybe_approval(reply: Reply) -> Approval | None:
    """The approval in a reply that need not hold one (an empty 204, say)."""
    try:
        body = json.loads(check(reply).content)
    except ValueError:
        return None
    whole = isinstance(body, dict) and {"id", "action", "state"} <= body.keys()
    return _read(Approval, body) if whole else None


def read_page(reply: Reply) -> tuple[tuple[Approval, ...], str | None]:
    """One page of a list and the cursor of the next, None on the last."""
    body = read_json(reply)
    items = body.get("approvals", body.get("items")) if isinstance(body, dict) else body
    if not isinstance(items, list):
        raise UnexpectedAnswer(f"expected a page of approvals, got {_glimpse(reply)!r}")
    cursor = body.get("next_cursor") if isinstance(body, dict) else None
    return tuple(_read(Approval, item) for item in items), cursor or None


def read_grant(reply: Reply, approval: Approval) -> Grant:
    """The grant in a reply to a claim. Raises UnexpectedAnswer for what only looks like one: an approval, say, from a cache."""
    body = read_json(reply)
    if isinstance(body, dict) and (not {"params", "claim_expires_at"} <= body.keys() or "state" in body):
        raise UnexpectedAnswer(f"expected a grant, got {_glimpse(reply)!r}")
    decision = approval.decision
    known = {
        "idempotency_key": execution_key(approval),
        "choice": decision.choice if decision else None,
        "answer": decision.answer if decision else None,
    }
    return _read(Grant, {**known, **body, "approval": approval} if isinstance(body, dict) else body)


def read_checkpoint(reply: Reply, approval_id: str) -> Any:
    """The saved checkpoint: bare, or in an envelope that names its approval (which no checkpoint can fake)."""
    body = read_json(reply)
    enveloped = isinstance(body, dict) and body.keys() == {"id", "checkpoint"} and body["id"] == approval_id
    return body["checkpoint"] if enveloped else body


def read_route(reply: Reply) -> Route:
    """The outcome of a dry run."""
    return _read(Route, read_json(reply))


def read_session(reply: Reply) -> Session:
    """The session in a reply."""
    return _read(Session, read_json(reply))


def _of(approval_id: str, verb: str = "") -> str:
    path = f"{APPROVALS}/{quote(approval_id, safe='')}"
    return f"{path}/{verb}" if verb else path


def _post(path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Request:
    return Request("POST", path, headers={"Content-Type": "application/json", **(headers or {})}, content=_encode(body))


def _encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _read(kind: type[M], body: Any) -> M:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise UnexpectedAnswer(f"the server's {kind.__name__.lower()} is wrong at {where}: {first['msg']}") from None


def _problem(reply: Reply) -> dict[str, Any]:
    try:
        body = json.loads(reply.content)
    except ValueError:
        body = None
    if isinstance(body, dict):
        return body if "title" in body else {"title": _phrase(reply.status), **body}
    return {"title": _phrase(reply.status), "detail": _glimpse(reply)}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP {status}"


def _glimpse(reply: Reply) -> str:
    return reply.content[:200].decode(errors="replace")
