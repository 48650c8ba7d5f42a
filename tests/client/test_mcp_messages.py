"""Messages of MCP as the gate reads and writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sayso.mcp import messages

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (None, {"a": "x", "n": 1, "_sayso": "note"}),
        ({"properties": {"a": {"type": "string"}}}, {"a": "x", "n": 1, "_sayso": "note"}),
        ({"additionalProperties": False, "properties": {"a": {"type": "string"}}}, {"a": "x\n\nnote", "n": 1}),
        ({"additionalProperties": False, "properties": {"a": {"enum": ["x"]}}}, {"a": "x", "n": 1}),
        ({"additionalProperties": False, "properties": {"a": {"type": "string", "maxLength": 1}}}, {"a": "x", "n": 1}),
        ({"additionalProperties": {"type": "integer"}}, {"a": "x", "n": 1}),
        ({"maxProperties": 2}, {"a": "x", "n": 1}),
        ({"$ref": "#/$defs/x"}, {"a": "x", "n": 1}),
    ],
)
def test_a_note_never_breaks_what_a_tool_promises(output: Any, told: Json) -> None:
    """In a structured result the note stands only where the tool's own schema leaves room for it."""
    body = {"jsonrpc": "2.0", "id": 1, "result": {"content": [], "structuredContent": {"a": "x", "n": 1}}}
    found = json.loads(messages.noted(messages.heard(json.dumps(body).encode()), "note", output))["result"]
    assert found == {"content": [{"type": "text", "text": "note"}], "structuredContent": told}
