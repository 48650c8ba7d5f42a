"""`sayso hook`: the command that hosts start before each tool call, against every kind of failure; and the settings of hosts."""

from __future__ import annotations

import http.server
import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.agent import Json
from support.hosts import TREE

from sayso.cli import install
from sayso.cli.install import Unusable

ROOT = Path(__file__).parents[2]
Hook = Callable[..., tuple[int, Any, str]]


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


class _Bad(http.server.BaseHTTPRequestHandler):
    """A server that answers in every wrong way."""

    answers: dict[str, tuple[int, bytes]] = {
        "empty": (200, b""),
        "silence": (200, b"{}"),
        "ok": (200, b'{"ok": true}'),
        "nothing": (204, b""),
        "text": (200, b"allow"),
        "cut": (200, b'{"hookSpecificOutput": {"permissionDecision": "allow"'),
        "list": (200, b"[]"),
        "ask": (200, b'{"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "ask"}}'),
        "odd": (200, b'{"hookSpecificOutput": {"permissionDecision": "ALLOW"}}'),
        "null": (200, b'{"hookSpecificOutput": null}'),
        "moved": (302, b'{"hookSpecificOutput": {"permissionDecision": "allow"}}'),
        "wrong": (401, b'{"hookSpecificOutput": {"permissionDecision": "allow"}}'),
        "broken": (500, b'{"hookSpecificOutput": {"permissionDecision": "allow"}}'),
        "huge": (200, b'{"hookSpecificOutput": {"permissionDecision": "allow"}, "x": "' + b"x" * 1_100_000 + b'"}'),
    }

    def do_POST(self) -> None:
        """Answer by the first step of the path."""
        kind = self.path.split("/")[1]
        if kind == "slow":
            time.sleep(30)
        if kind in ("slow", "hang-up"):
            self.close_connection = True
            return
        status, body = self.answers[kind]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def bad() -> Iterator[str]:
    """The address of a server that answers in every wrong way."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Bad)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.mark.parametrize("host", ["claude-code", "codex", "gemini"])
@pytest.mark.parametrize("kind", [*_Bad.answers, "slow", "hang-up"])
def test_no_answer_of_a_broken_server_lets_a_tool_run(bad: str, kind: str, host: str) -> None:
    """Silence, garbage, errors, redirections, slowness: the hook ends with 2 and prints no verdict, before the host gives up."""
    name = "BeforeTool" if host == "gemini" else "PreToolUse"
    begun = time.monotonic()
    code, told, err = hook(f"{bad}/{kind}", "t", host, event(name, "Bash", {"command": "ls"}), "--within", "4")
    assert (code, told) == (2, None)
    assert "Sayso let nothing run" in err
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("sent", ["", "{", "null", "[]", "{}", '{"hook_event_name": "PreToolUse2"}', "\udcff"])
def test_an_event_that_cannot_be_read_lets_no_tool_run(sent: str) -> None:
    """Whatever comes on stdin: 2."""
    env = {"PATH": os.environ["PATH"], "SAYSO_URL": "http://127.0.0.1:9", "SAYSO_TOKEN": "t"}
    command = [sys.executable, "-m", "sayso", "hook", "--for", "codex"]
    told = subprocess.run(
        command, input=sent.encode("utf-8", "surrogateescape"), capture_output=True, env=env, timeout=60, check=False
    )
    assert (told.returncode, told.stdout) == (2, b"")


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"SAYSO_URL": "http://127.0.0.1:9"},
        {"SAYSO_URL": "ftp://x", "SAYSO_TOKEN": "t"},
        {"SAYSO_URL": "http://127.0.0.1:9", "SAYSO_TOKEN": "t"},
    ],
)
def test_a_missing_setting_lets_no_tool_run(env: dict[str, str]) -> None:
    """No address, no token, nobody there: 2, and what is missing."""
    sent = json.dumps(event("PreToolUse", "Bash", {"command": "ls"}))
    command = [sys.executable, "-m", "sayso", "hook", "--for", "codex"]
    told = subprocess.run(
        command,
        input=sent,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]} | env,
        timeout=60,
        check=False,
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert "Sayso let nothing run" in told.stderr


@pytest.mark.parametrize(
    "words", [[], ["--for", "emacs"], ["--for"], ["--nonsense"], ["--for", "codex", "--within", "soon"]]
)
def test_a_wrong_usage_lets_no_tool_run(words: list[str]) -> None:
    """A typing mistake in a host's settings: 2."""
    told = subprocess.run(
        [sys.executable, "-m", "sayso", "hook", *words],
        input="{}",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 2


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


def test_install_adds_gates_that_block_and_keeps_the_rest(settings: Path) -> None:
    """Every other key and hook stays; ours block where Sayso does not answer; twice is the same as once."""
    settings.chmod(0o600)
    assert sayso("install", "claude-code", "--url", "http://127.0.0.1:8350/")[0] == 0
    written = json.loads(settings.read_text(encoding="utf-8"))
    assert {key: written[key] for key in ("model", "permissions", "übrig")} == {
        key: OWN[key] for key in ("model", "permissions", "übrig")
    }
    assert written["hooks"]["Stop"] == OWN["hooks"]["Stop"]
    assert written["hooks"]["PreToolUse"][0] == OWN["hooks"]["PreToolUse"][0]
    (gate,) = written["hooks"]["PreToolUse"][1]["hooks"]
    assert gate == {
        "type": "http",
        "url": "http://127.0.0.1:8350/v1/hooks/claude-code",
        "timeout": 600,
        "headers": {"Authorization": "Bearer $SAYSO_TOKEN"},
        "allowedEnvVars": ["SAYSO_TOKEN"],
        "onFailure": "block",
    }
    assert written["hooks"]["PreToolUse"][1]["matcher"] == "*"
    assert written["hooks"]["PermissionRequest"][0]["hooks"][0]["onFailure"] == "block"
    assert "onFailure" not in written["hooks"]["PostToolUse"][0]["hooks"][0]
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    assert "needs no change" in sayso("install", "claude-code", "--url", "http://127.0.0.1:8350")[1]
    assert sayso("install", "claude-code", "--url", "https://sayso.example")[0] == 0
    moved = json.loads(settings.read_text(encoding="utf-8"))
    assert len(moved["hooks"]["PreToolUse"]) == 2
    assert sayso("uninstall", "claude-code")[0] == 0
    assert json.loads(settings.read_text(encoding="utf-8")) == OWN


@pytest.mark.parametrize("text", ["{", "[]", '{"hooks": []}', '{"hooks": {"PreToolUse": {}}}', "\ufeff{}x"])
def test_settings_that_cannot_be_read_are_left_alone(settings: Path, text: str) -> None:
    """A file with a mistake is not overwritten, and the mistake is told."""
    settings.write_text(text, encoding="utf-8")
    code, _, err = sayso("install", "claude-code", "--url", "http://127.0.0.1:8350")
    assert (code, settings.read_text(encoding="utf-8")) == (2, text)
    assert "nothing was changed" in err


def test_install_makes_a_file_where_there_is_none_and_follows_links(settings: Path, tmp_path: Path) -> None:
    """A new project gets settings; a link stays a link."""
    settings.unlink()
    target = tmp_path / "shared.json"
    settings.symlink_to(target)
    assert sayso("install", "claude-code", "--url", "http://127.0.0.1:8350")[0] == 0
    assert settings.is_symlink()
    assert "PreToolUse" in json.loads(target.read_text(encoding="utf-8"))["hooks"]
    assert sayso("install", "claude-code", "--scope", "user", "--url", "http://127.0.0.1:8350")[0] == 0
    assert (tmp_path / "home" / ".claude" / "settings.json").exists()


def test_install_wants_an_address(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one nothing is written; a dry run writes nothing either."""
    monkeypatch.delenv("SAYSO_URL", raising=False)
    assert sayso("install", "claude-code")[0] == 2
    assert sayso("install", "claude-code", "--url", "8350")[0] == 2
    code, out, _ = sayso("install", "claude-code", "--url", "http://x", "--dry-run")
    assert (code, "onFailure" in out) == (0, True)
    assert json.loads(settings.read_text(encoding="utf-8")) == OWN


def test_gemini_and_codex_are_told_too(settings: Path, tmp_path: Path) -> None:
    """Gemini's settings are written, with milliseconds; Codex's TOML is printed."""
    assert sayso("install", "gemini")[0] == 0
    written = json.loads((tmp_path / ".gemini" / "settings.json").read_text(encoding="utf-8"))
    assert written["hooks"]["BeforeTool"][0]["hooks"][0] == {
        "type": "command",
        "name": "sayso",
        "command": "sayso hook --for gemini",
        "timeout": 60000,
    }
    code, out, _ = sayso("install", "codex")
    assert (code, 'command = "sayso hook --for codex"' in out) == (0, True)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """The whole file is replaced at once, or not at all."""
    path = tmp_path / "settings.json"
    path.mkdir()
    with pytest.raises(Unusable):
        install.write(path, {})


@pytest.mark.parametrize("host", ["codex", "gemini"])
def test_the_hook_needs_nothing_but_the_standard_library(bad: str, host: str) -> None:
    """Started without any installed package it asks, is answered and says the verdict; nothing heavy is loaded for that."""
    verdict = {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": "Not now"}
    _Bad.answers["verdict"] = (200, json.dumps({"hookSpecificOutput": verdict}).encode())
    name = "BeforeTool" if host == "gemini" else "PreToolUse"
    words = [sys.executable, "-S", "-X", "importtime", "-m", "sayso", "hook", "--for", host]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SAYSO_URL": f"{bad}/verdict", "SAYSO_TOKEN": "t"}
    sent = json.dumps(event(name, "Bash", {"command": "ls"}))
    try:
        told = subprocess.run(words, input=sent, capture_output=True, text=True, env=env, timeout=60, check=False)
    finally:
        del _Bad.answers["verdict"]
    assert told.returncode == 0, told.stderr[-2000:]
    assert "Not now" in told.stdout
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in told.stderr.splitlines()}
    assert not {"asyncio", "pydantic", "httpx2", "logging", "unittest", "xml"} & loaded
