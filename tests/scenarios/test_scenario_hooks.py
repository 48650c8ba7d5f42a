"""A coding agent's host asks before each tool call; a tap in Slack lets it go on."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from support.agent import Json
from support.hosts import ACTIONS, TREE, Host, manifest
from support.office import Office
from support.standing import give


@pytest.fixture
def hosting(closed_office: Office) -> Office:
    """An office whose manifest maps tools."""
    closed_office.manifest.write_text(manifest(), encoding="utf-8")
    closed_office.open()
    return closed_office


@pytest.fixture
def host(hosting: Office) -> Iterator[Host]:
    """A session of a host."""
    opened = Host(hosting.server.url, hosting.agent.token)
    yield opened
    opened.close()


def pending(office: Office, count: int = 1) -> list[Json]:
    """The approvals that wait, once there are so many."""

    def found() -> list[Json]:
        waiting: list[Json] = office.agent.listing(state="pending")["approvals"]
        return waiting if len(waiting) == count else []

    return office.until(found, f"{count} approvals wait")


def tap(office: Office, approval: Json, button: str = "approve") -> None:
    """A person decides."""
    office.person("U0ALICE").click(office.card(approval), button)


def fill(office: Office, approval: Json, button: str, **values: str) -> None:
    """A person fills a form."""
    form = office.form("U0ALICE", office.card(approval), button)
    for name, value in values.items():
        form.fill(name.replace("__", ":"), value)
    assert office.person("U0ALICE").submit(form).ok


def reject(office: Office, approval: Json, reason: str) -> None:
    """A person says no, and why."""
    fill(office, approval, "reject", reason=reason)


def test_what_policy_lets_run_is_allowed_claimed_and_reported(hosting: Office, host: Host) -> None:
    """A read needs nobody: it is allowed at once, on the record like any other, and its end is reported."""
    told = host.pre("Read", {"file_path": f"{TREE}/a.py"}, "toolu_1")
    assert told["permissionDecision"] == "allow"
    (approval,) = hosting.agent.listing(session_id=host.session)["approvals"]
    assert (approval["action"], approval["state"], approval["params"]) == (
        "look",
        "claimed",
        {"file_path": f"{TREE}/a.py"},
    )
    assert host.post("Read", {"file_path": f"{TREE}/a.py"}, "toolu_1", {"file": "…"}) == {}
    assert hosting.agent.see(approval)["state"] == "succeeded"
    assert host.pre("Read", {"file_path": f"{TREE}/a.py"})["permissionDecision"] == "allow"
    hosting.intact()


def test_a_tap_lets_the_waiting_call_run_once(hosting: Office, host: Host) -> None:
    """The hook waits while the card is out, answers on the tap, and the same call does not run twice."""
    waiting = host.bash_later("git push origin main", "toolu_1")
    (approval,) = pending(hosting)
    assert approval["params"] == {"command": "git push origin main"}
    assert any("sends commits to another repository" in reason for reason in approval["why"])
    tap(hosting, approval)
    told = waiting.result(30)
    assert told["permissionDecision"] == "allow"
    assert "updatedInput" not in told
    assert hosting.agent.see(approval)["state"] == "claimed"
    again = host.bash("git push origin main", "toolu_1")
    assert again["permissionDecision"] == "deny"
    assert "its outcome is unknown" in again["permissionDecisionReason"]
    host.post("Bash", {"command": "git push origin main"}, "toolu_1", {"stdout": "", "interrupted": False})
    assert hosting.agent.see(approval)["state"] == "succeeded"
    hosting.intact()


def test_a_no_comes_with_its_reason(hosting: Office, host: Host) -> None:
    """The model is told who said no and why; the same call again is a new request."""
    waiting = host.bash_later("git push origin main")
    (approval,) = pending(hosting)
    reject(hosting, approval, "Use the release branch")
    told = waiting.result(30)
    assert told["permissionDecision"] == "deny"
    assert "Use the release branch" in told["permissionDecisionReason"]
    waiting = host.bash_later("git push origin main")
    (second,) = pending(hosting)
    assert second["id"] != approval["id"]
    tap(hosting, second)
    assert waiting.result(30)["permissionDecision"] == "allow"


def test_an_edit_is_what_runs(hosting: Office, host: Host) -> None:
    """The reviewer's words replace the model's, and it is told."""
    waiting = host.bash_later("git push origin main")
    (approval,) = pending(hosting)
    fill(hosting, approval, "edit", param__command="git push origin release")
    told = waiting.result(30)
    assert told["permissionDecision"] == "allow"
    assert told["updatedInput"] == {"command": "git push origin release"}
    assert "changed arguments" in told["permissionDecisionReason"]


def test_silence_is_told_as_silence(hosting: Office, host: Host) -> None:
    """When time runs out the model hears that nobody decided, and not that anybody refused."""
    waiting = host.bash_later("git push origin main", "toolu_1")
    (approval,) = pending(hosting)
    hosting.advance(24 * 3600 + 1)
    reason = waiting.result(30)["permissionDecisionReason"]
    assert hosting.agent.see(approval)["state"] == "expired"
    assert "nobody decided in time" in reason
    assert "expired" in reason
    assert "rejected" not in reason
    assert host.bash("git push origin main", "toolu_1")["permissionDecisionReason"] == reason


def test_a_host_that_waits_no_longer_finds_its_request_again(hosting: Office, host: Host) -> None:
    """The hook answers before the host's time-out; the same call, by whatever id, goes on waiting for the same approval."""
    host.query = "?wait=1"
    told = host.bash("git push origin main", "toolu_1")
    assert told["permissionDecision"] == "deny"
    assert "it is not refused" in told["permissionDecisionReason"]
    (approval,) = pending(hosting)
    tap(hosting, approval)
    assert host.bash("git push origin main", "toolu_2")["permissionDecision"] == "allow"
    assert len(hosting.agent.listing(session_id=host.session)["approvals"]) == 1


