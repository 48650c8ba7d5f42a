"""A CrewAI crew behind the Agent Approval Protocol's own hooks, with Sayso as the provider.

    pip install 'agentapprovalprotocol[crewai]'
    SAYSO_URL=… SAYSO_TOKEN=… python examples/hosts/crewai_desk.py

CrewAI cannot pause at a tool call, so the call waits until a person has decided in Slack.
"""

from __future__ import annotations

import json
import os
from typing import Any

from agentapprovalprotocol.crewai import ApprovalHooks
from crewai import Agent, BaseLLM, Crew, Task
from crewai.tools import tool
from refunds import QUESTION, WANTED, pay_out

URL, TOKEN = f"{os.environ.get('SAYSO_URL', 'http://127.0.0.1:8350')}/aap", os.environ["SAYSO_TOKEN"]


class Script(BaseLLM):  # type: ignore[misc]
    """Stands in for a model: it asks for one refund, then says what became of it."""

    def supports_function_calling(self) -> bool:
        """Tools are called by name, not in the text."""
        return True

    def call(self, messages: Any, *_: Any, **__: Any) -> Any:
        """The next turn."""
        last = messages[-1]
        if last["role"] == "tool":
            return last["content"]
        return [
            {"id": "1", "type": "function", "function": {"name": "process_refund", "arguments": json.dumps(WANTED)}}
        ]


@tool("process_refund")  # type: ignore[untyped-decorator]
def process_refund(order_id: int, customer: str, amount_usd: float) -> str:
    """Refund an order."""
    return pay_out(order_id, customer, amount_usd)


if __name__ == "__main__":
    model = Script(model="script")
    desk = Agent(role="Refund desk", goal="Be fair", backstory="You refund.", llm=model, tools=[process_refund])
    task = Task(description=QUESTION, expected_output="What became of it", agent=desk)
    with ApprovalHooks(URL, TOKEN):
        print(Crew(agents=[desk], tasks=[task]).kickoff())
