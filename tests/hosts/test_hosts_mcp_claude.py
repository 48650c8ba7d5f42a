"""Claude Code's own binary as the client of the gate, before a public MCP server, both unmodified."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.agent import Json
from support.frameworks import Place, Process, hosts_python
from support.marks import on_sqlite
from support.messages_api import MessagesApi, call
from support.office import Office
from support.public_servers import PUBLIC

from policies.drafting import tools
from policies.drafting.draft import draft

pytestmark = on_sqlite
WRITE = "mcp__filesystem__write_file"
TEXT: Json = {"type": "string"}
TOOL: Json = {"name": "write_file", "inputSchema": {"type": "object", "properties": {"path": TEXT, "content": TEXT}}}


@pytest.fixture
def place(closed_office: Office, tmp_path: Path) -> Iterator[Place]:
    """An office whose manifest knows one tool of the filesystem server."""
    hosts_python()
    made = yaml.safe_load(draft([tools.read(TOOL)], source="a test", server="filesystem").text)
    made["defaults"] = {"required_role": "finance", "channel": "#finance"}
    made["actions"][WRITE]["reversibility"] = "reversible"
    closed_office.manifest.write_text(yaml.safe_dump(made), encoding="utf-8")
    closed_office.open()
    opened = Place(closed_office, tmp_path / "work")
    yield opened
    opened.close()


@pytest.fixture
def api() -> Iterator[MessagesApi]:
    """The model."""
    opened = MessagesApi()
    yield opened
    opened.close()


def claude(place: Place, api: MessagesApi, prompt: str) -> Process:
    """One `claude -p` with the gated server; everything of it is allowed by its own rules."""
    (public,) = [one for one in PUBLIC if one.name == "filesystem"]
    config = {
        "mcpServers": {
            "filesystem": {"command": sys.executable, "args": ["-m", "sayso", "mcp-gate", "--", *public.command(place)]}
        }
    }
    (place.folder / "mcp.json").write_text(json.dumps(config), encoding="utf-8")
    binary = next(place.python.parent.parent.glob("lib/*/site-packages/claude_agent_sdk/_bundled/claude"))
    options = [
        "--mcp-config",
        "mcp.json",
        "--strict-mcp-config",
        "--allowedTools",
        "mcp__filesystem",
        "--output-format",
        "json",
    ]
    env = {
        "ANTHROPIC_BASE_URL": api.url,
        "ANTHROPIC_API_KEY": "sk-of-a-test",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    return place.run([str(binary), "-p", prompt, *options], **env)


def test_two_calls_of_a_turn_each_get_their_own(place: Place, api: MessagesApi) -> None:
    """Two files to write in one turn, one approved as edited and one refused: one file, with the reviewer's text, and both are told."""
    yes, no = place.folder / "yes.txt", place.folder / "no.txt"
    api.turns = [[call(WRITE, {"path": str(path), "content": "hello"}) for path in (yes, no)]]
    process = claude(place, api, "write both")
    (first,) = place.pending()
    place.tap(first, "edit", param__content="good day")
    place.office.until(lambda: place.office.agent.see(first)["state"] == "succeeded", "the first has run")
    (second,) = place.pending()  # Claude Code makes calls that change something one after the other
    place.tap(second, "reject", reason="Not that file")
    said = process.hear()
    assert said["stop_reason"] == "end_turn"
    assert (yes.read_text(), no.exists()) == ("good day", False)
    assert "Successfully wrote" in api.told
    assert "[Sayso]" in api.told
    assert "Not that file" in api.told
    assert (first["params"]["path"], second["params"]["path"]) == (str(yes), str(no))


def test_killed_while_waiting_the_resumed_session_writes_once(place: Place, api: MessagesApi) -> None:
    """kill -9 of Claude Code while people decide; after the tap a new one makes the same call: one approval, one file."""
    path = place.folder / "note.txt"
    api.turns = [[call(WRITE, {"path": str(path), "content": "hello"})]]
    process = claude(place, api, "write it")
    (approval,) = place.pending()
    process.kill()
    place.tap(approval)
    place.office.until(lambda: place.office.agent.see(approval)["state"] == "approved", "approved")
    assert not path.exists()
    api.turns = [[call(WRITE, {"path": str(path), "content": "hello"})]]
    assert claude(place, api, "write it").hear()["stop_reason"] == "end_turn"
    assert path.read_text() == "hello"
    assert len(place.office.agent.listing()["approvals"]) == 1