def test_another_place_session_or_argument_is_another_step(hosting: Office, host: Host) -> None:
    """An approval for one directory, session or command is none for another."""
    host.query = "?wait=0"
    host.bash("git push origin main")
    (approval,) = pending(hosting)
    tap(hosting, approval)
    hosting.until(lambda: hosting.agent.see(approval)["state"] == "approved", "approved")
    assert host.bash("git push origin other")["permissionDecision"] == "deny"
    assert host.bash("git push origin main", cwd=f"{TREE}/sub")["permissionDecision"] == "deny"
    other = Host(hosting.server.url, hosting.agent.token, query="?wait=0")
    assert other.bash("git push origin main")["permissionDecision"] == "deny"
    other.close()
    assert host.bash("git push origin main")["permissionDecision"] == "allow"


def test_two_hosts_resumed_from_one_state_run_it_once(hosting: Office, host: Host) -> None:
    """The same saved call resumed twice, at the same moment and with the same id: one is allowed, the other is told."""
    host.query = "?wait=0"
    host.bash("git push origin main", "toolu_1")
    (approval,) = pending(hosting)
    tap(hosting, approval)
    hosting.until(lambda: hosting.agent.see(approval)["state"] == "approved", "approved")
    both = [host.bash_later("git push origin main", "toolu_1") for _ in range(8)]
    decisions = sorted(one.result(30)["permissionDecision"] for one in both)
    assert decisions == ["allow", *["deny"] * 7]


def test_two_calls_of_one_turn_get_each_its_own_verdict(hosting: Office, host: Host) -> None:
    """Opposite taps on two calls that wait side by side reach each the right one."""
    first, second = host.bash_later("git push origin one"), host.bash_later("git push origin two")
    waiting = {approval["params"]["command"]: approval for approval in pending(hosting, 2)}
    tap(hosting, waiting["git push origin two"])
    reject(hosting, waiting["git push origin one"], "Not this one")
    assert first.result(30)["permissionDecision"] == "deny"
    assert second.result(30)["permissionDecision"] == "allow"


