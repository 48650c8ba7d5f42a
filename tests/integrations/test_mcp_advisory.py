"""`sayso mcp`: an agent asks, checks, claims and reports through an MCP server that says that it is advisory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.agent import Json
from support.marks import on_sqlite
from support.mcp_host import McpHost, environment, text_of
from support.office import Office

pytestmark = on_sqlite


@pytest.fixture
def host(office: Office, tmp_path: Path) -> Iterator[McpHost]:
    """A host of `sayso mcp`."""
    opened = McpHost(tmp_path, environment(office, tmp_path), program="mcp", command=[])
    opened.greet()
    yield opened
    opened.kill()


def done(answer: Json) -> Json:
    """What a tool gave."""
    assert not answer["result"]["isError"], text_of(answer)
    told: Json = answer["result"]["structuredContent"]
    assert json.loads(text_of(answer)) == told
    return told


def test_every_tool_says_that_it_is_advisory(host: McpHost) -> None:
    """In the descriptions that the model reads, and in the server's instructions."""
    listed = host.ask("tools/list")["result"]["tools"]
    assert [tool["name"] for tool in listed] == ["ask", "check", "claim", "report"]
    assert all("(advisory)" in tool["description"] for tool in listed)
    assert "advisory" in host.greet()["result"]["instructions"]
    assert host.ask("ping")["result"] == {}
    assert host.ask("server/discover")["error"]["code"] == -32601


def test_an_agent_asks_claims_and_reports(host: McpHost, office: Office) -> None:
    """From the question to the report, with what the reviewer made of it; a second claim is refused."""
    asked = done(
        host.call("ask", {"action": "change_thing", "params": {"thing": "edge"}, "reason": "Worn", "step": "1"})
    )
    assert (asked["state"], asked["may_be_claimed"]) == ("pending", False)
    assert (
        done(host.call("ask", {"action": "change_thing", "params": {"thing": "edge"}, "step": "1"}))["id"]
        == asked["id"]
    )
    waiting = host.call_later("check", {"id": asked["id"], "wait_seconds": 30})
    form = office.form("U0ALICE", office.card(asked), "edit")
    form.fill("param:thing", "rim")
    assert office.person("U0ALICE").submit(form).ok
    assert done(waiting.result(40))["may_be_claimed"]
    grant = done(host.call("claim", {"id": asked["id"]}))
    assert (grant["params"], grant["edited"]) == ({"thing": "rim"}, True)
    assert "may have run" in text_of(host.call("claim", {"id": asked["id"]}))
    told = done(host.call("report", {"id": asked["id"], "outcome": "succeeded", "detail": "receipt 7"}))
    assert told["state"] == "succeeded"
    assert "receipt 7" in str(office.trail(asked)[-1]["rationale"])


def test_a_no_is_told_in_the_reviewers_words(host: McpHost, office: Office) -> None:
    """The feedback stands in what check gives, and a claim is refused with it."""
    asked = done(host.call("ask", {"action": "change_thing", "params": {"thing": "edge"}}))
    form = office.form("U0ALICE", office.card(asked), "reject")
    form.fill("reason", "Not today")
    office.person("U0ALICE").submit(form)
    assert "Not today" in done(host.call("check", {"id": asked["id"]}))["feedback"]
    refused = host.call("claim", {"id": asked["id"]})
    assert refused["result"]["isError"]
    assert "Not today" in text_of(refused)


@pytest.mark.parametrize(
    ("tool", "arguments", "problem"),
    [
        ("ask", {"action": "change_thing"}, "params is required"),
        ("ask", {"action": 7, "params": {}}, "action must be of type string"),
        ("ask", {"action": "change_thing", "params": {}, "approve": True}, "approve is not an argument of ask"),
        ("check", {"id": "apr_nobody"}, "Sayso: 404"),
        ("claim", {"id": "apr_nobody"}, "Sayso: 404"),
        ("report", {"id": "apr_nobody", "outcome": "fine"}, "outcome must be one of"),
        ("report", {"id": "apr_nobody", "outcome": "failed"}, "was not claimed"),
        ("approve", {}, "there is no tool approve"),
    ],
)
def test_what_is_wrong_is_told_to_the_model(host: McpHost, tool: str, arguments: Any, problem: str) -> None:
    """One line, as a result that failed."""
    answer = host.call(tool, arguments)
    assert answer["result"]["isError"]
    assert problem in text_of(answer)
