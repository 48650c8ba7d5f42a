"""A LangChain agent with a scripted model and its state in SQLite: `start`, or `resume` after whatever happened."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

from common import FOLDER, async_client, client, run_id, say, script, suspends, verb, write
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from sayso.integrations.langchain import SaysoMiddleware, ago_on, go_on


class Scripted(BaseChatModel):
    """Calls what the script says, then repeats what it was told."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> Scripted:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        told = [message for message in messages if isinstance(message, ToolMessage)]
        if told:
            message = AIMessage("done")
        else:
            message = AIMessage("The thing is in the way.", tool_calls=script())
        return ChatResult(generations=[ChatGeneration(message=message)])


@tool
def change_thing(thing: str) -> str:
    """Change a thing."""
    return write(thing)


@tool
def search(thing: str) -> str:
    """Look for a thing; asks nobody."""
    return f"found {thing}"


def told(result: dict[str, Any]) -> None:
    """Say what the model was told about each call, or what waits."""
    if result.get("__interrupt__"):
        say(waits=[one.value for one in result["__interrupt__"]])
    else:
        messages = [message for message in result["messages"] if isinstance(message, ToolMessage)]
        say(told={message.tool_call_id: message.content for message in messages})


CONFIG: dict[str, Any] = {"configurable": {"thread_id": run_id()}}
GIVEN: dict[str, Any] = {"messages": [("user", "change it")]}


def agent_with(sayso: Any, saver: Any) -> Any:
    """The agent."""
    gate = SaysoMiddleware(sayso, free=["search"], suspend=suspends())
    return create_agent(Scripted(), [change_thing, search], middleware=[gate], checkpointer=saver)


def main() -> None:
    """With the blocking client."""
    saver = SqliteSaver(sqlite3.connect(FOLDER / "graph.db", check_same_thread=False))
    agent = agent_with(client(), saver)
    given: Any = GIVEN
    if verb() == "resume":
        given = go_on(agent, CONFIG) if agent.get_state(CONFIG).interrupts else None
    told(agent.invoke(given, CONFIG, durability="sync"))


async def amain() -> None:
    """With asyncio."""
    async with AsyncSqliteSaver.from_conn_string(str(FOLDER / "graph.db")) as saver, async_client() as sayso:
        agent = agent_with(sayso, saver)
        given: Any = GIVEN
        if verb() == "aresume":
            given = await ago_on(agent, CONFIG) if (await agent.aget_state(CONFIG)).interrupts else None
        told(await agent.ainvoke(given, CONFIG, durability="sync"))


if __name__ == "__main__":
    asyncio.run(amain()) if verb().startswith("a") else main()