def _raw(office: Office, body: Json) -> socket.socket:
    """A host that can vanish: a bare connection with the request sent."""
    address = office.server.url.removeprefix("http://").split(":")
    raw = json.dumps(body).encode()
    connection = socket.create_connection((address[0], int(address[1])))
    head = f"POST /v1/hooks/claude-code HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {office.agent.token}\r\n"
    head += f"Content-Length: {len(raw)}\r\n\r\n"
    connection.sendall(head.encode() + raw)
    return connection


def test_a_host_that_died_does_not_burn_the_grant(hosting: Office, host: Host) -> None:
    """The host is killed while it waits; the tap comes; the restarted host makes the call with a new id and gets the grant."""
    gone = _raw(hosting, host.event("PreToolUse", "Bash", {"command": "git push origin main"}, "toolu_1"))
    (approval,) = pending(hosting)
    gone.close()
    time.sleep(0.3)
    tap(hosting, approval)
    hosting.until(lambda: hosting.agent.see(approval)["state"] == "approved", "approved")
    time.sleep(0.5)
    assert hosting.agent.see(approval)["state"] == "approved"
    assert host.bash("git push origin main", "toolu_2")["permissionDecision"] == "allow"


def test_killed_inside_the_tool_it_does_not_run_again(closed_office: Office) -> None:
    """Allowed, then killed before it reported: the model's next try is refused and told, and the outcome becomes unknown."""
    closed_office.manifest.write_text(manifest(actions={"use_tool": _short()}), encoding="utf-8")
    closed_office.open()
    host = Host(closed_office.server.url, closed_office.agent.token)
    waiting = host.bash_later("git push origin main", "toolu_1")
    (approval,) = pending(closed_office)
    tap(closed_office, approval)
    assert waiting.result(30)["permissionDecision"] == "allow"
    told = host.bash("git push origin main", "toolu_2")
    assert told["permissionDecision"] == "deny"
    assert "it may have run" in told["permissionDecisionReason"]
    closed_office.advance(61)
    closed_office.until(lambda: closed_office.agent.see(approval)["state"] == "outcome_unknown", "outcome unknown")
    assert "it may have run" in host.bash("git push origin main", "toolu_1")["permissionDecisionReason"]
    host.query = "?wait=0"
    host.bash("git push origin main", "toolu_3")
    (second,) = pending(closed_office)
    assert any("an earlier run of this very call never reported" in reason for reason in second["why"])
    host.close()


def _short() -> Json:
    facts: Json = {"title": "T", "describe": "D", "severity": "medium", "reversible": True}
    return facts | {"required_role": "finance", "channel": "#finance", "execution_seconds": 60}


def test_one_call_of_a_session_is_deferred_and_its_siblings_wait(closed_office: Office) -> None:
    """Of two calls of one turn the first is deferred and the second held, or the host would lose one of them."""
    closed_office.manifest.write_text(manifest({"pending": "defer"}), encoding="utf-8")
    closed_office.open()
    office = closed_office
    host = Host(office.server.url, office.agent.token)
    assert host.bash("git push origin one", "toolu_1")["permissionDecision"] == "defer"
    sibling = host.bash_later("git push origin two", "toolu_2")
    waiting = {approval["params"]["command"]: approval for approval in pending(office, 2)}
    assert not sibling.done()
    other = Host(office.server.url, office.agent.token)
    assert other.bash("git push origin elsewhere")["permissionDecision"] == "defer"
    tap(office, waiting["git push origin one"])
    office.until(lambda: office.agent.see(waiting["git push origin one"])["state"] == "approved", "approved")
    assert host.bash("git push origin one", "toolu_1")["permissionDecision"] == "allow"
    tap(office, waiting["git push origin two"])
    assert sibling.result(30)["permissionDecision"] == "allow"
    assert host.bash("git push origin three", "toolu_3")["permissionDecision"] == "defer"
    assert host.bash("git push origin three", "toolu_3")["permissionDecision"] == "defer"
    host.close()
    other.close()


