"""OpenAI Agents SDK: function tools whose bodies run only with a claimed grant.

gate = SaysoGate(Sayso(), free=["search"])
agent = Agent(name="desk", tools=gate.tools([process_refund, search]))
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from agents import FunctionTool, RunState
from agents.tool import maybe_invoke_function_tool_failure_error_function, set_function_tool_failure_error_function

from sayso.asking import OnInfoRequest
from sayso.integrations.calls import Client, Outcome, Rules, ToolCall, governed, perform_async, still_waits
from sayso.models import Grant


class SaysoGate:
    """Each call of a gated tool asks, waits, claims, runs with the granted arguments, and reports.

    `actions` maps tools to actions of the manifest (by default an action has its tool's name); `free` names tools that
    run without asking. The step is the call's id: name the run in `session_id`, so that people can pause it, and so
    that a replay finds its own approval. With `suspend=True` a call that waits interrupts the run (`needs_approval`):
    save its state, and later `await gate.look_again(state)` before you run it on. `timeout` (seconds) bounds how long
    a call waits otherwise. Everything else is a field of the request, or a function of the `ToolCall`.
    """

    def __init__(
        self,
        client: Client,
        *,
        actions: Mapping[str, str] | None = None,
        free: Iterable[str] = (),
        suspend: bool = False,
        timeout: float | None = None,
        session_id: str | None = None,
        on_info_request: OnInfoRequest | None = None,
        **details: Any,
    ) -> None:
        self.client = client
        self.session_id = session_id
        self.rules = Rules.of(actions, free, suspend, timeout, on_info_request, details)
        # In the body nothing can pause: whatever let it get there, it waits until Sayso has decided.
        self._in_body = replace(self.rules, suspend=False)

    def tools(self, tools: Iterable[Any]) -> list[Any]:
        """The same tools, gated. Raises TypeError for a hosted tool, which runs where no grant can be claimed."""
        return [self._gated(tool) for tool in tools]

    async def look_again(self, state: RunState[Any, Any]) -> int:
        """Let go on what has been decided meanwhile, either way; gives how many calls still wait.

        The tool's body asks Sayso itself: approving by hand in the state lets nothing run.
        """
        waiting = 0
        for item in state.get_interruptions():
            raw = item.raw_item
            arguments = _read(getattr(raw, "arguments", "") or "")
            call = self._call(str(item.tool_name), str(getattr(raw, "call_id", "")), arguments or {})
            flow = still_waits(self.client._core, self.rules, call)
            if arguments is not None and await perform_async(self.client, flow) is not None:
                waiting += 1
            else:
                state.approve(item)
        return waiting

    def _gated(self, tool: Any) -> Any:
        if not isinstance(tool, FunctionTool):
            raise TypeError(f"{getattr(tool, 'name', tool)} does not run in this process, so it cannot be gated here")
        if tool.name in self.rules.free:
            return tool
        inner, outer = copy.copy(tool), copy.copy(tool)
        set_function_tool_failure_error_function(inner, None)  # what fails is to be seen, and reported as failed

        async def invoke(context: Any, text: str) -> Any:
            arguments = _read(text)
            if arguments is None:
                return f"{tool.name} was not run: its arguments are no JSON object."

            async def work(grant: Grant) -> Any:
                return await inner.on_invoke_tool(context, json.dumps(grant.params, ensure_ascii=False))

            call = self._call(tool.name, context.tool_call_id, arguments)
            outcome = await perform_async(self.client, governed(self.client._core, self._in_body, call, work))
            return await self._answer(outer, context, outcome)

        async def needs_approval(_: Any, arguments: dict[str, Any], call_id: str) -> bool:
            call = self._call(tool.name, call_id, arguments)
            flow = still_waits(self.client._core, self.rules, call)
            return await perform_async(self.client, flow) is not None

        outer.on_invoke_tool = invoke
        outer.needs_approval = needs_approval if self.rules.suspend else False
        return outer

    async def _answer(self, tool: FunctionTool, context: Any, outcome: Outcome) -> Any:
        """What the model reads: the tool's own answer to a failure too, as the SDK would have made it."""
        if outcome.refused is not None:
            return outcome.refused
        try:
            value = outcome.value
        except Exception as error:
            told = await maybe_invoke_function_tool_failure_error_function(
                function_tool=tool, context=context, error=error
            )
            if told is None:
                raise
            return outcome.noted(told)
        if not outcome.note:
            return value
        return outcome.noted(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))

    def _call(self, tool: str, call_id: str, arguments: Mapping[str, Any]) -> ToolCall:
        return ToolCall(tool=tool, arguments=arguments, id=call_id, session_id=self.session_id)


def _read(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
