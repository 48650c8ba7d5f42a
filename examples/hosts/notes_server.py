"""A small MCP server for `mcp_gate.py`, with nothing but the standard library: it keeps notes in `notes.txt`."""

from __future__ import annotations

import json
import sys
from typing import Any

TOOLS = [
    {
        "name": "add_note",
        "description": "Adds a note to the file.",
        "inputSchema": {"type": "object", "required": ["note"], "properties": {"note": {"type": "string"}}},
        "annotations": {"readOnlyHint": False, "destructiveHint": False},
    }
]


def result(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """What is answered."""
    if method == "initialize":
        server = {"name": "notes", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/list":
        return {"tools": TOOLS}
    with open("notes.txt", "a", encoding="utf-8") as notes:
        notes.write(params["arguments"]["note"] + "\n")
    return {"content": [{"type": "text", "text": "noted"}]}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        answer = {
            "jsonrpc": "2.0",
            "id": message["id"],
            "result": result(message["method"], message.get("params") or {}),
        }
        print(json.dumps(answer), flush=True)
