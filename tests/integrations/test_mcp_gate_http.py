"""The gate before a server over HTTP that answers oddly: what nobody can know is told as unknown, everything else as what it is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import mcp_server
from support.marks import on_sqlite
from support.mcp_host import McpHost, environment, text_of
from support.office import Office

from policies.drafting import tools
from policies.drafting.draft import draft

pytestmark = on_sqlite
RESULT = {"content": [{"type": "text", "text": "done\nü"}], "isError": False}


class _Server(ThreadingHTTPServer):
    """Answers a call as `how` says, and keeps the headers it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.how, self.calls, self.headers = "", 0, []  # type: ignore[var-annotated]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}/mcp"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Nothing to say."""

    def do_GET(self) -> None:
        self._send(405, b"")

    do_DELETE = do_GET

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.headers.append(dict(self.headers))
        number = message.get("id")
        if message["method"] == "initialize":
            self._send(
                200,
                json.dumps({"jsonrpc": "2.0", "id": number, "result": mcp_server.initialized({})}).encode(),
                session="s-1",
            )
        elif message["method"] == "tools/call":
            self.server.calls += 1
            self._called(number)
        else:
            self._send(202, b"")

    def _called(self, number: Any) -> None:
        answer = {"jsonrpc": "2.0", "id": number, "result": RESULT}
        match self.server.how:
            case "pretty":
                self._send(200, json.dumps(answer, indent=2, ensure_ascii=False).replace("\n", "\r\n").encode())
            case "null id":
                body = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no such session"}}
                self._send(400, json.dumps(body).encode())
            case "page":
                self._send(502, b"<html>Bad gateway</html>", kind="text/html")
            case "early":
                self._send(200, b": hello\n\nid: 7\nevent: message\ndata: \n\n", kind="text/event-stream")
            case "events":
                body = json.dumps(answer, ensure_ascii=False)
                note = '{"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}'
                self._send(200, f"data: {note}\n\nid: 1\ndata: {body}\n\n".encode(), kind="text/event-stream")
            case _:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"jsonrpc"')
                self.close_connection = True

    def _send(self, status: int, body: bytes, *, kind: str = "application/json", session: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if session:
            self.send_header("Mcp-Session-Id", session)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[_Server]:
    """The odd server."""
    opened = _Server()
    yield opened
    opened.shutdown()
    opened.server_close()


@pytest.mark.parametrize(
    ("how", "told", "state"),
    [
        ("pretty", "done\nü", "succeeded"),
        ("events", "done\nü", "succeeded"),
        ("null id", "no such session", "failed"),
        ("page", "its outcome is unknown", "claimed"),
        ("early", "its outcome is unknown", "claimed"),
        ("cut", "its outcome is unknown", "claimed"),
    ],
)
def test_whatever_is_answered_is_told_as_what_it_is(
    closed_office: Office, tmp_path: Path, server: _Server, how: str, told: str, state: str
) -> None:
    """One request reaches the server, and the record says what is known."""
    made = yaml.safe_load(draft(map(tools.read, mcp_server.TOOLS), source="a test", server="ledger").text)
    made["defaults"] = {"required_role": "finance", "channel": "#finance"}
    closed_office.manifest.write_text(yaml.safe_dump(made), encoding="utf-8")
    closed_office.open()
    server.how = how
    env = environment(closed_office, tmp_path) | {"KEY": "k-1"}
    host = McpHost(tmp_path, env, "--server", "ledger", "--header", "X-Key: ${KEY}", command=[server.url])
    host.greet()
    waiting = host.call_later("write_line", {"line": "x"})
    agent = closed_office.agent
    (approval,) = closed_office.until(lambda: agent.listing(state="pending")["approvals"], "it waits")
    assert server.calls == 0
    closed_office.person("U0ALICE").click(closed_office.card(approval), "approve")
    answer = waiting.result(60)
    assert told in (answer["error"]["message"] if "error" in answer else text_of(answer))
    closed_office.until(lambda: agent.see(approval)["state"] == state, state)
    assert server.calls == 1
    assert server.headers[-1]["X-Key"] == "k-1"
    assert server.headers[-1]["Mcp-Session-Id"] == "s-1"
    assert server.headers[-1]["MCP-Protocol-Version"] == "2025-11-25"
    assert host.hang_up()[0] == 0
