"""A small MCP server over standard input and output, for tests: it speaks the wire itself and writes what it does into a ledger.

`python mcp_server.py FOLDER` keeps `FOLDER/ledger`. It never hides anything: every line it is sent goes into `FOLDER/heard`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

Json = dict[str, Any]
TOOLS: list[Json] = [
    {
        "name": "write_line",
        "title": "Write a line",
        "description": "Writes a line into the ledger — “as it is”.",
        "inputSchema": {
            "type": "object",
            "required": ["line"],
            "properties": {"line": {"type": "string"}, "count": {"type": "number", "default": 1.0}},
            "$schema": "https://json-schema.org/draft/2020-12/schema",
        },
        "annotations": {"destructiveHint": True, "readOnlyHint": False},
        "_meta": {"odd": [1.0, None]},
    },
    {
        "name": "get_lines",
        "description": "Reads the ledger.",
        "inputSchema": {"type": "object", "properties": {}},
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": "fail_late",
        "inputSchema": {"type": "object", "properties": {"how": {"enum": ["error", "isError", "die"]}}},
    },
    {"name": "write_slowly", "inputSchema": {"type": "object", "properties": {"line": {"type": "string"}}}},
]


def main(folder: Path) -> None:
    """Answer until the input ends."""
    for raw in sys.stdin.buffer:
        with (folder / "heard").open("ab") as heard:
            heard.write(raw)
        message = json.loads(raw)
        method, number, params = message.get("method"), message.get("id"), message.get("params") or {}
        if method == "initialize":
            say(number, initialized(params))
        elif method == "tools/list":
            first = "cursor" not in params
            say(number, {"tools": TOOLS[:2], "nextCursor": "more"} if first else {"tools": TOOLS[2:]})
        elif method == "tools/call":
            call(folder, number, params)
        elif method == "resources/read":
            send({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "reading"}})
            send(
                {
                    "jsonrpc": "2.0",
                    "id": "s1",
                    "method": "sampling/createMessage",
                    "params": {"messages": [], "maxTokens": 9},
                }
            )
            say(number, {"contents": [{"uri": params["uri"], "text": "ü\\u2028"}]})
        elif method is not None and number is not None:
            send({"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": f"no {method}"}})


def initialized(params: Json) -> Json:
    """What a server says of itself."""
    return {
        "protocolVersion": params.get("protocolVersion", "2025-11-25"),
        "capabilities": {"tools": {"listChanged": True}, "resources": {}, "logging": {}},
        "serverInfo": {"name": "ledger", "version": "1"},
        "instructions": "Be careful.",
    }


def call(folder: Path, number: Any, params: Json) -> None:
    """Run a tool."""
    name, given = params["name"], params.get("arguments") or {}
    ledger = folder / "ledger"
    if name == "get_lines":
        return text(number, ledger.read_text(encoding="utf-8") if ledger.exists() else "")
    with ledger.open("a", encoding="utf-8") as file:
        file.write(json.dumps(given, ensure_ascii=False) + "\n")
    if name == "write_slowly":
        token = (params.get("_meta") or {}).get("progressToken")
        if token is not None:
            send(
                {
                    "jsonrpc": "2.0",
                    "method": "notifications/progress",
                    "params": {"progressToken": token, "progress": 1},
                }
            )
        time.sleep(float(os.environ.get("LEDGER_SLEEP", "30")))
    if name == "fail_late" and given.get("how") == "die":
        os._exit(3)
    if name == "fail_late" and given.get("how") == "error":
        return send({"jsonrpc": "2.0", "id": number, "error": {"code": -32603, "message": "broken"}})
    return text(number, "done", failed=name == "fail_late")


def text(number: Any, said: str, *, failed: bool = False) -> None:
    """Answer a call."""
    say(number, {"content": [{"type": "text", "text": said}], "structuredContent": {"said": said}, "isError": failed})


def say(number: Any, result: Json) -> None:
    """Answer a request."""
    send({"jsonrpc": "2.0", "id": number, "result": result})


def send(message: Json) -> None:
    """One line."""
    sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main(Path(sys.argv[1]))
