"""`policy init` at the command line: a server that is asked, documents that are read, and one line for whatever is wrong."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from support import mcp_server

from bot.cli import policy

Run = Callable[..., tuple[int, str, str]]
SERVER = Path(mcp_server.__file__)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a policy command in an empty directory; gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    parser = argparse.ArgumentParser(prog="bot")
    policy.add_parser(parser.add_subparsers(dest="command", required=True))

    def ran(*words: object) -> tuple[int, str, str]:
        try:
            code = policy.run(parser.parse_args(["policy", *map(str, words)]))
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return ran


def test_a_server_that_is_started_gives_a_manifest_that_passes(run: Run, tmp_path: Path) -> None:
    """Every page of its tools is asked for, each becomes an action, and the check has nothing to say."""
    code, out, err = run("init", "--server", "ledger", "--from-mcp", sys.executable, SERVER, tmp_path)
    assert (code, err) == (0, "")
    assert out.count("    title: ") == len(mcp_server.TOOLS)
    assert "sayso mcp-gate --server ledger --" in out
    (tmp_path / "actions.yml").write_text(out, encoding="utf-8")
    assert run("check", "actions.yml") == (0, "0 errors, 0 warnings\n", "")
    code, out, _ = run("explain", "actions.yml", "--hook", "mcp__ledger__write_line", "--params", '{"line": "x"}')
    assert code == 0
    assert "It maps to mcp__ledger__write_line" in out


def test_options_of_the_server_are_its_own(run: Run, tmp_path: Path) -> None:
    """Everything after --from-mcp is the command, also what looks like an option of ours, and -- may stand before it."""
    code, out, _ = run("init", "--from-mcp", "--", sys.executable, "-u", SERVER, tmp_path)
    assert code == 0
    assert "  mcp__mcp-server__write_line:" in out
    assert run("init", "more", "--from-tools", "x.json")[0] == 2


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--from-mcp"], "give the command that starts the server"),
        (["--from-mcp", "no-such-program"], "cannot be started"),
        (["--from-mcp", sys.executable, "-c", "pass"], "ended"),
        (["--from-mcp", sys.executable, "-c", "print('hello', flush=True)"], "ended"),
        (["--from-mcp", "http://127.0.0.1:9/mcp"], "does not answer"),
        (["--from-tools", "nowhere.json"], "nowhere.json"),
        (["--server", "a b", "--from-tools", "x.json"], "--server"),
        (["--from-openapi", "empty.yml"], "no OpenAPI 3 document"),
        (["--from-openapi", "alias.yml"], "uses YAML aliases"),
        ([], "one of the arguments"),
    ],
)
def test_what_is_wrong_is_one_line(run: Run, tmp_path: Path, words: list[str], problem: str) -> None:
    """Exit code 2, the reason, no manifest."""
    (tmp_path / "empty.yml").write_text("a: 1\n", encoding="utf-8")
    (tmp_path / "alias.yml").write_text("a: &a [1]\nb: *a\n", encoding="utf-8")
    code, out, err = run("init", *words)
    assert (code, out) == (2, "")
    assert problem in err
    assert "Traceback" not in err


def test_what_was_left_out_is_told_apart_from_the_manifest(run: Run, tmp_path: Path) -> None:
    """The manifest goes to standard output, what could not be drafted to standard error; with nothing left it is 2."""
    tools = [{"name": "fine", "inputSchema": {}}, {"name": "not fine", "inputSchema": {}}]
    (tmp_path / "tools.json").write_text(json.dumps(tools), encoding="utf-8")
    code, out, err = run("init", "--from-tools", "tools.json")
    assert (code, err) == (0, "sayso: not drafted: not fine: its name holds characters that no action's name may\n")
    assert "  fine:\n" in out
    assert "hooks:" not in out
    (tmp_path / "tools.json").write_text(json.dumps(tools[1:]), encoding="utf-8")
    code, out, err = run("init", "--from-tools", "tools.json")
    assert (code, out) == (2, "")
    assert "no action could be drafted" in err


def test_openapi_is_read_as_yaml_too(run: Run, tmp_path: Path) -> None:
    """A date stays a text, and an operation without an id is called by its method and path."""
    (tmp_path / "api.yaml").write_text(
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n        - {name: day, in: query, schema: {const: 2026-01-31}}\n",
        encoding="utf-8",
    )
    code, out, _ = run("init", "--from-openapi", "api.yaml")
    assert code == 0
    assert '"2026-01-31"' in out
    assert "  get__a:\n" in out


@pytest.mark.parametrize("stream", [False, True], ids=["JSON", "events"])
def test_a_server_at_an_address_is_asked_over_http(run: Run, stream: bool) -> None:
    """Streamable HTTP: the session's id comes along, and an answer may be a stream of events."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append(self.headers["Mcp-Session-Id"])
            result = {"tools": mcp_server.TOOLS} if message["method"] == "tools/list" else mcp_server.initialized({})
            body = json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": result}).encode()
            if "id" not in message:
                self.send_response(202)
                self.end_headers()
                return
            note = b'event: message\ndata: {"jsonrpc": "2.0", "method": "notifications/message"}\n\n'
            body = note + b"id: 1\ndata: " + body + b"\n\n" if stream else body
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream" if stream else "application/json")
            self.send_header("Mcp-Session-Id", "s-1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        code, out, err = run("init", "--server", "far", "--from-mcp", f"http://127.0.0.1:{server.server_port}/mcp")
    finally:
        server.shutdown()
        server.server_close()
    assert (code, err) == (0, "")
    assert "mcp__far__write_line:" in out
    assert seen == [None, "s-1", "s-1"]
