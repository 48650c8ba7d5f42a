"""What the stand-ins for models' APIs share: a server on loopback that plays a script, turn by turn, and keeps what it heard."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
Block = Json
STREAM = "text/event-stream"


class ScriptedApi:
    """Answers each request that offers tools with the next turn of the script, and everything else with a word.

    `heard` holds the messages of each such request, so a test sees what the model was told.
    """

    def __init__(self) -> None:
        self.turns: list[list[Block]] = []
        self.heard: list[list[Json]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def told(self) -> str:
        """All results of tools that the model was given, as text."""
        return "\n".join(
            result for message in (self.heard[-1] if self.heard else []) for result in self.results(message)
        )

    def results(self, message: Json) -> list[str]:
        """The results of tools in one message."""
        raise NotImplementedError

    def next_turn(self, messages: list[Json]) -> list[Block] | None:
        """What the script says to these messages; None at its end."""
        with self._lock:
            self.heard.append(messages)
            return self.turns.pop(0) if self.turns else None

    def reply(self, path: str, body: Json) -> tuple[int, bytes, str]:
        """Status, content and its type for a POST."""
        raise NotImplementedError

    def close(self) -> None:
        """Hang up."""
        self._server.shutdown()
        self._server.server_close()


def stream(events: list[Json], *, named: bool = True) -> bytes:
    """Server-sent events."""
    return b"".join(
        (f"event: {event['type']}\n" if named else "").encode() + f"data: {json.dumps(event)}\n\n".encode()
        for event in events
    )


class _Handler(BaseHTTPRequestHandler):
    api: ScriptedApi
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing to say."""

    def do_GET(self) -> None:
        self._send(200, b"{}", "application/json")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        self._send(*self.api.reply(self.path, body))

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
