"""`sayso hook`: the command that hosts start before each tool call, against a real server and against every kind of failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.agent import Json
from support.hosts import TREE, Host, manifest
from support.marks import on_sqlite
from support.office import Office

pytestmark = on_sqlite
Hook = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def hosting(closed_office: Office) -> Office:
    """An office whose manifest maps tools."""
    closed_office.manifest.write_text(manifest(), encoding="utf-8")
    closed_office.open()
    return closed_office


def hook(url: str, token: str, host: str, event: Any, *more: str) -> tuple[int, Any, str]:
    """What the host gets: exit code, the JSON on stdout (or None), stderr."""
    sent = event if isinstance(event, str) else json.dumps(event)
    env = {"PATH": os.environ["PATH"], "SAYSO_URL": url, "SAYSO_TOKEN": token}
    command = [sys.executable, "-m", "sayso", "hook", "--for", host, *more]
    told = subprocess.run(command, input=sent, capture_output=True, text=True, env=env, timeout=60, check=False)
    return told.returncode, json.loads(told.stdout) if told.stdout else None, told.stderr


def event(name: str, tool: str, arguments: Json, session: str = "s1", **more: Any) -> Json:
    """What a host sends."""
    return {
        "session_id": session,
        "cwd": TREE,
        "hook_event_name": name,
        "tool_name": tool,
        "tool_input": arguments,
        **more,
    }


def pending(office: Office) -> Json:
    """The one approval that waits."""
    (approval,) = office.until(lambda: office.agent.listing(state="pending")["approvals"], "one waits")
    return dict(approval)


def test_codex_is_answered_as_it_reads_answers(hosting: Office) -> None:
    """A read is allowed; what nobody decided in time is denied with words for the model; the same call finds its own yes."""
    url, token = hosting.server.url, hosting.agent.token
    code, told, _ = hook(url, token, "codex", event("PreToolUse", "Bash", {"command": "ls"}, tool_use_id="call_1"))
    assert (code, told["hookSpecificOutput"]["permissionDecision"]) == (0, "allow")
    push = {"command": "git push origin main"}
    code, told, _ = hook(url, token, "codex", event("PreToolUse", "Bash", push, tool_use_id="call_2"), "--within", "6")
    assert (code, told["hookSpecificOutput"]["permissionDecision"]) == (0, "deny")
    assert "it is not refused" in told["hookSpecificOutput"]["permissionDecisionReason"]
    approval = pending(hosting)
    hosting.person("U0ALICE").click(hosting.card(approval), "approve")
    hosting.until(lambda: hosting.agent.see(approval)["state"] == "approved", "approved")
    code, told, _ = hook(url, token, "codex", event("PreToolUse", "Bash", push, tool_use_id="call_3"))
    assert told["hookSpecificOutput"]["permissionDecision"] == "allow"
    done = event("PostToolUse", "Bash", push, tool_use_id="call_3", tool_response={"exit_code": 0})
    assert hook(url, token, "codex", done)[:2] == (0, {})
    assert hosting.agent.see(approval)["state"] == "succeeded"


def test_gemini_is_answered_in_its_own_words(hosting: Office) -> None:
    """`decision` and `reason`; an edit comes as the tool's input; what comes after is reported."""
    url, token = hosting.server.url, hosting.agent.token
    assert (
        hook(url, token, "gemini", event("BeforeTool", "read_file", {"file_path": f"{TREE}/a"}))[1]["decision"]
        == "allow"
    )
    code, told, _ = hook(url, token, "gemini", event("BeforeTool", "mcp__mail__send", {"to": "x"}))
    assert (code, told["decision"]) == (0, "deny")
    assert "People write mail here" in told["reason"]
    push = {"command": "git push origin main"}
    assert (
        hook(url, token, "gemini", event("BeforeTool", "run_shell_command", push), "--within", "6")[1]["decision"]
        == "deny"
    )
    approval = pending(hosting)
    form = hosting.form("U0ALICE", hosting.card(approval), "edit").fill("param:command", "git push origin release")
    assert hosting.person("U0ALICE").submit(form).ok
    told = hook(url, token, "gemini", event("BeforeTool", "run_shell_command", push))[1]
    assert told["decision"] == "allow"
    assert told["hookSpecificOutput"] == {
        "hookEventName": "BeforeTool",
        "tool_input": {"command": "git push origin release"},
    }
    assert hook(url, token, "gemini", event("AfterTool", "run_shell_command", push, tool_response={"error": None}))[
        :2
    ] == (0, {})


