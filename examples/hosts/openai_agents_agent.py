"""An agent of the OpenAI Agents SDK that asks before it pays, and ends while people think; start it again to go on.

    pip install 'sayso[openai-agents]'
    SAYSO_URL=… SAYSO_TOKEN=… python examples/hosts/openai_agents_agent.py [--wait]

What waits lies in `run.json`; `--wait` waits in the call instead. MODEL names a model; without it a script plays the model.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from agents import Agent, Runner, RunState, function_tool, set_tracing_disabled
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from refunds import QUESTION, REASON, WANTED, pay_out

from sayso import AsyncSayso
from sayso.integrations.openai_agents import SaysoGate

SAVED = Path("run.json")


@function_tool
def process_refund(order_id: int, customer: str, amount_usd: float) -> str:
    """Pay a refund."""
    return pay_out(order_id, customer, amount_usd)


def play(call: Any) -> list[Any]:
    """The script: wants the refund, then repeats what became of it."""
    told = [item for item in call.input if item.get("type") == "function_call_output"]
    if told:
        return [assistant_message(told[-1]["output"])]
    return [function_call("process_refund", WANTED, call_id="call_1")]


async def main() -> None:
    """Run from where it stands."""
    async with AsyncSayso() as sayso:
        gate = SaysoGate(sayso, suspend="--wait" not in sys.argv, session_id="case-118", reason=REASON)
        model = os.environ.get("MODEL") or ScriptedModel([ModelStep.respond(play)] * 2)
        agent = Agent(name="Refund desk", model=model, tools=gate.tools([process_refund]))
        given: Any = [{"role": "user", "content": QUESTION}]
        if SAVED.exists():
            given = await RunState.from_json(agent, json.loads(SAVED.read_text(encoding="utf-8")))
            await gate.look_again(given)
        result = await Runner.run(agent, given)
        if result.interruptions:
            SAVED.write_text(json.dumps(result.to_state().to_json()), encoding="utf-8")
            print(f"{len(result.interruptions)} waits for a person in Slack; start me again")
        else:
            SAVED.unlink(missing_ok=True)
            print(result.final_output)


if __name__ == "__main__":
    set_tracing_disabled(not os.environ.get("MODEL"))
    asyncio.run(main())
