"""`sayso mcp-gate` between the real MCP package's client and server, before a public server, and the adapter for one's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from support.agent import Json
from support.frameworks import AGENTS, Place, Process
from support.marks import on_sqlite
from support.office import Office
from support.public_servers import PUBLIC, PublicServer
from support.servers import free_port

from policies.drafting import tools
from policies.drafting.draft import draft

pytestmark = on_sqlite
CALL = [[["write_line", {"line": "edge"}]]]
TOOLS = [
    {"name": "write_line", "inputSchema": {"type": "object", "properties": {"line": {"type": "string"}, "times": {"type": "integer"}}}},
    {"name": "get_lines", "inputSchema": {}, "annotations": {"readOnlyHint": True}},
]  # fmt: skip


@pytest.fixture
def office(closed_office: Office) -> Office:
    """An office whose manifest is the draft for the ledger's tools."""
    made = yaml.safe_load(draft(map(tools.read, TOOLS), source="a test", server="ledger").text)
    use(closed_office, made)
    closed_office.open()
    return closed_office


def use(office: Office, made: Json) -> None:
    """A drafted manifest, for the office's people, with writing that can be edited."""
    made["defaults"] = {"required_role": "finance", "channel": "#finance", "limits": {"creates_per_minute": 1000}}
    for action in made["actions"].values():
        action["reversibility"] = "reversible"
    office.manifest.write_text(yaml.safe_dump(made, sort_keys=False), encoding="utf-8")


def gate(*behind: str) -> list[str]:
    """The gate's command before a server."""
    return [sys.executable, "-m", "sayso", "mcp-gate", "--server", "ledger", *behind]


def ledger_server(place: Place, *words: str) -> list[str]:
    """The command of the real package's server."""
    return [str(place.python), str(AGENTS / "mcp_ledger.py"), *(words or ("stdio",))]


def client(place: Place, mode: str, steps: list[Any], command: list[str], **env: str) -> Process:
    """A host of the real package."""
    return place.start(AGENTS / "mcp_client.py", mode, json.dumps(steps), *command, **env)


@pytest.fixture(params=["stdio", "http"])
def behind(request: pytest.FixtureRequest, place: Place) -> Any:
    """What stands behind the gate: a command, or the address of a running server."""
    if request.param == "stdio":
        yield ["--", *ledger_server(place)]
        return
    port = free_port()
    process = place.run(ledger_server(place, "http", str(port)))
    url = f"http://127.0.0.1:{port}/mcp"
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx2.get(url, timeout=2)
            break
        except httpx2.TransportError:
            assert time.monotonic() < deadline, process.told()
            time.sleep(0.1)
    yield [url]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_everything_but_calls_is_the_same_with_the_gate(place: Place, behind: list[str], mode: str) -> None:
    """Tools, resources, prompts and the revision that is spoken: with the gate as without it."""
    direct = client(place, mode, ["look"], ledger_server(place))
    gated = client(place, mode, ["look"], gate(*behind))
    told = gated.hear()
    assert told == direct.hear()
    assert [tool["name"] for tool in told["tools"]] == ["write_line", "get_lines"]
    assert (gated.ended(), place.office.agent.listing()["approvals"]) == (0, [])


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_calls_wait_run_once_and_each_get_their_own(place: Place, behind: list[str], mode: str) -> None:
    """Two calls of one turn with opposite verdicts: one line, the other's reason, signs of life, and the report."""
    steps = [[["write_line", {"line": "yes"}], ["write_line", {"line": "no"}]]]
    process = client(place, mode, steps, gate(*behind))
    by_line = {approval["params"]["line"]: approval for approval in place.pending(2)}
    place.tap(by_line["no"], "reject", reason="Not this one")
    time.sleep(1.5)
    place.tap(by_line["yes"])
    told = process.hear()
    assert told["failed"] == [False, True]
    assert told["told"][0] == "changed yes"
    assert "Not this one" in told["told"][1]
    assert any(message == "Waiting for a person to decide in Slack" for _, _, message in told["beats"])
    assert [1.0, 2.0, "writing"] in told["beats"]
    assert (process.ended(), place.ledger) == (0, ["yes"])
    assert place.office.agent.see(by_line["yes"])["state"] == "succeeded"


