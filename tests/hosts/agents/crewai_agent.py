"""A CrewAI crew behind the Agent Approval Protocol's own hooks, unmodified: `start`, or `resume` from its checkpoint."""

from __future__ import annotations

import os

os.environ |= {"CREWAI_TRACING_ENABLED": "false", "OTEL_SDK_DISABLED": "true", "CREWAI_DISABLE_TELEMETRY": "true"}

from typing import Any

from agentapprovalprotocol import Client, Gate
from agentapprovalprotocol.crewai import ApprovalHooks
from common import FOLDER, say, script, verb, write
from crewai import Agent, BaseLLM, Crew, Task
from crewai.state.checkpoint_config import CheckpointConfig
from crewai.tools import BaseTool

URL, TOKEN = f"{os.environ['SAYSO_URL']}/aap", os.environ["SAYSO_TOKEN"]
CHECKPOINTS = FOLDER / "checkpoints"


class Scripted(BaseLLM):  # type: ignore[misc]
    """Calls what the script says, then ends; remembers what it was told."""

    def supports_function_calling(self) -> bool:
        """Tools are called by name, not in the text."""
        return True

    def call(self, messages: Any, *_: Any, **__: Any) -> Any:
        """The next turn."""
        told = {one["tool_call_id"]: one["content"] for one in messages if one.get("role") == "tool"}
        if told:
            say(told=told)
            return "done"
        return [
            {"id": one["id"], "type": "function", "function": {"name": one["name"], "arguments": one["args"]}}
            for one in script()
        ]


class ChangeThing(BaseTool):  # type: ignore[misc]
    """The tool."""

    name: str = "change_thing"
    description: str = "Change a thing."

    def _run(self, thing: str) -> str:
        return write(thing)


def crew() -> Any:
    """The crew, new or as the checkpoint has it; a checkpoint does not keep the model."""
    if verb() == "resume":
        saved = min(CHECKPOINTS.rglob("*.json"))  # the first: a resumed crew writes its own
        restored = Crew.from_checkpoint(CheckpointConfig(restore_from=str(saved)))
        for agent in [*restored.agents, *(task.agent for task in restored.tasks)]:
            agent.llm = Scripted(model="scripted")
        return restored
    agent = Agent(role="desk", goal="change it", backstory="b", llm=Scripted(model="scripted"), tools=[ChangeThing()])
    task = Task(description="change it", expected_output="a word", agent=agent)
    kept = CheckpointConfig(location=str(CHECKPOINTS), on_events=["task_started"])
    return Crew(agents=[agent], tasks=[task], checkpoint=kept)


if __name__ == "__main__":
    client = Client(URL, TOKEN, retry_budget=float(os.environ.get("RETRY_FOR", "30")))
    with ApprovalHooks(gate=Gate(client)):
        crew().kickoff()
