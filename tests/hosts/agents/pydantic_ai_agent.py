"""A Pydantic AI agent with a scripted model, its messages in a file: `start`, or `resume` after whatever happened."""

from __future__ import annotations

import asyncio
from typing import Any

from common import FOLDER, async_client, run_id, say, script, suspends, verb, write
from pydantic_ai import Agent, DeferredToolRequests
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from sayso.integrations.pydantic_ai import SaysoGate, go_on

STATE = FOLDER / "messages.json"


def change_thing(thing: str) -> str:
    """Change a thing."""
    return write(thing)


def search(thing: str) -> str:
    """Look for a thing; asks nobody."""
    return f"found {thing}"


def forgotten(thing: str) -> str:
    """Nobody thought of it in the manifest."""
    return write(thing)


def returned(messages: list[ModelMessage]) -> dict[str, Any]:
    """What the model was told about each call."""
    parts = [part for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]
    return {part.tool_call_id: part.content for part in parts}


def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Call what the script says, then end."""
    if returned(messages):
        return ModelResponse([TextPart("done")])
    calls = [ToolCallPart(one["name"], one["args"], one["id"]) for one in script()]
    return ModelResponse([TextPart("The thing is in the way."), *calls])


async def main() -> None:
    """Run from where it stands."""
    async with async_client() as sayso:
        gate = SaysoGate(sayso, free=["search"], suspend=suspends(), session_id=run_id())
        agent = Agent(
            FunctionModel(respond),
            tools=[change_thing, search, forgotten],
            capabilities=[gate],
            output_type=[str, DeferredToolRequests],
        )
        given: dict[str, Any] = {"user_prompt": "change it"}
        if verb() == "resume" and STATE.exists():
            messages = ModelMessagesTypeAdapter.validate_json(STATE.read_bytes())
            waiting = [part for part in messages[-1].parts if isinstance(part, ToolCallPart)]
            given = {
                "message_history": messages,
                "deferred_tool_results": go_on(DeferredToolRequests(approvals=waiting)),
            }
        result = await agent.run(**given)
        if isinstance(result.output, DeferredToolRequests):
            STATE.write_bytes(result.all_messages_json())
            say(waits=[call.tool_call_id for call in result.output.approvals])
        else:
            say(told=returned(result.all_messages()))


if __name__ == "__main__":
    asyncio.run(main())
