"""What Codex CLI and Gemini CLI do with `sayso hook`, in a page: ask before a command, run what was allowed, tell how it ended.

    SAYSO_URL=… SAYSO_TOKEN=… python examples/hosts/command_hook.py codex 'git push origin main'
    SAYSO_URL=… SAYSO_TOKEN=… python examples/hosts/command_hook.py gemini 'git push origin main'

The server needs a manifest with a `hooks` section, such as `policies/examples/coding.yml`. With the hosts themselves it is one line:
`sayso hook install codex` or `sayso hook install gemini`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

TOOLS = {"codex": ("Bash", "PreToolUse", "PostToolUse"), "gemini": ("run_shell_command", "BeforeTool", "AfterTool")}


def hooked(host: str, name: str, arguments: dict[str, str], **more: Any) -> dict[str, Any]:
    """Start the hook with an event on its standard input; whatever is not an answer is a no."""
    event = {"session_id": "example", "cwd": os.getcwd(), "hook_event_name": name, "tool_name": TOOLS[host][0]}
    event |= {"tool_input": arguments, **more}
    words = [sys.executable, "-m", "sayso", "hook", "--for", host]
    ended = subprocess.run(words, input=json.dumps(event), capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"not run: {ended.stderr.strip()}")
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


def main() -> None:
    """Ask, run, report."""
    host, command = sys.argv[1:]
    _, before, after = TOOLS[host]
    verdict = hooked(host, before, {"command": command}, **({"tool_use_id": "call_1"} if host == "codex" else {}))
    inner = verdict.get("hookSpecificOutput", {})
    if (verdict.get("decision") or inner.get("permissionDecision")) != "allow":
        sys.exit(f"not run: {verdict.get('reason') or inner.get('permissionDecisionReason')}")
    granted = inner.get("updatedInput") or inner.get("tool_input") or {"command": command}
    ended = subprocess.run(granted["command"], shell=True, capture_output=True, text=True, check=False)
    print(ended.stdout, end="")
    told: Any = ended.stdout if host == "codex" else {"llmContent": f"Exit Code: {ended.returncode}"}
    hooked(host, after, granted, tool_response=told, **({"tool_use_id": "call_1"} if host == "codex" else {}))


if __name__ == "__main__":
    main()
