"""A stand-in for the Gemini API on loopback, which Gemini CLI speaks."""

from __future__ import annotations

import json
import secrets

from support.scripted_api import STREAM, Block, Json, ScriptedApi, stream


def call(tool: str, arguments: Json) -> Block:
    """A tool call of the model."""
    return {"functionCall": {"id": secrets.token_hex(8), "name": tool, "args": arguments}}


class GeminiApi(ScriptedApi):
    """`generateContent` and its stream."""

    def results(self, message: Json) -> list[str]:
        """The results of tools in one message."""
        found = [part["functionResponse"] for part in message.get("parts", []) if "functionResponse" in part]
        return [json.dumps(one.get("response"), ensure_ascii=False) for one in found]

    def reply(self, path: str, body: Json) -> tuple[int, bytes, str]:
        """The model's next turn."""
        turn = self.next_turn(body["contents"]) if body.get("tools") else None
        told: Json = {
            "candidates": [
                {
                    "index": 0,
                    "content": {"role": "model", "parts": turn or [{"text": "done"}]},
                    "finishReason": "STOP",
                }
            ],
            "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
        }
        if "alt=sse" in path:
            return 200, stream([told], named=False), STREAM
        return 200, json.dumps(told).encode(), "application/json"
