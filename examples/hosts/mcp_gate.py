"""A host that calls a tool of an MCP server through the gate, and waits until a person has decided.

    cd examples/hosts
    sayso-server policy init --from-mcp python notes_server.py > actions.yml   # read it, and start the server with it
    SAYSO_URL=… SAYSO_TOKEN=… python mcp_gate.py ["a note"]

Any host does the same: it starts `sayso mcp-gate -- CMD …` instead of CMD. Kill it while it waits, start it again with
the same note after the tap, and the note is written once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("notes_server.py")


def main() -> int:
    """Greet, call, print what the model would be told; 1 where the note was not written."""
    note = sys.argv[1] if len(sys.argv) > 1 else "Call Ann back"
    words = [sys.executable, "-m", "sayso", "mcp-gate", "--", sys.executable, str(SERVER)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as gate:
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "example", "version": "1"}}
        ask(gate, 1, "initialize", hello)
        say(gate, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        print("waiting for a person in Slack", flush=True)
        call = {"name": "add_note", "arguments": {"note": note}, "_meta": {"progressToken": 1}}
        result = ask(gate, 2, "tools/call", call)
        print(result["content"][0]["text"])
        assert gate.stdin is not None
        gate.stdin.close()
    return int(bool(result.get("isError")))


def ask(gate: subprocess.Popen[str], number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """A request and its result; what else comes meanwhile are signs of life."""
    say(gate, {"jsonrpc": "2.0", "id": number, "method": method, "params": params})
    assert gate.stdout is not None
    for line in gate.stdout:
        message = json.loads(line)
        if message.get("id") == number:
            found: dict[str, Any] = message["result"]
            return found
    raise SystemExit("the gate has ended; what it printed says why")


def say(gate: subprocess.Popen[str], message: dict[str, Any]) -> None:
    """One line."""
    assert gate.stdin is not None
    gate.stdin.write(json.dumps(message) + "\n")
    gate.stdin.flush()


if __name__ == "__main__":
    raise SystemExit(main())
