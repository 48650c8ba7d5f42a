"""LangChain and LangGraph: a middleware for `create_agent` that claims the grant around each tool's body.

agent = create_agent(model, tools, middleware=[SaysoMiddleware(Sayso(), free=["search"])])
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from langchain.agents.middleware.types import AgentMiddleware, ToolCallRequest
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.types import Command, Interrupt, interrupt

from sayso.asking import OnInfoRequest
from sayso.integrations.calls import (
    Client,
    Outcome,
    Rules,
    ToolCall,
    ToolFailed,
    governed,
    perform,
    perform_async,
)
from sayso.models import Approval, Grant


class SaysoMiddleware(AgentMiddleware):
    """Each tool call asks, waits, claims, runs with the granted arguments, and reports.

    `actions` maps tools to actions of the manifest (by default an action has its tool's name); `free` names tools that
    run without asking. The session is the graph's thread, the step is the tool call's id: a replay finds its own
    approval, and what was started is never started again.

    With `suspend=True` a call that waits pauses the graph with `interrupt()`, so that the process may end; resume it
    with `go_on(agent, config)`. What the answer to the interrupt says counts for nothing: Sayso is asked again.
    `timeout` (seconds) bounds how long a call waits otherwise; then it is withdrawn, and the model is told. Everything
    else is a field of the request, or a function of the `ToolCall`; the reason is what the model wrote with the call.
    Put it last in the list of middleware: what stands behind it can still change the call.
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
        super().__init__()
        self.client = client
        self.session_id = session_id
        self.rules = Rules.of(actions, free, suspend, timeout, on_info_request, details)

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Any]) -> Any:
        """Run the call as it is granted, or give the model the reason why not."""
        if request.tool_call["name"] in self.rules.free:
            return handler(request)
        call = self._call(request)

        def work(grant: Grant) -> Any:
            return _checked(handler(_granted(request, grant)))

        while True:
            outcome = perform(self.client, governed(self.client._core, self.rules, call, work))
            if outcome.waiting is None:
                return _message(request, outcome)
            interrupt(_waits(call, outcome.waiting))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Any]]
    ) -> Any:
        """The same for asyncio."""
        if request.tool_call["name"] in self.rules.free:
            return await handler(request)
        call = self._call(request)

        async def work(grant: Grant) -> Any:
            return _checked(await handler(_granted(request, grant)))

        while True:
            outcome = await perform_async(self.client, governed(self.client._core, self.rules, call, work))
            if outcome.waiting is None:
                return _message(request, outcome)
            interrupt(_waits(call, outcome.waiting))

    def _call(self, request: ToolCallRequest) -> ToolCall:
        wanted = request.tool_call
        if not wanted.get("id"):
            raise ValueError(
                f"the model gave the call of {wanted['name']} no id, so a replay could not be told from it"
            )
        return ToolCall(
            tool=wanted["name"],
            arguments=wanted["args"],
            id=str(wanted["id"]),
            session_id=self.session_id or _thread(request),
            said=_said(request),
        )


def go_on(agent: Any, config: Mapping[str, Any]) -> Command[Any]:
    """The input that lets every paused call of a thread look at Sayso again: `agent.invoke(go_on(agent, config), config)`."""
    return _again(agent.get_state(config).interrupts)


async def ago_on(agent: Any, config: Mapping[str, Any]) -> Command[Any]:
    """The same for a graph with an asynchronous checkpointer."""
    return _again((await agent.aget_state(config)).interrupts)


def _again(interrupts: Iterable[Interrupt]) -> Command[Any]:
    return Command(resume={one.id: "look again" for one in interrupts})


def _granted(request: ToolCallRequest, grant: Grant) -> ToolCallRequest:
    return request.override(tool_call={**request.tool_call, "args": grant.params})


def _checked(answer: Any) -> Any:
    """The tool's message; raises ToolFailed for one that tells of its failure."""
    if isinstance(answer, ToolMessage) and answer.status == "error":
        raise ToolFailed(answer, str(answer.content))
    return answer


def _message(request: ToolCallRequest, outcome: Outcome) -> Any:
    if outcome.refused is not None:
        wanted = request.tool_call
        return ToolMessage(outcome.refused, tool_call_id=wanted["id"], name=wanted["name"], status="error")
    answer = outcome.value
    if not outcome.note or not isinstance(answer, ToolMessage):
        return answer
    if isinstance(answer.content, str):
        return answer.model_copy(update={"content": outcome.noted(answer.content)})
    return answer.model_copy(update={"content": [*answer.content, {"type": "text", "text": outcome.note}]})


def _waits(call: ToolCall, approval: Approval) -> dict[str, Any]:
    """What the interrupt shows to whoever runs the graph."""
    return {
        "type": "sayso_approval",
        "approval_id": approval.id,
        "tool_call_id": call.id,
        "name": call.tool,
        "args": dict(call.arguments),
    }


def _thread(request: ToolCallRequest) -> str | None:
    config = getattr(request.runtime, "config", None) or {}
    thread = config.get("configurable", {}).get("thread_id")
    return None if thread is None else str(thread)


def _said(request: ToolCallRequest) -> str:
    """What the model wrote when it made this call."""
    state = request.state
    messages = state.get("messages", []) if isinstance(state, Mapping) else getattr(state, "messages", [])
    for message in reversed(messages):
        if isinstance(message, AIMessage) and any(one["id"] == request.tool_call["id"] for one in message.tool_calls):
            return str(message.text).strip()
    return ""
