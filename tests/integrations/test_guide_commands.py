"""The commands and settings of docs/integrations.md that need no framework, executed as they stand there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from support.agent import Json
from support.files import ACTIONS, write_manifest
from support.hosts import manifest
from support.marks import on_sqlite
from support.mcp_host import McpHost
from support.office import Office

TEXT = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text(encoding="utf-8")
SECTIONS = dict(zip(*[iter(re.split(r"^## (.*)$", TEXT, flags=re.M)[1:])] * 2, strict=True))


def block(section: str, kind: str = "") -> str:
    """The section's one block of this kind."""
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```", SECTIONS[section], re.S | re.M)
    return str(found)


def environment(office: Office, folder: Path) -> dict[str, str]:
    """What a reader has exported."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {"PATH": path, "HOME": str(folder), "SAYSO_STATE_DIR": str(folder / "state")}
    return env | {"SAYSO_URL": office.server.url, "SAYSO_TOKEN": office.agent.token}


def test_every_block_is_executed_somewhere() -> None:
    """No section holds commands or settings that nobody runs; test_hosts_mcp pastes those of the gate."""
    kinds = {title: re.findall(r"^```(\w*)\n.*?^```$", text, re.S | re.M) for title, text in SECTIONS.items()}
    found = {title for title, seen in kinds.items() if set(seen) - {"python"}}
    here = {"Claude Code", "Codex CLI and Gemini CLI", "MCP: asking as a tool", "Any command: scripts, CI, cron"}
    assert found == here | {"MCP servers: the gate"}


def commands(section: str) -> str:
    """The commands without those that install the package and export what is exported here."""
    lines = block(section).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("pip install", "export ")))


@on_sqlite
def test_claude_code_is_set_up_and_the_doctor_finds_nothing(closed_office: Office, tmp_path: Path) -> None:
    """The commands of its section, in a project: the hook stands in its settings, and nothing is missing."""
    closed_office.manifest.write_text(manifest(), encoding="utf-8")
    closed_office.open()
    env = environment(closed_office, tmp_path)
    script = f"set -e\n{commands('Claude Code')}"
    ran = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (ran.returncode, "FIX" in ran.stdout) == (0, False), ran.stdout + ran.stderr
    assert "hooks/claude-code" in (tmp_path / ".claude" / "settings.json").read_text()


@on_sqlite
def test_codex_and_gemini_are_set_up(closed_office: Office, tmp_path: Path) -> None:
    """The commands of their section: settings that both read, with a hook before each call and one after it."""
    closed_office.open()
    (tmp_path / ".codex").mkdir()
    env = environment(closed_office, tmp_path)
    script = f"set -e\n{commands('Codex CLI and Gemini CLI')}"
    ran = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    codex = tomllib.loads((tmp_path / ".codex" / "config.toml").read_text())["hooks"]
    gemini = json.loads((tmp_path / ".gemini" / "settings.json").read_text())["hooks"]
    assert {name: one[0]["hooks"][0]["command"] for name, one in (codex | gemini).items()} == {
        "PreToolUse": "sayso hook --for codex",
        "PostToolUse": "sayso hook --for codex",
        "BeforeTool": "sayso hook --for gemini",
        "AfterTool": "sayso hook --for gemini",
    }


@on_sqlite
def test_the_advisory_server_starts_as_its_settings_say(closed_office: Office, tmp_path: Path) -> None:
    """The JSON of its section, with this office's address and token: a host finds four tools."""
    closed_office.open()
    settings: Json = json.loads(block("MCP: asking as a tool", "json"))["mcpServers"]["sayso"]
    assert settings["command"] == "sayso"
    env = environment(closed_office, tmp_path)
    assert settings["env"].keys() <= env.keys()
    host = McpHost(tmp_path, env, command=[], program=settings["args"][0])
    try:
        host.greet()
        tools = {tool["name"] for tool in host.ask("tools/list")["result"]["tools"]}
    finally:
        host.process.kill()
        host.process.communicate()
    assert tools == {"ask", "check", "claim", "report"}


@on_sqlite
def test_any_command_runs_once_it_is_approved(closed_office: Office, tmp_path: Path) -> None:
    """The line of its section, with a script of the reader's: it waits, and runs with what was granted."""
    deploy = {**ACTIONS["change_thing"], "title": "Deploy", "describe": "Deploy {{ params.version }}"}
    write_manifest(closed_office.folder, {"deploy": deploy})
    closed_office.open()
    script = tmp_path / "deploy.sh"
    script.write_text('#!/bin/sh\necho "$1 $2 $SAYSO_PARAM_ENV" >> deployed\n')
    script.chmod(0o755)
    env = environment(closed_office, tmp_path)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(
        ["sh", "-c", commands("Any command: scripts, CI, cron")], cwd=tmp_path, env=env, text=True, **pipes
    )  # type: ignore[call-overload]
    agent = closed_office.agent
    (approval,) = closed_office.until(lambda: agent.listing(state="pending")["approvals"], "it waits")
    assert not (tmp_path / "deployed").exists()
    closed_office.person("U0ALICE").click(closed_office.card(approval), "approve")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, (tmp_path / "deployed").read_text()) == (0, "prod 1.4.2 prod\n"), err
    assert agent.see(approval)["state"] == "succeeded"


def test_the_guide_names_every_example() -> None:
    """Each integration has a runnable example, and the guide says which."""
    examples = {path.name for path in (Path(__file__).parents[2] / "examples" / "hosts").iterdir() if path.is_file()}
    for name in examples - {"refunds.py", "notes_server.py"}:  # which the others import and start
        assert f"`examples/hosts/{name}`" in TEXT, name
    assert "`examples/evidence_agent.py`" in TEXT
