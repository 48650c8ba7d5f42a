"""Agents behind the Agent Approval Protocol's own adapters, unmodified: `FRAMEWORK start`, or `FRAMEWORK wake REQUEST`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agentapprovalprotocol import AsyncClient, Receiver
from common import FOLDER, say, script, write

URL, TOKEN = f"{os.environ['SAYSO_URL']}/aap", os.environ["SAYSO_TOKEN"]
OPTIONS: dict[str, Any] = {"mode": "async", "timeout": os.environ.get("AAP_TIMEOUT", "24h")}
RUN = "run-1"


def change_thing(thing: str) -> str:
    """Change a thing."""
    return write(thing)


class Langgraph:
    """LangGraph, with its state in SQLite."""

    name = "langgraph"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """With the checkpointer."""
        from agentapprovalprotocol.langgraph import ApprovalMiddleware, resumer
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        self.config: Any = {"configurable": {"thread_id": RUN}}
        async with AsyncSqliteSaver.from_conn_string(str(FOLDER / "graph.db")) as saver:
            self.agent = self.made(ApprovalMiddleware(URL, TOKEN, **OPTIONS), saver)
            self.resumer = resumer(self.agent)
            yield

    def made(self, approvals: Any, saver: Any) -> Any:
        """The agent."""
        from langchain.agents import create_agent
        from langchain_agent import Scripted

        return create_agent(Scripted(), [change_thing], middleware=[approvals], checkpointer=saver)

    async def start(self) -> list[str]:
        """Run; gives what it waits for."""
        await self.agent.ainvoke({"messages": [("user", "change it")]}, self.config, durability="sync")
        return [one.value["aap_request_id"] for one in (await self.agent.aget_state(self.config)).interrupts]

    async def told(self) -> dict[str, Any]:
        """What the model was told."""
        state = await self.agent.aget_state(self.config)
        if state.interrupts:
            return {}
        return {one.tool_call_id: one.content for one in state.values["messages"] if one.type == "tool"}


class DeepAgents(Langgraph):
    """Deep Agents."""

    def made(self, approvals: Any, saver: Any) -> Any:
        """The agent."""
        from agentapprovalprotocol.langgraph import deep_agent_subagents
        from deepagents import create_deep_agent
        from langchain_agent import Scripted

        subagents: Any = deep_agent_subagents(approvals)
        return create_deep_agent(
            Scripted(), [change_thing], middleware=[approvals], subagents=subagents, checkpointer=saver
        )


class PydanticAI:
    """Pydantic AI, with its conversation in a file."""

    name = "pydantic-ai"
    saved = FOLDER / "conversation.json"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """With the conversation, where there is one."""
        from agentapprovalprotocol.pydantic_ai import ApprovalCapability, resumer
        from pydantic import TypeAdapter
        from pydantic_ai import Agent, DeferredToolRequests
        from pydantic_ai.conversation import Conversation
        from pydantic_ai.models.function import FunctionModel
        from pydantic_ai_agent import respond

        self.adapter = TypeAdapter(Conversation)
        self.agent = Agent(
            FunctionModel(respond),
            tools=[change_thing],
            capabilities=[ApprovalCapability(URL, TOKEN, **OPTIONS)],
            output_type=[str, DeferredToolRequests],
        )
        self.resumer = resumer(self.agent, load=lambda _: self.load(), save=self.save)
        yield

    def load(self) -> Any:
        """What was kept."""
        return self.adapter.validate_json(self.saved.read_bytes())

    def save(self, conversation: Any) -> None:
        """Keep it."""
        self.saved.write_bytes(self.adapter.dump_json(conversation))

    async def start(self) -> list[str]:
        """Run; gives what it waits for."""
        from agentapprovalprotocol.pydantic_ai import pending_request_ids

        result = await self.agent.run("change it")
        self.save(result.conversation)
        waiting = result.conversation.deferred_tool_requests
        return list(pending_request_ids(waiting).values()) if waiting else []

    async def told(self) -> dict[str, Any]:
        """What the model was told."""
        from pydantic_ai_agent import returned

        conversation = self.load()
        return {} if conversation.deferred_tool_requests else returned(conversation.messages)


class OpenAIAgents:
    """The OpenAI Agents SDK, with its run's state in a file."""

    name = "openai-agents"
    saved = FOLDER / "run.json"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Protected."""
        from agentapprovalprotocol.openai_agents import Approvals
        from agents import Agent, function_tool, set_tracing_disabled
        from agents.testing import ModelStep, ScriptedModel
        from openai_agents_agent import respond

        set_tracing_disabled(True)
        self.approvals = Approvals(URL, TOKEN, save=self.save, load=lambda _: self.saved.read_text(), **OPTIONS)
        model = ScriptedModel([ModelStep.respond(respond)] * 2)
        agent = Agent(name="desk", model=model, tools=[function_tool(change_thing)])
        self.agent = self.approvals.protect(agent)
        self.resumer = self.approvals.resumer(self.agent)
        yield

    def save(self, run_id: str, state: str) -> None:
        """Keep it."""
        self.saved.write_text(state)

    async def start(self) -> list[str]:
        """Run; gives what it waits for."""
        result = await self.approvals.run(self.agent, "change it", run_id=RUN)
        if not result.interruptions:
            return []
        listed = await sayso_pending()
        return [one for one in listed if one]

    async def told(self) -> dict[str, Any]:
        """What the model was told."""
        from agents import RunState

        state = await RunState.from_string(self.agent, self.saved.read_text())
        if state.get_interruptions():
            return {}
        items = [item.to_input_item() for item in state._generated_items]
        return {one["call_id"]: one["output"] for one in items if one.get("type") == "function_call_output"}


async def sayso_pending() -> list[str]:
    """The requests that wait, from Sayso's own list: this adapter does not say them."""
    import uuid

    from sayso import AsyncSayso

    letters = "0123456789abcdefghjkmnpqrstvwxyz"
    async with AsyncSayso() as sayso:
        ids = [approval.id.removeprefix("apr_") async for approval in sayso.list(state="pending")]
    return [
        str(uuid.UUID(int=sum(letters.index(one) << 5 * n for n, one in enumerate(reversed(name))))) for name in ids
    ]


