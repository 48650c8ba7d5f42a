"""`sayso mcp`: asking, checking, claiming and reporting as tools of an MCP server.

Advisory: an agent that does not call them acts all the same. What has to hold is put behind `sayso mcp-gate`, a hook or an adapter.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from sayso import executing
from sayso.aio import AsyncSayso
from sayso.errors import (
    AlreadyExecuted,
    Conflict,
    Gone,
    InformationRequested,
    MayHaveRun,
    NotApproved,
    SaysoError,
    StillPending,
    Stopped,
)
from sayso.mcp import messages, words
from sayso.mcp.messages import Message, NotAMessage
from sayso.models import Approval

MOST_WAIT = 50  # seconds; hosts give up after 60
VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
ADVISORY = (
    "Ask people before you act. These tools are advisory: they record who decided what, and nothing here stops an action that nobody "
    "was asked about. Ask first, act only with what claim gives you, exactly with its params and once, then report how it ended."
)
_ID = {"type": "string", "description": "The approval's id, from ask"}
_WAIT = {
    "type": "integer",
    "minimum": 0,
    "maximum": MOST_WAIT,
    "default": 0,
    "description": "Seconds to wait for a decision before answering",
}


def _tool(name: str, told: str, required: list[str], *, reads: bool = False, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": required, "properties": properties, "additionalProperties": False}
    hints = {"readOnlyHint": reads, "destructiveHint": False, "openWorldHint": True}
    return {"name": name, "description": f"{told} (advisory)", "inputSchema": schema, "annotations": hints}


TOOLS = [
    _tool(
        "ask",
        "Ask people for their say-so before you do something. Gives the approval; while it is pending, go on with check.",
        ["action", "params"],
        action={"type": "string", "description": "The action's name in the organisation's manifest"},
        params={"type": "object", "description": "The action's parameters, exactly as you would use them"},
        reason={"type": "string", "description": "Why, for the reviewer"},
        session_id={"type": "string", "description": "The task or conversation that this belongs to"},
        step={"type": "string", "description": "What to call this step: asking again with the same finds the same approval"},
        wait_seconds=_WAIT,
    ),
    _tool("check", "See how an approval stands.", ["id"], reads=True, id=_ID, wait_seconds=_WAIT),
    _tool(
        "claim",
        "Take the single-use grant of an approved request, right before you act. Use the params that it gives, not your own.",
        ["id"],
        id=_ID,
    ),
    _tool(
        "report",
        "Say how a claimed action ended.",
        ["id", "outcome"],
        id=_ID,
        outcome={"enum": ["succeeded", "failed"]},
        detail={"type": "string", "description": "A receipt, or what went wrong"},
    ),
]  # fmt: skip


# What says how an approval stands, rather than that something is wrong with the question.
_STATES = (NotApproved, MayHaveRun, AlreadyExecuted, StillPending, Stopped, Gone, Conflict)


class Advisor:
    """Answers a host's messages; `say` sends a line back."""

    def __init__(self, client: AsyncSayso, version: str, say: Callable[[bytes], None]) -> None:
        self._client, self._version, self._say = client, version, say
        self._tools: dict[str, Callable[..., Awaitable[Any]]] = {
            "ask": self._ask,
            "check": self._check,
            "claim": self._claim,
            "report": self._report,
        }
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def hear(self, line: bytes | None) -> None:
        """A line of the host; None once there are no more."""
        self._lines.put_nowait(line)

    async def serve(self) -> int:
        """Until the host hangs up."""
        while (line := await self._lines.get()) is not None:
            if line.strip():
                self._heard(line)
        for task in self._tasks.values():
            task.cancel()
        return 0

    def _heard(self, line: bytes) -> None:
        try:
            message = messages.read(line)
        except NotAMessage as problem:
            self._say(messages.error(None, messages.PARSE, f"not a message: {problem}"))
            return
        if message.method == messages.CANCELLED:
            task = self._tasks.get(messages.key_of(message.params.get("requestId")))
            if task is not None:
                task.cancel()
        elif message.key is not None and message.method is not None:
            self._tasks[message.key] = task = asyncio.create_task(self._answered(message))
            task.add_done_callback(lambda _: self._tasks.pop(message.key or "", None))

    async def _answered(self, message: Message) -> None:
        number = message.body["id"]
        match message.method:
            case "initialize":
                self._say(messages.written({"jsonrpc": "2.0", "id": number, "result": self._hello(message)}))
            case "ping":
                self._say(messages.written({"jsonrpc": "2.0", "id": number, "result": {}}))
            case "tools/list":
                self._say(messages.written({"jsonrpc": "2.0", "id": number, "result": {"tools": TOOLS}}))
            case messages.CALL:
                self._say(await self._called(message))
            case _:
                self._say(messages.error(number, -32601, f"there is no {str(message.method)[:80]} here"))

    def _hello(self, message: Message) -> dict[str, Any]:
        asked = message.params.get("protocolVersion")
        return {
            "protocolVersion": asked if asked in VERSIONS else VERSIONS[-1],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "sayso", "version": self._version},
            "instructions": ADVISORY,
        }

    async def _called(self, message: Message) -> bytes:
        name, given = message.params.get("name"), message.params.get("arguments") or {}
        tool = self._tools.get(name) if isinstance(name, str) else None
        problem = f"there is no tool {str(name)[:80]}" if tool is None else _misfit(str(name), given)
        if tool is None or problem:
            return messages.failed(message, problem)
        try:
            told = await tool(**given)
        except (SaysoError, ValueError, TypeError) as error:
            return messages.failed(message, words.refused(error) if isinstance(error, _STATES) else f"Sayso: {error}")
        text = json.dumps(told, ensure_ascii=False)
        result = {"content": [{"type": "text", "text": text}], "structuredContent": told, "isError": False}
        return messages.written({"jsonrpc": "2.0", "id": message.body["id"], "result": result})

    async def _ask(
        self,
        action: str,
        params: dict[str, Any],
        reason: str = "",
        *,
        session_id: str | None = None,
        step: str | None = None,
        wait_seconds: int = 0,
    ) -> dict[str, Any]:
        more: dict[str, Any] = {"session_id": session_id} if session_id is not None else {}
        asked = await self._client.ask(action, params, reason=reason, step=step, **more)
        return await self._stands(asked, wait_seconds)

    async def _check(self, id: str, wait_seconds: int = 0) -> dict[str, Any]:
        return await self._stands(await self._client.get(id), wait_seconds)

    async def _stands(self, approval: Approval, seconds: int) -> dict[str, Any]:
        if approval.pending and seconds:
            try:
                approval = await self._client.wait(approval, float(min(seconds, MOST_WAIT)))
            except (StillPending, InformationRequested) as now:
                approval = now.approval
        told = approval.model_dump(
            mode="json", include={"id", "action", "params", "state", "why", "expires_at", "feedback"}
        )
        question = str(approval.info_request) if approval.info_request else None
        return told | {"may_be_claimed": approval.approved, "question_of_a_reviewer": question}

    async def _claim(self, id: str) -> dict[str, Any]:
        approval = await self._client.get(id)
        grant = await self._client._run(executing.begin(self._client._core, approval, again=False))
        told = grant.model_dump(
            mode="json", include={"params", "note", "edited", "claim_expires_at", "idempotency_key"}
        )
        return told | {"id": id}

    async def _report(self, id: str, outcome: Any, detail: str = "") -> dict[str, Any]:
        approval = await self._client.result(id, outcome, detail)
        return {"id": id, "state": approval.state.value}


_KINDS: dict[str, type | tuple[type, ...]] = {"string": str, "object": dict, "integer": int}


def _misfit(name: str, given: Any) -> str:
    """What is wrong with the arguments of one of our own tools, in a line; nothing where they fit."""
    schema = next(tool["inputSchema"] for tool in TOOLS if tool["name"] == name)
    if not isinstance(given, dict):
        return "the arguments are not an object"
    for key in schema["required"]:
        if key not in given:
            return f"{key} is required"
    for key, value in given.items():
        rule = schema["properties"].get(key)
        if rule is None:
            return f"{str(key)[:80]} is not an argument of {name}"
        kind = _KINDS.get(rule.get("type", ""))
        if kind is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            return f"{key} must be of type {rule['type']}"
        if "enum" in rule and value not in rule["enum"]:
            return f"{key} must be one of {', '.join(rule['enum'])}"
    return ""
