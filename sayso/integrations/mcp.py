"""MCP servers in Python: a gate around the bodies of the tools that one's own server has.

For a server of somebody else's there is `sayso mcp-gate`. The manifest's `hooks` section maps `mcp__SERVER__TOOL` for both.

server = MCPServer("billing")
gate = SaysoGate(AsyncSayso(), server="billing")

@server.tool()
@gate.tool
async def refund(customer: str, amount_usd: float) -> str: ...
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import typing
from collections.abc import AsyncIterator, Callable
from functools import wraps
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from sayso.aio import AsyncSayso
from sayso.errors import InformationRequested, SaysoError
from sayso.mcp import words
from sayso.models import Approval

FIRST_BEAT, BEAT = 1.0, 4.0  # seconds to the first sign of life, and between two


class SaysoGate:
    """Tools that run only with a claimed grant. `wait` (seconds) bounds how long a call waits for people.

    The same call in the same session finds its own approval until that one has ended. A tool that takes a `Context`
    tells its host that it waits; without one, `wait` has to be shorter than the host's patience.
    """

    def __init__(self, client: AsyncSayso, *, server: str, session_id: str | None = None, wait: float = 50.0) -> None:
        self.client, self.server, self.wait = client, server, wait
        self.session_id = session_id or f"mcp-{server}"

    def tool(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Gate a tool's function; stands under `@server.tool()`."""
        hints = typing.get_type_hints(function, include_extras=True)

        @wraps(function)
        async def gated(**given: Any) -> Any:
            told = {name: value for name, value in given.items() if not isinstance(value, Context)}
            context = next((value for value in given.values() if isinstance(value, Context)), None)
            shown = to_jsonable_python(told)
            approval = await self._decided(function.__name__, shown, context)
            try:
                grant = await self.client.execute(approval).__aenter__()
            except SaysoError as problem:
                raise ToolError(words.refused(problem)) from None
            changed = grant.params != shown
            arguments = given if not changed else _validated(hints, grant.params) | _contexts(given)
            try:
                value = await _called(function, arguments)
            except Exception as problem:
                await self._report(approval, "failed", f"{type(problem).__name__}: {problem}")
                raise
            await self._report(approval, "succeeded", "")
            noted = isinstance(value, str) and (changed or grant.note)
            return f"{value}\n\n{words.changed(approval.feedback, grant.note)}" if noted else value

        return gated

    async def _decided(self, tool: str, shown: dict[str, Any], context: Context[Any, Any] | None) -> Approval:
        try:
            approval = await self.client.ask_tool(f"mcp__{self.server}__{tool}", shown, session_id=self.session_id)
            if not approval.pending:
                return approval
            async with _beating(context):
                return await self.client.wait(approval, self.wait)
        except InformationRequested as asked:
            with contextlib.suppress(SaysoError):
                await self.client.answer(asked.approval, words.ASKED_BACK)
            raise ToolError(words.refused(asked)) from None
        except SaysoError as problem:
            raise ToolError(words.refused(problem)) from None

    async def _report(self, approval: Approval, outcome: Any, detail: str) -> None:
        """What happened outranks the report: it is on disk, and `resume()` tells it later."""
        with contextlib.suppress(SaysoError):
            await self.client.result(approval, outcome, detail)


def _validated(hints: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """What was granted, as the function's own types. Raises ToolError where it does not fit: then nothing runs."""
    try:
        return {name: TypeAdapter(hints.get(name, Any)).validate_python(value) for name, value in params.items()}
    except ValueError as problem:
        raise ToolError(f"What was granted does not fit the tool, so it was not run: {problem}") from None


def _contexts(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if isinstance(value, Context)}


async def _called(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(**arguments)
    return await asyncio.to_thread(function, **arguments)


@contextlib.asynccontextmanager
async def _beating(context: Context[Any, Any] | None) -> AsyncIterator[None]:
    """Signs of life while people decide."""
    if context is None:
        yield
        return

    async def beat() -> None:
        await asyncio.sleep(FIRST_BEAT)
        number = 0
        while True:
            number += 1
            await context.report_progress(number / 1_000_000, message=words.WAITING)
            await asyncio.sleep(BEAT)

    beats = asyncio.create_task(beat())
    try:
        yield
    finally:
        beats.cancel()