@pytest.mark.parametrize(
    "between", [[], ["setsid"], ["sh", "-c", '"$@"; exit', "sh"]], ids=["direct", "session", "shell"]
)
def test_a_hook_whose_host_was_killed_uses_nothing_up(hosting: Office, between: list[str]) -> None:
    """kill -9 of the host alone, also where its hook lives in a session of its own: the yes stays for the resumed host."""
    url, token = hosting.server.url, hosting.agent.token
    push = {"command": "git push origin main"}
    words = [*between, sys.executable, "-m", "sayso", "hook", "--for", "codex"]
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, json.dumps(words), json.dumps(event("PreToolUse", "Bash", push, tool_use_id="1"))],
        env={"PATH": os.environ["PATH"], "SAYSO_URL": url, "SAYSO_TOKEN": token},
    )
    approval = pending(hosting)
    host.kill()
    host.wait()
    time.sleep(1.5)
    hosting.person("U0ALICE").click(hosting.card(approval), "approve")
    hosting.until(lambda: hosting.agent.see(approval)["state"] == "approved", "approved")
    time.sleep(1)
    assert hosting.agent.see(approval)["state"] == "approved"
    code, told, _ = hook(url, token, "codex", event("PreToolUse", "Bash", push, tool_use_id="2"))
    assert (code, told["hookSpecificOutput"]["permissionDecision"]) == (0, "allow")


HOST = """
import json, subprocess, sys
hook = subprocess.Popen(json.loads(sys.argv[1]), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
hook.communicate(sys.argv[2].encode())
"""


def test_a_host_without_ids_has_its_calls_reported(hosting: Office) -> None:
    """Gemini gives its calls no ids: what came of one is known by its arguments, those of an edit too, one report for each run."""
    url, token = hosting.server.url, hosting.agent.token
    ran: list[Json] = []
    for command in ("git push origin main", "git push origin other"):
        hook(url, token, "gemini", event("BeforeTool", "run_shell_command", {"command": command}), "--within", "6")
        approval = pending(hosting)
        form = hosting.form("U0ALICE", hosting.card(approval), "edit").fill("param:command", f"{command} --tags")
        assert hosting.person("U0ALICE").submit(form).ok
        assert (
            hook(url, token, "gemini", event("BeforeTool", "run_shell_command", {"command": command}))[1]["decision"]
            == "allow"
        )
        ran.append(approval)
    done = {
        "llmContent": "<untrusted_context>\nOutput: x\nExit Code: 0\nExit Code: 3\nProcess Group PGID: 7\n</untrusted_context>"
    }
    other = event("AfterTool", "run_shell_command", {"command": "git push origin other --tags"}, tool_response=done)
    assert hook(url, token, "gemini", other)[:2] == (0, {})
    assert [hosting.agent.see(one)["state"] for one in ran] == ["claimed", "failed"]
    main = event(
        "AfterTool", "run_shell_command", {"command": "git push origin main"}, tool_response={"llmContent": "ok"}
    )
    for session in ("another", "s1", "s1"):
        hook(url, token, "gemini", {**main, "session_id": session})
    assert [hosting.agent.see(one)["state"] for one in ran] == ["succeeded", "failed"]


def test_no_host_is_told_to_defer_that_cannot(closed_office: Office) -> None:
    """The manifest defers: only Claude Code can, the others wait."""
    closed_office.manifest.write_text(manifest({"pending": "defer"}), encoding="utf-8")
    closed_office.open()
    url, token = closed_office.server.url, closed_office.agent.token
    push = event("PreToolUse", "Bash", {"command": "git push"}, tool_use_id="1")
    assert hook(url, token, "codex", push, "--within", "6")[1]["hookSpecificOutput"]["permissionDecision"] == "deny"
    push = event("PreToolUse", "Bash", {"command": "git push"}, "s2", tool_use_id="1")
    assert (
        hook(url, token, "claude-code", push, "--within", "6")[1]["hookSpecificOutput"]["permissionDecision"] == "defer"
    )


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with settings of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = tmp_path / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text(json.dumps(OWN, indent=2), encoding="utf-8")
    return path


OWN: Json = {
    "model": "opus",
    "permissions": {"allow": ["Bash(ls:*)"], "deny": ["Read(./.env)"]},
    "hooks": {
        "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "./check.sh"}]}],
        "Stop": [{"hooks": [{"type": "command", "command": "say done"}]}],
    },
    "übrig": "ü",
}


