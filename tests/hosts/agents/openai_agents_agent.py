"""An agent of the OpenAI Agents SDK with a scripted model, its state in a file: `start`, or `resume` after whatever happened."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from agents import Agent, Runner, RunState, function_tool, set_tracing_disabled
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from common import FOLDER, async_client, run_id, say, script, suspends, verb, write

from sayso.integrations.openai_agents import SaysoGate

set_tracing_disabled(True)
STATE = FOLDER / "run.json"


@function_tool
def change_thing(thing: str) -> str:
    """Change a thing."""
    return write(thing)


@function_tool
def search(thing: str) -> str:
    """Look for a thing; asks nobody."""
    return f"found {thing}"


@function_tool
def forgotten(thing: str) -> str:
    """Nobody thought of it in the manifest."""
    return write(thing)


def respond(call: Any) -> list[Any]:
    """Call what the script says, then end."""
    given = call.input if isinstance(call.input, list) else []
    if any(item.get("type") == "function_call_output" for item in given):
        return [assistant_message("done")]
    return [function_call(one["name"], one["args"], call_id=one["id"]) for one in script()]


async def main() -> None:
    """Run from where it stands."""
    async with async_client() as sayso:
        gate = SaysoGate(sayso, free=["search"], suspend=suspends(), session_id=run_id())
        agent = Agent(
            name="desk",
            model=ScriptedModel([ModelStep.respond(respond)] * 2),
            tools=gate.tools([change_thing, search, forgotten]),
        )
        given: Any = "change it"
        if verb() == "resume" and STATE.exists():
            given = await RunState.from_json(agent, json.loads(STATE.read_text()))
            await gate.look_again(given)
        result = await Runner.run(agent, given)
        if result.interruptions:
            STATE.write_text(json.dumps(result.to_state().to_json()))
            say(waits=[item.raw_item.call_id for item in result.interruptions])
            return
        outputs = [item.raw_item for item in result.new_items if item.type == "tool_call_output_item"]
        outputs += [one for one in result.to_input_list() if one.get("type") == "function_call_output"]
        say(told={one["call_id"]: one["output"] for one in outputs})


if __name__ == "__main__":
    asyncio.run(main())