def test_racing_siblings_are_deferred_one_at_a_time(closed_office: Office) -> None:
    """Eight calls of one turn at once: exactly one is deferred, whoever comes first."""
    closed_office.manifest.write_text(manifest({"pending": "defer", "wait_seconds": 2}), encoding="utf-8")
    closed_office.open()
    host = Host(closed_office.server.url, closed_office.agent.token)
    calls = [host.bash_later(f"git push origin {number}") for number in range(8)]
    decisions = sorted(one.result(60)["permissionDecision"] for one in calls)
    assert decisions == ["defer", *["deny"] * 7] or decisions == [*["deny"] * 7, "defer"]
    host.close()


def test_stop_holds_every_tool(hosting: Office, host: Host) -> None:
    """While a person holds everything, not even a read runs; afterwards the same call does."""
    hosting.person("U0ADMIN").command("/sayso", "stop")
    host.query = "?wait=0"
    told = host.pre("Read", {"file_path": f"{TREE}/a.py"}, "toolu_1")
    assert told["permissionDecision"] == "deny"
    hosting.person("U0ADMIN").command("/sayso", "start")
    assert host.pre("Read", {"file_path": f"{TREE}/b.py"})["permissionDecision"] == "allow"


def test_a_paused_session_runs_nothing(hosting: Office, host: Host) -> None:
    """A session is known by the host's own name for it, so that people can pause it."""
    assert host.pre("Read", {"file_path": f"{TREE}/a.py"})["permissionDecision"] == "allow"
    hosting.person("U0ADMIN").command("/sayso", f"pause {host.session}")
    told = host.pre("Read", {"file_path": f"{TREE}/b.py"})
    assert told["permissionDecision"] == "deny"
    assert "paused" in told["permissionDecisionReason"]


def test_a_reviewers_question_reaches_the_model(hosting: Office, host: Host) -> None:
    """A tool call cannot answer, so the model is told the question and asks again; the clock goes on."""
    waiting = host.bash_later("git push origin main")
    (approval,) = pending(hosting)
    fill(hosting, approval, "request_info", question="Which release is this?")
    told = waiting.result(30)
    assert told["permissionDecision"] == "deny"
    assert "Which release is this?" in told["permissionDecisionReason"]
    assert hosting.agent.see(approval)["info_request"] is None
    assert hosting.agent.see(approval)["state"] == "pending"


def test_permission_request_is_answered_in_its_own_form(hosting: Office, host: Host) -> None:
    """Where a host asks its own question, the answer has that event's shape; a call that this hook has just let run passes once."""
    body = host.event("PermissionRequest", "Bash", {"command": "git push origin main"}, "toolu_1")
    later: Future[Any] = host.pool.submit(host.send, body)
    (approval,) = pending(hosting)
    tap(hosting, approval)
    output = later.result(30).json()["hookSpecificOutput"]
    assert output == {"hookEventName": "PermissionRequest", "decision": {"behavior": "allow"}}
    assert host.pre("Read", {"file_path": f"{TREE}/a"}, "toolu_2")["permissionDecision"] == "allow"
    body = host.event("PermissionRequest", "Read", {"file_path": f"{TREE}/a"}, "toolu_2")
    assert host.send(body).json()["hookSpecificOutput"]["decision"]["behavior"] == "allow"
    body = host.event("PermissionRequest", "mcp__mail__send", {"to": "x"}, "toolu_3")
    decision = host.send(body).json()["hookSpecificOutput"]["decision"]
    assert decision["behavior"] == "deny"
    assert "People write mail here" in decision["message"]


@pytest.mark.parametrize(
    ("response", "name", "state", "detail"),
    [
        ({"stdout": "x", "interrupted": True}, "PostToolUse", "failed", "interrupted"),
        ({"exit_code": 3}, "PostToolUse", "failed", "exit code 3"),
        ({"exit_code": 0, "stdout": "secret"}, "PostToolUse", "succeeded", "exit code 0"),
        ({"is_error": True}, "PostToolUse", "failed", "the tool reported an error"),
        ("text", "PostToolUse", "succeeded", None),
        ({}, "PostToolUseFailure", "failed", "the tool failed"),
    ],
)
def test_what_became_of_it_is_told_without_what_it_printed(
    hosting: Office, host: Host, response: Any, name: str, state: str, detail: str | None
) -> None:
    """A failure is a failure, and no output of a tool is stored."""
    host.bash("ls", "toolu_1")
    host.post("Bash", {"command": "ls"}, "toolu_1", response, name)
    (approval,) = hosting.agent.listing(session_id=host.session)["approvals"]
    assert approval["state"] == state
    line = hosting.trail(approval)[-1]
    assert (line["event"], line["rationale"]) == ("result", detail)


