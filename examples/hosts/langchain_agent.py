"""A LangChain agent that asks before it pays a refund, and keeps its run in SQLite: kill it where you like, and start it again.

    pip install 'sayso[langchain]' langgraph-checkpoint-sqlite
    SAYSO_URL=… SAYSO_TOKEN=… python examples/hosts/langchain_agent.py [THREAD]

MODEL names a model for LangChain's `init_chat_model` ("openai:gpt-5"); without it a script plays the model.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from typing import Any

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
from refunds import QUESTION, REASON, WANTED, pay_out

from sayso import Sayso
from sayso.integrations.langchain import SaysoMiddleware


@tool
def process_refund(order_id: int, customer: str, amount_usd: float) -> str:
    """Pay a refund."""
    return pay_out(order_id, customer, amount_usd)


class Script(BaseChatModel):
    """Wants the refund, then repeats what became of it."""

    @property
    def _llm_type(self) -> str:
        return "script"

    def bind_tools(self, tools: Any, **_: Any) -> Script:
        """It knows its tool."""
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        last = messages[-1]
        if isinstance(last, ToolMessage):
            message = AIMessage(str(last.content))
        else:
            message = AIMessage(REASON, tool_calls=[{"name": "process_refund", "args": WANTED, "id": "call_1"}])
        return ChatResult(generations=[ChatGeneration(message=message)])


def main() -> None:
    """Run the thread from where it stands to its end."""
    thread = sys.argv[1] if len(sys.argv) > 1 else "case-118"
    config: Any = {"configurable": {"thread_id": thread}}
    model = init_chat_model(os.environ["MODEL"]) if os.environ.get("MODEL") else Script()
    saver = SqliteSaver(sqlite3.connect("agent.db", check_same_thread=False))
    agent = create_agent(model, [process_refund], middleware=[SaysoMiddleware(Sayso())], checkpointer=saver)
    begun = bool(agent.get_state(config).values)
    print("waiting for a person in Slack", flush=True)
    result = agent.invoke(None if begun else {"messages": [("user", QUESTION)]}, config, durability="sync")
    print(result["messages"][-1].text)


if __name__ == "__main__":
    main()
