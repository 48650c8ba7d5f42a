"""An agent, or a broken host, tries to get silence out of the hook: silence would let the tool run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.agent import Json
from support.hosts import TREE, Host, manifest
from support.marks import on_sqlite
from support.office import Office

pytestmark = on_sqlite


@pytest.fixture
def host(closed_office: Office) -> Iterator[Host]:
    """A session of a host that does not wait."""
    closed_office.manifest.write_text(manifest(), encoding="utf-8")
    closed_office.open()
    opened = Host(closed_office.server.url, closed_office.agent.token, query="?wait=0")
    yield opened
    opened.close()


def stopped(host: Host, body: bytes | Json, path: str = "/v1/hooks/claude-code") -> str:
    """The reason why a host that reads this answer does not run the tool; fails where it would."""
    answered = host.send(body, path)
    if not 200 <= answered.status_code < 300:
        return f"status {answered.status_code}"
    output = answered.json().get("hookSpecificOutput", {})
    if output.get("hookEventName") == "PermissionRequest":
        assert output["decision"]["behavior"] == "deny", output
        return str(output["decision"]["message"])
    assert output.get("permissionDecision") == "deny", answered.text
    assert output["hookEventName"] == "PreToolUse"
    return str(output["permissionDecisionReason"])


BROKEN = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"\xff\xfe",
    b"{}",
    b'{"hook_event_name": "PreToolUse"}',
    b'{"hook_event_name": "pretooluse", "tool_name": "Bash", "tool_input": {"command": "ls"}, "session_id": "s"}',
    b'{"hook_event_name": null, "tool_name": "Bash", "tool_input": {"command": "ls"}, "session_id": "s"}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": null, "session_id": "s"}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": "ls", "session_id": "s"}',
    b'{"hook_event_name": "PreToolUse", "tool_name": null, "tool_input": {}, "session_id": "s"}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "", "tool_input": {}, "session_id": "s"}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"}}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"}, "session_id": 1}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls", "command": "git push"}, "session_id": "s"}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls\\u0000"}, "session_id": "s"}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "\\ud800"}, "session_id": "s"}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"a": NaN}, "session_id": "s"}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "B\\nash", "tool_input": {}, "session_id": "s"}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": '
    + b'{"a":' * 5000
    + b"1"
    + b"}" * 5000
    + b', "session_id": "s"}',
    b"[" * 100_000,
    b'{"hook_event_name": "PermissionRequest"}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": {"content": "'
    + b"x" * 70_000
    + b'"}, "session_id": "s"}',
    b'{"hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": {"content": "'
    + b"x" * 3_100_000
    + b'"}, "session_id": "s"}',
]


@pytest.mark.parametrize("body", BROKEN, ids=lambda body: body[:60].decode("latin-1"))
def test_a_body_that_cannot_be_read_stops_the_tool(host: Host, body: bytes) -> None:
    """Whatever is sent instead of an event: the answer is a refusal, never silence."""
    assert stopped(host, body)


@pytest.mark.parametrize("token", ["", "wrong", "Bearer", "sayso_" + "x" * 40, "a b"])
def test_a_wrong_token_stops_the_tool(host: Host, token: str) -> None:
    """A host without the right token runs nothing, not even a read, and is told what to do."""
    stranger = Host(str(host.http.base_url), token, query="?wait=0")
    told = stopped(stranger, stranger.event("PreToolUse", "Read", {"file_path": f"{TREE}/a"}))
    assert "does not know this agent's token" in told
    told = stopped(stranger, stranger.event("PermissionRequest", "Read", {"file_path": f"{TREE}/a"}))
    assert "does not know this agent's token" in told
    stranger.close()


def test_a_revoked_token_stops_the_tool(closed_office: Office, host: Host) -> None:
    """The agent is revoked between two calls: the second one does not run."""
    assert host.pre("Read", {"file_path": f"{TREE}/a"})["permissionDecision"] == "allow"
    from store import agents

    closed_office.database.run(lambda unit: agents.revoke(unit, "demo"))
    assert "token" in stopped(host, host.event("PreToolUse", "Read", {"file_path": f"{TREE}/b"}))


def test_a_manifest_without_hooks_stops_every_tool(closed_office: Office) -> None:
    """An office that never heard of hosts refuses them."""
    closed_office.open()
    host = Host(closed_office.server.url, closed_office.agent.token)
    told = stopped(host, host.event("PreToolUse", "Read", {"file_path": f"{TREE}/a"}))
    assert "no hooks section" in told
    host.close()


def test_an_unknown_host_gets_no_verdict(host: Host) -> None:
    """Only hosts whose answers are known are served; an address that is none is no success."""
    assert "status 4" in stopped(host, host.event("PreToolUse", "Read", {}), "/v1/hooks/other")


def test_what_breaks_inside_stops_the_tool(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is a refusal that says so, and it is logged."""
    from bot.service import hosting

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(hosting, "begin", broken)
    assert "Sayso cannot answer now" in stopped(host, host.event("PreToolUse", "Read", {"file_path": f"{TREE}/a"}))


