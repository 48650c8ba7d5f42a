"""Pydantic AI: a capability that puts a gate around the bodies of all of an agent's tools.

agent = Agent(model, tools=[process_refund, search], capabilities=[SaysoGate(AsyncSayso(), free=["search"])])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability, CapabilityOrdering
from pydantic_ai.exceptions import ApprovalRequired
from pydantic_ai.messages import ModelResponse, TextPart, ToolReturn
from pydantic_ai.tools import DeferredToolRequests, DeferredToolResults
from pydantic_ai.toolsets import AbstractToolset, WrapperToolset
from pydantic_ai.toolsets.abstract import ToolsetTool
from pydantic_core import to_jsonable_python

from sayso.asking import OnInfoRequest
from sayso.integrations.calls import Client, Outcome, Rules, ToolCall, governed, perform_async
from sayso.models import Grant


class SaysoGate(AbstractCapability[Any]):
    """Each tool call asks, waits, claims, runs with the granted arguments, and reports.

    `actions` maps tools to actions of the manifest (by default an action has its tool's name); `free` names tools that
    run without asking. The step is the call's id: name the run in `session_id`, so that people can pause it, and so
    that a replay finds its own approval. With `suspend=True` a call that waits ends the run with
    `DeferredToolRequests`, which the agent's `output_type` has to allow; go on with `go_on(requests)`. `timeout`
    (seconds) bounds how long a call waits otherwise. Everything else is a field of the request, or a function of the
    `ToolCall`; the reason is what the model wrote with the call.
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

    def get_ordering(self) -> CapabilityOrdering | None:
        """Around the body itself: what other capabilities make of the arguments is what is asked about."""
        return CapabilityOrdering(position="innermost")

    def get_wrapper_toolset(self, toolset: AbstractToolset[Any]) -> AbstractToolset[Any] | None:
        """The agent's tools, gated."""
        return GatedToolset(toolset, self.client, self.rules, self.session_id)


@dataclass
class GatedToolset(WrapperToolset[Any]):
    """A toolset whose bodies run only with a claimed grant; made by `SaysoGate`."""

    client: Client = field(repr=False)
    rules: Rules
    session_id: str | None = None

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        """Run the call as it is granted, or give the model the reason why not."""
        if name in self.rules.free:
            return await super().call_tool(name, tool_args, ctx, tool)
        if ctx.tool_call_id is None:
            raise ValueError(f"the call of {name} has no id, so a replay could not be told from it")
        call = ToolCall(name, to_jsonable_python(tool_args), ctx.tool_call_id, self.session_id, _said(ctx))

        async def work(grant: Grant) -> Any:
            same = grant.params == call.arguments
            granted = tool_args if same else tool.args_validator.validate_python(grant.params, context=None)
            return await WrapperToolset.call_tool(self, name, granted, ctx, tool)

        outcome = await perform_async(self.client, governed(self.client._core, self.rules, call, work))
        if outcome.waiting is not None:
            raise ApprovalRequired(metadata={"approval_id": outcome.waiting.id})
        return outcome.refused if outcome.refused is not None else _answer(outcome)


def go_on(requests: DeferredToolRequests) -> DeferredToolResults:
    """What lets every paused call look at Sayso again: `agent.run(message_history=…, deferred_tool_results=go_on(requests))`.

    It approves nothing by itself: a call that nobody has decided pauses again.
    """
    return DeferredToolResults(approvals={call.tool_call_id: True for call in requests.approvals})


def _answer(outcome: Outcome) -> Any:
    """The tool's result, with the note on a reviewer's edit."""
    value = outcome.value
    if not outcome.note:
        return value
    if isinstance(value, str):
        return outcome.noted(value)
    if not isinstance(value, ToolReturn):
        return ToolReturn(return_value=value, content=outcome.note)
    before = value.content if value.content is not None else []
    return replace(value, content=[*([before] if isinstance(before, str) else before), outcome.note])


def _said(ctx: RunContext[Any]) -> str:
    """What the model wrote when it made this call."""
    for message in reversed(ctx.messages):
        if isinstance(message, ModelResponse):
            return "\n".join(part.content for part in message.parts if isinstance(part, TextPart)).strip()
    return ""
