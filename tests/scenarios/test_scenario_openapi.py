"""`/openapi.json` tells the truth: every answer and error has the shape it says, and a client made from it works."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate
from support.agent import Agent
from support.office import Office

Json = dict[str, Any]


@pytest.fixture
def spec(office: Office) -> Json:
    """The description that the running server gives."""
    found: Json = office.agent.http.get("/openapi.json").json()
    return found


def test_the_description_is_valid_and_names_every_call(spec: Json) -> None:
    """It is valid OpenAPI; every call under /v1 wants a token, and says what it answers and how it refuses."""
    validate(spec)
    calls = [(path, operation) for path, methods in spec["paths"].items() for operation in methods.values()]
    for path, operation in calls:
        if not path.startswith("/v1/"):
            continue
        assert operation["security"], path
        responses = operation["responses"]
        assert any("application/json" in responses.get(code, {}).get("content", {}) for code in ("200", "201")), path
        assert "application/problem+json" in responses["401"]["content"], path
        assert "HTTPValidationError" not in str(operation), path


def test_every_answer_has_the_shape_that_is_described(office: Office, spec: Json) -> None:
    """Asking, waiting, deciding, claiming, reporting and each way of being refused fit their schemas, unknown keys included."""
    agent = office.agent
    asked = agent.refund(session_id="s")
    other = agent.refund(481)
    told = [
        ("ApprovalJson", agent.raw("GET", f"/approvals/{asked['id']}")),
        ("ApprovalsJson", agent.raw("GET", "/approvals")),
        ("RouteJson", agent.raw("POST", "/route", json={"action": "process_refund", "params": _REFUND})),
        ("SessionJson", agent.raw("PUT", "/sessions/s", json={"title": "One"})),
        ("SessionJson", agent.raw("GET", "/sessions/s")),
        ("Problem", agent.raw("GET", "/approvals/nobody")),
        ("Problem", agent.raw("POST", "/approvals", json={"action": "process_refund"})),
        ("Problem", agent.raw("POST", "/route", json={"action": "process_refund", "params": {"customer": 1}})),
        ("Problem", agent.raw("POST", f"/approvals/{asked['id']}/claim", json={"nonce": "nonce-one"})),
        ("Problem", Agent(str(agent.http.base_url), "wrong").raw("GET", "/approvals")),
        ("ApprovalJson", agent.raw("POST", f"/approvals/{other['id']}/cancel")),
    ]
    office.person("U0ALICE").click(office.card(asked), "approve")
    claim = {"nonce": "nonce-one"}
    told += [
        ("GrantJson", agent.raw("POST", f"/approvals/{asked['id']}/claim", json=claim)),
        ("ApprovalJson", agent.raw("POST", f"/approvals/{asked['id']}/result", json=claim | {"outcome": "succeeded"})),
    ]
    for name, answer in told:
        _fits(spec, name, answer.json())
        problem = answer.headers["content-type"] == "application/problem+json"
        assert problem == (name == "Problem") == (answer.status_code >= 400), answer.text


_REFUND = {"customer": "ann@example.com", "amount_usd": 480}


def _fits(spec: Json, name: str, body: Json) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": spec["components"]}
    jsonschema.Draft202012Validator(schema).validate(body)
    unknown = set(body) - set(spec["components"]["schemas"][name]["properties"])
    assert not unknown, f"{name} does not tell of {unknown}"


@pytest.fixture
def generated(spec: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A client made from the description by a generator that knows nothing of Sayso."""
    (tmp_path / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--meta", "none"]
    paths = ["--path", str(tmp_path / "spec.json"), "--output-path", str(tmp_path / "sayso_generated")]
    done = subprocess.run([*command, *paths], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout, done.stdout
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("sayso_generated")
    for name in [name for name in sys.modules if name.startswith("sayso_generated")]:
        del sys.modules[name]


def test_a_client_made_from_it_asks_waits_claims_and_reports(office: Office, generated: ModuleType) -> None:
    """A generated client creates a request, reads the decision, claims the grant and reports, all in typed objects."""
    models = importlib.import_module("sayso_generated.models")
    calls = importlib.import_module("sayso_generated.api.default")
    names = {path.stem for path in Path(str(calls.__path__[0])).glob("*.py")}

    def call(word: str) -> Any:
        name = next(name for name in sorted(names) if name.startswith(f"{word}_v1_"))
        return importlib.import_module(f"sayso_generated.api.default.{name}")

    http = generated.AuthenticatedClient(base_url=str(office.agent.http.base_url), token=office.agent.token)
    body = models.Request.from_dict({"action": "process_refund", "params": _REFUND, "reason": "It arrived broken."})
    made = call("create").sync(client=http, body=body, idempotency_key="generated-1")
    assert made.state == models.State.PENDING
    office.person("U0ALICE").click(office.card({"id": made.id}), "approve")
    assert call("get").sync(made.id, client=http, wait="5").state == models.State.APPROVED
    grant = call("claim").sync(made.id, client=http, body=models.ClaimBody(nonce="nonce-of-generated"))
    assert grant.params.to_dict() == _REFUND
    report = models.ResultBody.from_dict({"nonce": "nonce-of-generated", "outcome": "succeeded"})
    assert call("result").sync(made.id, client=http, body=report).state == models.State.SUCCEEDED
    refused = call("get").sync("nobody", client=http)
    assert isinstance(refused, models.Problem), "a refusal is read as a problem too"
    assert refused.status == 404