def test_an_edit_is_what_runs(place: Place, behind: list[str]) -> None:
    """The reviewer's words reach the server, and the model is told."""
    process = client(place, "legacy", CALL, gate(*behind))
    place.tap(place.pending()[0], "edit", param__line="rim")
    told = process.hear()["told"][0]
    assert told.startswith("changed rim")
    assert "[Sayso]" in told
    assert place.ledger == ["rim"]


def test_killed_while_waiting_and_inside(place: Place) -> None:
    """kill -9 of host, gate and server while people decide: one line; and again inside the tool: still one, and it is told."""
    command = gate("--", *ledger_server(place))
    process = client(place, "legacy", CALL, command)
    (approval,) = place.pending()
    process.kill()
    place.tap(approval)
    process = client(place, "legacy", CALL, command, HANG="1")
    place.office.until(lambda: place.ledger, "inside the tool")
    process.kill()
    told = client(place, "legacy", CALL, command).hear()
    assert told["failed"] == [True]
    assert "its outcome is unknown" in told["told"][0]
    assert place.ledger == ["edge"]
    place.office.advance(3601)
    assert place.office.agent.see(approval)["state"] == "outcome_unknown"


def test_sayso_down_lets_nothing_run(place: Place, behind: list[str]) -> None:
    """No answer, no line, and words for the model."""
    process = client(place, "legacy", CALL, gate(*behind), SAYSO_URL="http://127.0.0.1:9")
    told = process.hear()
    assert (told["failed"], place.ledger) == ([True], [])
    assert "does not answer" in told["told"][0]


# -- the adapter


def test_a_tool_of_ones_own_server_is_gated_around_its_body(place: Place) -> None:
    """The decorated tool waits, tells its host so, runs as edited, reports; what policy lets run needs nobody."""
    steps = [[["get_lines", {}]], *CALL]
    process = client(place, "legacy", steps, ledger_server(place), GATED="1")
    assert process.hear()["failed"] == [False]
    (approval,) = place.pending()
    time.sleep(1.5)
    place.tap(approval, "edit", param__line="rim")
    told = process.hear()
    assert told["told"][0].startswith("changed rim")
    assert any(message == "Waiting for a person to decide in Slack" for _, _, message in told["beats"])
    assert (place.ledger, place.office.agent.see(approval)["state"]) == (["rim"], "succeeded")


def test_a_gated_tool_that_is_refused_or_killed(place: Place) -> None:
    """A no is an error for the model; kill -9 inside the body is told as unknown, and nothing runs twice."""
    process = client(place, "legacy", CALL, ledger_server(place), GATED="1")
    place.tap(place.pending()[0], "reject", reason="Not on a Friday")
    told = process.hear()
    assert (told["failed"], place.ledger) == ([True], [])
    assert "Not on a Friday" in told["told"][0]
    other = [[["write_line", {"line": "core"}]]]
    process = client(place, "legacy", other, ledger_server(place), GATED="1", HANG="1")
    place.tap(place.pending()[0])
    place.office.until(lambda: place.ledger, "inside the tool")
    process.kill()
    told = client(place, "legacy", other, ledger_server(place), GATED="1").hear()
    assert "its outcome is unknown" in told["told"][0]
    assert place.ledger == ["core"]


# -- public servers, unmodified


@pytest.mark.parametrize("public", PUBLIC, ids=[one.name for one in PUBLIC])
def test_every_tool_of_public_servers_loads(place: Place, public: PublicServer) -> None:
    """`policy init` makes an action of every tool, and the check passes."""
    made = drafted(place, public.command(place))
    (place.folder / "actions.yml").write_text(made, encoding="utf-8")
    listed = client(place, "legacy", ["tools"], public.command(place)).hear()["tools"]
    assert {f"mcp__{public.name}__{name}" for name in listed} == set(yaml.safe_load(made)["actions"])
    assert len(listed) >= public.tools
    assert policy(place, "check", "actions.yml").endswith("0 errors, 0 warnings\n")


