"""A stand-in for the Messages API on loopback: it streams what the test scripted, and keeps what it was sent."""

from __future__ import annotations

import json
import secrets

from support.scripted_api import STREAM, Block, Json, ScriptedApi, stream

JSON = "application/json"


def call(tool: str, arguments: Json, call_id: str = "") -> Block:
    """A tool call of the model."""
    return {"type": "tool_use", "id": call_id or f"toolu_{secrets.token_hex(8)}", "name": tool, "input": arguments}


def bash(command: str, call_id: str = "") -> Block:
    """A command."""
    return call("Bash", {"command": command, "description": "Do it"}, call_id)


class MessagesApi(ScriptedApi):
    """The Messages API."""

    def results(self, message: Json) -> list[str]:
        """The results of tools in one message."""
        blocks = message["content"] if isinstance(message["content"], list) else []
        results = [block for block in blocks if block["type"] == "tool_result"]
        return [json.dumps(block.get("content"), ensure_ascii=False) for block in results]

    def reply(self, path: str, body: Json) -> tuple[int, bytes, str]:
        """The model's next turn, as a message."""
        if "count_tokens" in path:
            return 200, b'{"input_tokens": 1}', JSON
        if "/messages" not in path:
            return 404, b"{}", JSON
        blocks = self.answer(body)
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
            return 200, json.dumps(message).encode(), JSON
        return 200, stream(_events(message)), STREAM

    def answer(self, body: Json) -> list[Block]:
        """The model's next turn."""
        if not body.get("tools"):
            return [{"type": "text", "text": "ok"}]
        turn = self.next_turn(body["messages"])
        return [{"type": "text", "text": "done"}] if turn is None else turn


def _events(message: Json) -> list[Json]:
    """The message as it is streamed."""
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
    return [
        *events,
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