def test_an_agent_cannot_answer_for_another(closed_office: Office, host: Host) -> None:
    """A second agent names the first one's session and call: it finds no approval of theirs, and reports for none."""
    host.bash("git push origin main", "toolu_1")
    (approval,) = closed_office.agent.listing(state="pending")["approvals"]
    closed_office.person("U0ALICE").click(closed_office.card(approval), "approve")
    closed_office.until(lambda: closed_office.agent.see(approval)["state"] == "approved", "approved")
    other = Host(closed_office.server.url, closed_office.agent_called("other").token, host.session, query="?wait=0")
    assert other.bash("git push origin main", "toolu_1")["permissionDecision"] == "deny"
    assert host.bash("git push origin main", "toolu_1")["permissionDecision"] == "allow"
    told = other.post("Bash", {"command": "git push origin main"}, "toolu_1", {"exit_code": 0})
    assert "has no grant" in told["systemMessage"]
    assert closed_office.agent.see(approval)["state"] == "claimed"
    other.close()


@pytest.mark.parametrize("query", ["?wait=-1", "?wait=1e9", "?wait=x", "?wait=99999999999", "?pending=never"])
def test_no_query_gets_around_the_wait(host: Host, query: str) -> None:
    """An address with odd settings still stops what nobody decided."""
    host.query = query + ("&wait=0" if "pending" in query else "")
    assert stopped(host, host.event("PreToolUse", "Bash", {"command": "git push"}))


def test_reading_is_not_a_way_to_a_writing_approval(closed_office: Office, host: Host) -> None:
    """One approval is for one tool: another tool with the same arguments asks for itself."""
    host.pre("mcp__a__send", {"text": "x"}, "toolu_1")
    (approval,) = closed_office.agent.listing(state="pending")["approvals"]
    closed_office.person("U0ALICE").click(closed_office.card(approval), "approve")
    closed_office.until(lambda: closed_office.agent.see(approval)["state"] == "approved", "approved")
    assert host.pre("mcp__b__send", {"text": "x"}, "toolu_2")["permissionDecision"] == "deny"
    assert host.pre("mcp__a__send", {"text": "x"}, "toolu_3")["permissionDecision"] == "allow"


def test_a_report_does_not_open_a_grant_again(closed_office: Office, host: Host) -> None:
    """After its end was reported the same call needs a new yes."""
    host.bash("git push origin main", "toolu_1")
    (approval,) = closed_office.agent.listing(state="pending")["approvals"]
    closed_office.person("U0ALICE").click(closed_office.card(approval), "approve")
    closed_office.until(lambda: closed_office.agent.see(approval)["state"] == "approved", "approved")
    assert host.bash("git push origin main", "toolu_1")["permissionDecision"] == "allow"
    host.post("Bash", {"command": "git push origin main"}, "toolu_1", {"exit_code": 0})
    for call in ("toolu_1", "toolu_2"):
        assert host.bash("git push origin main", call)["permissionDecision"] == "deny"


def test_every_byte_of_an_event_may_be_broken(host: Host) -> None:
    """An event cut short anywhere is a refusal."""
    whole = json.dumps(host.event("PreToolUse", "Read", {"file_path": f"{TREE}/a"})).encode()
    for end in range(0, len(whole), 7):
        assert stopped(host, whole[:end])