def test_from_a_public_server_to_the_first_approved_call(
    closed_office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A newcomer, by the guide's own lines: a manifest from a public server, the server, a host's settings, a tap, the file is there."""
    place = Place(closed_office, tmp_path / "work")
    (public,) = [one for one in PUBLIC if one.name == "filesystem"]
    lines, settings = guide(public.command(place), place)
    began = time.monotonic()
    (init,) = [line for line in lines if "policy init" in line]
    made = policy(place, *init.partition(" policy ")[2].partition(" > ")[0].split())
    use(closed_office, yaml.safe_load(made))
    closed_office.open()
    server = settings["mcpServers"]["filesystem"]
    assert set(server["env"]) == {"SAYSO_URL", "SAYSO_TOKEN"}
    assert server["command"] == "sayso"
    steps = [[["write_file", {"path": str(place.folder / "note.txt"), "content": "hello"}]]]
    process = client(place, "legacy", steps, [sys.executable, "-m", "sayso", *server["args"]])
    (approval,) = place.pending()
    assert approval["action"] == "mcp__filesystem__write_file"
    assert not (place.folder / "note.txt").exists()
    place.tap(approval)
    assert process.hear()["failed"] == [False]
    seconds = time.monotonic() - began
    assert (place.folder / "note.txt").read_text() == "hello"
    with capsys.disabled():
        print(
            f"\nfrom policy init on {public.package} to the first approved call: {len(lines)} commands, {seconds:.1f} s"
        )
    place.close()


def guide(command: list[str], place: Place) -> tuple[list[str], Json]:
    """The commands and the settings of the guide's section, with the server that is installed here instead of npx."""
    text = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text(encoding="utf-8")
    section = text.split("\n## MCP servers: the gate\n")[1].split("\n## ")[0]
    shell, settings = (re.search(rf"```{kind}\n(.*?)```", section, re.S) for kind in ("", "json"))
    assert shell is not None
    assert settings is not None
    told = "npx -y @modelcontextprotocol/server-filesystem /home/me/notes"
    lines = [line for line in shell[1].replace(told, " ".join(command)).splitlines() if line]
    found: Json = json.loads(settings[1])
    args = found["mcpServers"]["filesystem"]["args"]
    assert " ".join(args).endswith(told)
    found["mcpServers"]["filesystem"]["args"] = [*args[: args.index("npx")], *command]
    return lines, found


def test_the_guides_server_is_gated(place: Place) -> None:
    """The Python of the guide, pasted into a program, gates its tool."""
    made = yaml.safe_load(draft([tools.read(REFUND)], source="a test", server="billing").text)
    use(place.office, made)
    place.office.until(lambda: place.office.agent.raw("GET", "/approvals").is_success, "the server answers")
    time.sleep(2)  # it looks at its files twice a second
    process = place.start(AGENTS / "mcp_snippet.py")
    (approval,) = place.pending()
    assert (approval["action"], place.ledger) == ("mcp__billing__process_refund", [])
    place.tap(approval)
    assert process.hear() == {"told": "changed ann@example.com 480"}
    assert (process.ended(), place.ledger) == (0, ["ann@example.com 480"])


REFUND = {
    "name": "process_refund",
    "inputSchema": {
        "type": "object",
        "required": ["customer", "amount_usd"],
        "properties": {"customer": {"type": "string"}, "amount_usd": {"type": "number"}},
    },
}


def drafted(place: Place, command: list[str]) -> str:
    """What `policy init` prints for a server."""
    return policy(place, "init", "--from-mcp", *command)


def policy(place: Place, *words: str) -> str:
    """One `policy` command, which has to succeed."""
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "policy", *words],
        cwd=place.folder,
        env={"PATH": os.environ["PATH"], "HOME": str(place.folder), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