class Adk:
    """The Google ADK, with its sessions in SQLite."""

    name = "adk"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """With the session service."""
        from agentapprovalprotocol.adk import ApprovalPlugin, resumer
        from google.adk.agents import LlmAgent
        from google.adk.apps import App, ResumabilityConfig
        from google.adk.models import BaseLlm, LlmResponse
        from google.adk.runners import Runner
        from google.adk.sessions.sqlite_session_service import SqliteSessionService
        from google.genai import types

        class Scripted(BaseLlm):
            """Calls what the script says, then ends."""

            async def generate_content_async(self, llm_request: Any, stream: bool = False) -> Any:
                parts = [part for content in llm_request.contents for part in content.parts or []]
                if any(part.function_response for part in parts):
                    answer = [types.Part(text="done")]
                else:
                    calls = [types.FunctionCall(id=one["id"], name=one["name"], args=one["args"]) for one in script()]
                    answer = [types.Part(function_call=call) for call in calls]
                yield LlmResponse(content=types.Content(role="model", parts=answer))

        self.service = SqliteSessionService(str(FOLDER / "adk.db"))
        self.app = App(
            name="desk",
            root_agent=LlmAgent(name="desk", model=Scripted(model="scripted"), tools=[change_thing]),
            plugins=[ApprovalPlugin(URL, TOKEN, **OPTIONS)],
            resumability_config=ResumabilityConfig(is_resumable=True),
        )
        self.runner = Runner(app=self.app, session_service=self.service)
        self.resumer = resumer(self.runner)
        yield

    async def start(self) -> list[str]:
        """Run; gives what it waits for."""
        from google.genai import types

        await self.service.create_session(app_name="desk", user_id="u", session_id=RUN)
        message = types.Content(role="user", parts=[types.Part(text="change it")])
        async for _ in self.runner.run_async(user_id="u", session_id=RUN, new_message=message):
            pass
        return await sayso_pending()

    async def told(self) -> dict[str, Any]:
        """What the model was told."""
        session = await self.service.get_session(app_name="desk", user_id="u", session_id=RUN)
        parts = [part for event in session.events if event.content for part in event.content.parts or []]
        answers = [part.function_response for part in parts if part.function_response]
        told = [one for one in answers if one.name in {call["name"] for call in script()}]
        return {str(one.id): str(one.response) for one in told if "waiting for approval" not in str(one.response)}


FRAMEWORKS: dict[str, Any] = {
    "langgraph": Langgraph,
    "deepagents": DeepAgents,
    "pydantic-ai": PydanticAI,
    "openai-agents": OpenAIAgents,
    "adk": Adk,
}


async def main() -> None:
    """Start, or wake what waits for a request."""
    framework, verb, *rest = sys.argv[1:]
    chosen = FRAMEWORKS[framework]()
    async with chosen.opened():
        if verb == "start":
            say(waits=await chosen.start(), told=await chosen.told())
            return
        receiver = Receiver(resumers={chosen.name: chosen.resumer}, client=AsyncClient(URL, TOKEN))
        woken = [await receiver.wake(request) for request in rest]
        say(woken=woken, told=await chosen.told())


if __name__ == "__main__":
    asyncio.run(main())
