"""A Pydantic AI agent that asks before it pays a refund, and waits in the call until a person has decided.

    pip install 'sayso[pydantic-ai]'
    SAYSO_URL=… SAYSO_TOKEN=… python examples/hosts/pydantic_ai_agent.py [CASE]

MODEL names a model ("openai:gpt-5"); without it a script plays the model. The script names its call the same each
time, as a saved run does: start it twice for one CASE, and it pays once.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from refunds import QUESTION, REASON, WANTED, pay_out

from sayso import AsyncSayso
from sayso.integrations.pydantic_ai import SaysoGate


def process_refund(order_id: int, customer: str, amount_usd: float) -> str:
    """Pay a refund."""
    return pay_out(order_id, customer, amount_usd)


def play(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """The script: wants the refund, then repeats what became of it."""
    told = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
    if told:
        return ModelResponse([TextPart(str(told[-1].content))])
    return ModelResponse([TextPart(REASON), ToolCallPart("process_refund", WANTED, "call_1")])


async def main() -> None:
    """One run."""
    case = sys.argv[1] if len(sys.argv) > 1 else "case-118"
    model: Any = os.environ.get("MODEL") or FunctionModel(play)
    async with AsyncSayso() as sayso:
        agent = Agent(model, tools=[process_refund], capabilities=[SaysoGate(sayso, session_id=case)])
        print("waiting for a person in Slack", flush=True)
        print((await agent.run(QUESTION)).output)


if __name__ == "__main__":
    asyncio.run(main())
