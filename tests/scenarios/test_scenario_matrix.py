"""Who gets through which door: every route of the running app, with every kind of credential."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from support.marks import on_sqlite
from support.office import Office

from store import agents
from store.agents import Scope

pytestmark = on_sqlite
Route = tuple[str, str]

# What each credential gets, in this order. 404: it is somebody else's, so it is not there.
CREDENTIALS = (
    *(
        "none",
        "garbage",
        "revoked",
        "expired",
        "rotated out",
        "no scope",
        "wrong scope",
        "to label",
        "another's",
        "own",
    ),
)
AGENTS_ONLY = (401, 401, 401, 401, 401, 403, 403, 403)
ANYBODY = (200,) * len(CREDENTIALS)
NEEDED: dict[Route, Scope] = {
    ("POST", "/v1/approvals"): Scope.CREATE,
    ("POST", "/v1/route"): Scope.CREATE,
    ("GET", "/v1/approvals"): Scope.READ,
    ("GET", "/v1/approvals/{approval_id}"): Scope.READ,
    ("POST", "/v1/approvals/{approval_id}/claim"): Scope.CLAIM,
    ("POST", "/v1/approvals/{approval_id}/result"): Scope.CLAIM,
    ("POST", "/v1/approvals/{approval_id}/answer"): Scope.CREATE,
    ("POST", "/v1/approvals/{approval_id}/cancel"): Scope.CREATE,
    ("POST", "/v1/approvals/{approval_id}/label"): Scope.CREATE,
    ("POST", "/v1/approvals/{approval_id}/delegate"): Scope.CREATE,
    ("GET", "/v1/approvals/{approval_id}/checkpoint"): Scope.READ,
    ("GET", "/v1/sessions/{session_id:path}"): Scope.READ,
    ("PUT", "/v1/sessions/{session_id:path}"): Scope.CREATE,
    ("POST", "/v1/tool-calls"): Scope.CREATE,
    ("POST", "/aap/v1/requests"): Scope.CREATE,
    ("GET", "/aap/v1/requests/{request_id}"): Scope.READ,
    ("DELETE", "/aap/v1/requests/{request_id}"): Scope.CREATE,
    ("POST", "/aap/v1/requests/{request_id}/consume"): Scope.CLAIM,
    ("POST", "/aap/v1/requests/{request_id}/outcome"): Scope.CLAIM,
    ("POST", "/aap/v1/instances"): Scope.CREATE,
}
MATRIX: dict[Route, tuple[int, ...]] = {
    ("POST", "/v1/approvals"): (*AGENTS_ONLY, 201, 201),
    ("POST", "/v1/route"): (*AGENTS_ONLY, 200, 200),
    ("GET", "/v1/approvals"): (*AGENTS_ONLY, 200, 200),
    ("GET", "/v1/approvals/{approval_id}"): (*AGENTS_ONLY, 404, 200),
    ("POST", "/v1/approvals/{approval_id}/claim"): (*AGENTS_ONLY, 404, 409),
    ("POST", "/v1/approvals/{approval_id}/result"): (*AGENTS_ONLY, 404, 409),
    ("POST", "/v1/approvals/{approval_id}/answer"): (*AGENTS_ONLY, 404, 409),
    ("POST", "/v1/approvals/{approval_id}/cancel"): (*AGENTS_ONLY, 404, 200),
    ("POST", "/v1/approvals/{approval_id}/label"): (*AGENTS_ONLY[:-1], 200, 404, 200),
    ("POST", "/v1/approvals/{approval_id}/delegate"): (*AGENTS_ONLY, 404, 422),
    ("GET", "/v1/approvals/{approval_id}/checkpoint"): (*AGENTS_ONLY, 404, 200),
    ("GET", "/v1/sessions/{session_id:path}"): (*AGENTS_ONLY, 404, 200),
    ("PUT", "/v1/sessions/{session_id:path}"): (*AGENTS_ONLY, 200, 200),
    ("POST", "/v1/tool-calls"): (*AGENTS_ONLY, 200, 200),
    # The agent of this test asked for none of these requests; their own tests are in test_scenario_aap.py.
    ("POST", "/aap/v1/requests"): (*AGENTS_ONLY, 400, 400),
    ("GET", "/aap/v1/requests/{request_id}"): (*AGENTS_ONLY, 404, 404),
    ("DELETE", "/aap/v1/requests/{request_id}"): (*AGENTS_ONLY, 404, 404),
    ("POST", "/aap/v1/requests/{request_id}/consume"): (*AGENTS_ONLY, 404, 404),
    ("POST", "/aap/v1/requests/{request_id}/outcome"): (*AGENTS_ONLY, 404, 404),
    ("POST", "/aap/v1/instances"): (*AGENTS_ONLY, 403, 403),  # no agent makes another
    # A host's hook is never answered with silence: whoever has no right is told that the call may not run.
    ("POST", "/v1/hooks/{host}"): ANYBODY,
    # Figures and shapes, no request's content: for the platform, on the address that the operator chose.
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
    ("GET", "/metrics"): ANYBODY,
    ("GET", "/openapi.json"): ANYBODY,
    # Slack's door looks at Slack's signature and at nothing else: see below.
    ("POST", "/slack/events"): (401,) * len(CREDENTIALS),
}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/approvals": {"action": "change_thing", "params": {"thing": "x"}},
    "/v1/route": {"action": "change_thing"},
    "claim": {"nonce": "nonce-of-the-matrix"},
    "result": {"nonce": "nonce-of-the-matrix", "outcome": "succeeded"},
    "answer": {"text": "yes"},
    "label": {"label": "incident"},
    "delegate": {"agent": "demo"},
    "/v1/tool-calls": {"session_id": "run", "tool": "Read", "arguments": {"path": "x"}},
    "outcome": {"status": "succeeded"},
}


def routes(found: list[Any]) -> Iterator[Route]:
    """Every method and path that the app answers, also inside what it includes."""
    for route in found:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes(inner.routes)
        else:
            yield from ((method, route.path) for method in route.methods - {"HEAD"})


def test_every_route_has_its_line(office: Office) -> None:
    """A route that nobody thought about here fails this test."""
    assert sorted(routes(office.server.app.routes)) == sorted(MATRIX)


def _token(office: Office, credential: str, name: str = "demo", scopes: frozenset[Scope] = agents.EVERYTHING) -> str:
    made: str = office.database.run(lambda unit: agents.add(unit, name, scopes=scopes))[1]
    if credential == "revoked":
        office.database.run(lambda unit: agents.revoke(unit, name))
    if credential == "rotated out":
        office.database.run(lambda unit: agents.rotate(unit, name, overlap_seconds=0))
    return made


def _headers(office: Office, credential: str, route: Route) -> dict[str, str]:
    if credential == "none":
        return {}
    needed = NEEDED.get(route, Scope.READ)
    token = {
        "garbage": lambda: "sayso_" + "x" * 43,
        "revoked": lambda: _token(office, "revoked", "fired"),
        "expired": lambda: office.database.run(lambda unit: agents.add(unit, "late", seconds=-1))[1],
        "rotated out": lambda: _token(office, "rotated out", "turned"),
        "no scope": lambda: _token(office, "", "demo", frozenset()),
        "wrong scope": lambda: _token(office, "", "demo", agents.EVERYTHING - {needed}),
        "to label": lambda: _token(office, "", "critic", frozenset({Scope.LABEL})),
        "another's": lambda: _token(office, "", "other"),
        "own": lambda: _token(office, ""),
    }[credential]()
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_who_gets_through(office: Office, credential: str) -> None:
    """Each credential gets on each route what the table says, and a refusal changes nothing."""
    agent = office.agent
    agent.beat("run")
    got: dict[Route, int] = {}
    with httpx2.Client(base_url=agent.http.base_url, timeout=30) as http:
        for method, path in MATRIX:
            own = agent.ask("change_thing", {"thing": "x"})
            before = agent.see(own)
            address = path.replace("{approval_id}", own["id"]).replace("{session_id:path}", "run")
            address = address.replace("{host}", "claude-code").replace("{request_id}", "req_of_nobody")
            body = BODIES.get(path) or BODIES.get(path.rpartition("/")[2]) or {}
            headers = _headers(office, credential, (method, path)) | {"Idempotency-Key": f"k-{path}"}
            answer = http.request(method, address, headers=headers, **({} if method == "GET" else {"json": body}))
            got[method, path] = answer.status_code
            if answer.status_code in (401, 403, 404):
                assert agent.see(own) == before
            if answer.status_code == 401 and path != "/slack/events":
                assert answer.headers["WWW-Authenticate"] == "Bearer"
    wanted = {route: statuses[CREDENTIALS.index(credential)] for route, statuses in MATRIX.items()}
    assert got == wanted


def test_slacks_signature_opens_slacks_door_and_no_other(office: Office) -> None:
    """Only a fresh signature of ours opens Slack's door; a stolen, old or early one does not, nor a token beside it."""
    send, now = office.slack.send_signed, int(time.time())
    help_ = b"command=%2Fsayso&text=help&user_id=U0ALICE"
    bearer = {"authorization": f"Bearer {office.agent.token}"}
    tries = {
        "valid": send(help_)[0],
        "another secret": send(help_, secret="another secret")[0],
        "another secret, with a token": send(help_, bearer, secret="another secret")[0],
        "old": send(help_, timestamp=now - 400)[0],
        "early": send(help_, timestamp=now + 400)[0],
        "no signature": send(help_, {"x-slack-signature": None})[0],
    }
    assert tries == dict.fromkeys(tries, 401) | {"valid": 200}
    for method, path in MATRIX:
        if method == "POST" and path.startswith("/v1/") and "hooks" not in path:
            assert send(b"{}", path=path.replace("{approval_id}", "apr_x"))[0] == 401


def test_a_signed_tap_that_is_replayed_decides_nothing_more(office: Office) -> None:
    """The very same signed bytes again, within Slack's five minutes, are answered and change nothing."""
    refund = office.agent.refund()
    office.person("U0ALICE").click(office.card(refund, timeout=20), "approve")
    decided = office.agent.see(refund)
    assert office.slack.replay()[0] == 200
    assert office.agent.see(refund) == decided
    assert office.events(refund).count("approved") == 1
