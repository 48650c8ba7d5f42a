"""A stand-in for the Responses API on loopback, which Codex speaks."""

from __future__ import annotations

import json
import secrets

from support.scripted_api import STREAM, Block, Json, ScriptedApi, stream

DONE: Json = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "done", "annotations": []}],
}


def call(tool: str, arguments: Json) -> Block:
    """A tool call of the model."""
    name = secrets.token_hex(8)
    told: Json = {"name": tool, "arguments": json.dumps(arguments), "status": "completed"}
    return {"type": "function_call", "id": f"fc_{name}", "call_id": f"call_{name}", **told}


class ResponsesApi(ScriptedApi):
    """The Responses API, as a stream."""

    def results(self, message: Json) -> list[str]:
        """The result of a tool, where this item is one."""
        if message.get("type") not in ("function_call_output", "custom_tool_call_output"):
            return []
        return [json.dumps(message.get("output"), ensure_ascii=False)]

    def reply(self, path: str, body: Json) -> tuple[int, bytes, str]:
        """The model's next turn."""
        items = self.next_turn(body["input"]) if body.get("tools") else None
        output = [{"id": f"msg_{secrets.token_hex(8)}", **item} for item in items or [DONE]]
        response: Json = {
            "id": f"resp_{secrets.token_hex(8)}",
            "object": "response",
            "status": "in_progress",
            "output": [],
        }
        events: list[Json] = [{"type": "response.created", "response": response}]
        for index, item in enumerate(output):
            events.append({"type": "response.output_item.done", "output_index": index, "item": item})
        usage: Json = {
            "input_tokens": 1,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 1,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 2,
        }
        over = {**response, "status": "completed", "output": output, "usage": usage}
        return 200, stream([*events, {"type": "response.completed", "response": over}]), STREAM