def test_a_report_of_a_call_that_nobody_allowed_changes_nothing(hosting: Office, host: Host) -> None:
    """There is no grant, and so no result."""
    told = host.post("Bash", {"command": "ls"}, "toolu_9", {"exit_code": 0})
    assert "has no grant" in told["systemMessage"]


def test_a_rule_that_denies_asks_nobody_and_is_on_the_record(hosting: Office, host: Host) -> None:
    """The model gets the manifest's words, the trail a line, and no card appears."""
    told = host.pre("mcp__mail__send", {"to": "x"})
    assert told["permissionDecision"] == "deny"
    assert "People write mail here" in told["permissionDecisionReason"]
    (line,) = [line for line in hosting.trail() if line["event"] == "refused"]
    assert (line["action"], line["rationale"]) == ("mcp__mail__send", "People write mail here")
    assert hosting.agent.listing()["approvals"] == []


def test_calls_without_ids_are_reported_by_their_arguments(hosting: Office, host: Host) -> None:
    """Two calls of a host that names none: each report ends the one with its arguments, once, and a stranger's ends neither."""

    def sent(name: str, command: str, session: str = "", **more: Any) -> Json:
        event = host.event(name, "Bash", {"command": command}, **more)
        del event["tool_use_id"]
        told: Json = host.send(event | {"session_id": session or host.session}).json()
        return told

    def states() -> dict[str, str]:
        return {one["params"]["command"]: one["state"] for one in hosting.agent.listing()["approvals"]}

    for command in ("ls one", "ls two"):
        assert sent("PreToolUse", command)["hookSpecificOutput"]["permissionDecision"] == "allow"
    for command, session in (("ls two", "another"), ("ls three", "")):
        assert "no grant" in sent("PostToolUse", command, session, tool_response={"exit_code": 0})["systemMessage"]
    assert states() == {"ls one": "claimed", "ls two": "claimed"}
    assert sent("PostToolUse", "ls two", tool_response={"exit_code": 1}) == {}
    assert states() == {"ls one": "claimed", "ls two": "failed"}
    assert "no grant" in sent("PostToolUse", "ls two", tool_response={"exit_code": 0})["systemMessage"]
    assert sent("PostToolUse", "ls one", tool_response={}) == {}
    assert states() == {"ls one": "succeeded", "ls two": "failed"}


def test_a_standing_approval_of_whoever_left_lets_no_call_run(closed_office: Office) -> None:
    """Slack is asked about its giver before a call runs by their word, as everywhere: a deactivated reviewer's lets nothing run."""
    office = closed_office
    standing = {"max_seconds": 3600, "max_uses": 50, "same": ["params.command"], "scope": "agent"}
    written = manifest(actions={"use_tool": ACTIONS["use_tool"] | {"standing": standing}})
    office.manifest.write_text(written, encoding="utf-8")
    office.open()
    host = Host(office.server.url, office.agent.token)
    waiting = host.bash_later("git push origin main", "toolu_1")
    (approval,) = pending(office)
    assert give(office, approval).ok
    assert waiting.result(30)["permissionDecision"] == "allow"
    host.post("Bash", {"command": "git push origin main"}, "toolu_1", {"stdout": "", "interrupted": False})
    assert host.bash("git push origin main", "toolu_2")["permissionDecision"] == "allow", (
        "it runs by the standing approval"
    )
    host.post("Bash", {"command": "git push origin main"}, "toolu_2", {"stdout": "", "interrupted": False})
    office.slack.directory.deactivate("U0ALICE")
    waiting = host.bash_later("git push origin main", "toolu_3")
    (again,) = pending(office)
    assert again["id"] != approval["id"]
    office.person("U0BOB").click(office.card(again), "approve")
    assert waiting.result(30)["permissionDecision"] == "allow"
    host.close()
    office.intact()
