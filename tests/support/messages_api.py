"""A stand-in for the Messages API on loopback: it streams what the test scripted, and keeps what it was sent."""

from __future__ import annotations

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
Block = Json


def call(tool: str, arguments: Json, call_id: str = "") -> Block:
    """A tool call of the model."""
    return {"type": "tool_use", "id": call_id or f"toolu_{secrets.token_hex(8)}", "name": tool, "input": arguments}


def bash(command: str, call_id: str = "") -> Block:
    """A command."""
    return call("Bash", {"command": command, "description": "Do it"}, call_id)


class MessagesApi:
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
        """All tool results that the model was given, as text."""
        results = []
        for message in self.heard[-1] if self.heard else []:
            blocks = message["content"] if isinstance(message["content"], list) else []
            results += [
                json.dumps(block.get("content"), ensure_ascii=False)
                for block in blocks
                if block["type"] == "tool_result"
            ]
        return "\n".join(results)

    def answer(self, body: Json) -> list[Block]:
        """The model's next turn."""
        if not body.get("tools"):
            return [{"type": "text", "text": "ok"}]
        with self._lock:
            self.heard.append(body["messages"])
            return self.turns.pop(0) if self.turns else [{"type": "text", "text": "done"}]

    def close(self) -> None:
        """Hang up."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    api: MessagesApi
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing to say."""

    def do_GET(self) -> None:
        self._send(200, b"{}")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if "count_tokens" in self.path:
            return self._send(200, b'{"input_tokens": 1}')
        if "/messages" not in self.path:
            return self._send(404, b"{}")
        blocks = self.api.answer(body)
        message = {
            "id": f"msg_{secrets.token_hex(8)}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", "m"),
            "content": blocks,
            "stop_reason": "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        if not body.get("stream"):
            return self._send(200, json.dumps(message).encode())
        return self._send(200, b"".join(_events(message)), "text/event-stream")

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _events(message: Json) -> list[bytes]:
    """The message as server-sent events."""
    events: list[Json] = [{"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}]
    for index, block in enumerate(message["content"]):
        if block["type"] == "tool_use":
            start: Json = {**block, "input": {}}
            delta: Json = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        else:
            start, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
        events += [
            {"type": "content_block_start", "index": index, "content_block": start},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events += [{"type": "message_delta", "delta": ended, "usage": {"output_tokens": 1}}, {"type": "message_stop"}]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