def sayso(*words: str, **env: str) -> tuple[int, str, str]:
    """Run `sayso hook …` where we stand."""
    told = subprocess.run(
        [sys.executable, "-m", "sayso", "hook", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | env,
    )
    return told.returncode, told.stdout, told.stderr


def test_doctor_says_what_is_missing(hosting: Office, settings: Path) -> None:
    """A line for each thing that is wrong and what to do; 0 where everything is right."""
    url, token = hosting.server.url, hosting.agent.token
    code, out, _ = sayso("doctor", SAYSO_URL=url, SAYSO_TOKEN=token)
    assert code == 1
    assert "no settings ask Sayso" in out
    sayso("install", "claude-code", "--url", url)
    code, out, _ = sayso("doctor", SAYSO_URL=url, SAYSO_TOKEN=token)
    assert (code, "FIX" in out) == (0, False), out
    assert "FIX  SAYSO_TOKEN is not a token" in sayso("doctor", SAYSO_URL=url, SAYSO_TOKEN="wrong")[1]
    assert "does not answer" in sayso("doctor", SAYSO_URL="http://127.0.0.1:9", SAYSO_TOKEN=token)[1]
    for change, told in [
        (lambda hook: hook.pop("onFailure"), "lets tools run where Sayso does not answer"),
        (lambda hook: hook.pop("allowedEnvVars"), "allowedEnvVars"),
        (lambda hook: hook.update(timeout=5), "waits too short"),
        (lambda hook: hook.update(url="http://other/v1/hooks/claude-code"), "and SAYSO_URL is"),
    ]:
        sayso("install", "claude-code", "--url", url)
        written = json.loads(settings.read_text(encoding="utf-8"))
        change(written["hooks"]["PreToolUse"][1]["hooks"][0])
        settings.write_text(json.dumps(written), encoding="utf-8")
        code, out, _ = sayso("doctor", SAYSO_URL=url, SAYSO_TOKEN=token)
        assert (code, told in out) == (1, True), out
    settings.write_text(json.dumps({"disableAllHooks": True}), encoding="utf-8")
    assert "disableAllHooks" in sayso("doctor", SAYSO_URL=url, SAYSO_TOKEN=token)[1]


def test_doctor_looks_at_codex_and_gemini_too(hosting: Office, settings: Path, tmp_path: Path) -> None:
    """Their settings are enough, and what lets tools run unasked is named: a short time-out, no trust, a hook turned off."""
    env = {"SAYSO_URL": hosting.server.url, "SAYSO_TOKEN": hosting.agent.token, "CODEX_HOME": str(tmp_path)}

    def told() -> tuple[int, str]:
        code, out, err = sayso("doctor", **env)
        assert not err
        return code, "\n".join(line for line in out.splitlines() if line.startswith("FIX"))

    assert "no settings ask Sayso" in told()[1]
    sayso("install", "gemini")
    assert told() == (0, "")
    gemini = tmp_path / ".gemini" / "settings.json"
    right = gemini.read_text(encoding="utf-8")
    for wrong, why in [
        (right.replace("60000", "30000"), "waits 30 s, the hook up to 50"),
        (
            right.replace("60000", "60000").replace("sayso hook --for gemini", "sayso hook --for gemini --within 90"),
            "up to 90",
        ),
        (right.replace('"matcher": "*"', '"matcher": "write_file"'), "the others run unasked"),
        (right.replace('"BeforeTool"', '"BeforeToolSelection"'), "does not ask Sayso"),
        (json.dumps(json.loads(right) | {"hooksConfig": {"disabled": ["sayso"]}}), "turns the hook off"),
    ]:
        gemini.write_text(wrong, encoding="utf-8")
        code, fix = told()
        assert (code, why in fix) == (1, True), fix
    gemini.unlink()
    codex = tmp_path / "config.toml"
    printed = sayso("install", "codex")[1]
    codex.write_text(printed, encoding="utf-8")
    code, fix = told()
    assert (code, fix.count("FIX"), "nobody has trusted the hooks" in fix) == (1, 1, True), fix
    codex.write_text(f'{printed}[hooks.state."config:pre_tool_use:0:0"]\ntrusted_hash = "sha256:x"\n', encoding="utf-8")
    assert told() == (0, "")


def test_the_thin_host_of_these_tests_agrees(hosting: Office) -> None:
    """What the other tests take for a host sees the same verdict."""
    host = Host(hosting.server.url, hosting.agent.token)
    assert host.bash("ls")["permissionDecision"] == "allow"
    host.close()
