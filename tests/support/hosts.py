"""A host of a coding agent, as thin as can be: it sends hook events and reads verdicts as Claude Code does."""

from __future__ import annotations

import json
import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx2
import yaml

from support.agent import TLS, Json

TREE = "/home/dev/project"
HOOKS: Json = {
    "otherwise": "use_tool",
    "wait_seconds": 30,
    "rules": [
        {"tools": "*", "is": "read", "action": "look"},
        {"tools": "*", "is": "local", "action": "change"},
        {"tools": "mcp__mail__*", "deny": "People write mail here"},
    ],
}
_ASKS: Json = {"severity": "medium", "reversible": True, "required_role": "finance", "channel": "#finance"}
ACTIONS: dict[str, Json] = {
    "look": {"title": "Look", "describe": "Look", "severity": "low", "reversible": True, "approval_required": False},
    "change": {"title": "Work", "describe": "Work", "severity": "low", "reversible": True, "approval_required": False},
    "use_tool": _ASKS
    | {
        "title": "Use a tool",
        "describe": "{% if params.command %}Run {{ params.command }}{% else %}Use a tool{% endif %}",
    },
}


def manifest(hooks: Json | None = None, actions: dict[str, Json] | None = None) -> str:
    """A manifest with hooks for the office's people."""
    return yaml.safe_dump(
        {
            "version": 1,
            "defaults": {"limits": {"creates_per_minute": 10_000}},
            "actions": ACTIONS | (actions or {}),
            "hooks": HOOKS | (hooks or {}),
        },
        sort_keys=False,
    )


class Host:
    """One session of a host. `bash` and `pre` send a PreToolUse and give the verdict as a host would understand it."""

    def __init__(self, url: str, token: str, session: str = "", *, cwd: str = TREE, query: str = "") -> None:
        self.session, self.cwd, self.query = session or secrets.token_hex(8), cwd, query
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx2.Client(base_url=url, headers=headers, timeout=120, verify=TLS)
        self.pool = ThreadPoolExecutor(8)

    def event(self, name: str, tool: str, arguments: Any, call: str = "", **more: Any) -> Json:
        """What Claude Code sends."""
        return {
            "session_id": self.session,
            "transcript_path": "/nowhere/transcript.jsonl",
            "cwd": self.cwd,
            "permission_mode": "default",
            "hook_event_name": name,
            "tool_name": tool,
            "tool_input": arguments,
            "tool_use_id": call or f"toolu_{secrets.token_hex(6)}",
            **more,
        }

    def send(self, body: Json | bytes, path: str = "/v1/hooks/claude-code") -> httpx2.Response:
        """One request, whatever comes of it."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.post(f"{path}{self.query}", content=content, headers={"Content-Type": "application/json"})

    def pre(self, tool: str, arguments: Any, call: str = "", **more: Any) -> Json:
        """The verdict on a call: `permissionDecision` and what belongs to it."""
        return verdict(self.send(self.event("PreToolUse", tool, arguments, call, **more)))

    def bash(self, command: str, call: str = "", **more: Any) -> Json:
        """The verdict on a command."""
        return self.pre("Bash", {"command": command}, call, **more)

    def bash_later(self, command: str, call: str = "", **more: Any) -> Future[Json]:
        """The same while something else goes on."""
        return self.pool.submit(self.bash, command, call, **more)

    def post(self, tool: str, arguments: Any, call: str, response: Any, name: str = "PostToolUse") -> Json:
        """Tell what became of a call."""
        answered = self.send(self.event(name, tool, arguments, call, tool_response=response))
        assert answered.status_code == 200
        told: Json = answered.json()
        return told

    def close(self) -> None:
        """Hang up."""
        self.http.close()
        self.pool.shutdown(wait=False, cancel_futures=True)


def verdict(answered: httpx2.Response) -> Json:
    """What a host makes of an answer: silence would let the tool run, so there must be none."""
    assert answered.status_code == 200, answered.text
    output: Json = answered.json()["hookSpecificOutput"]
    assert output["hookEventName"] == "PreToolUse"
    assert output["permissionDecision"] in ("allow", "deny", "ask", "defer")
    return output
