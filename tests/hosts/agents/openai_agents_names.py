"""What a reader of the section on the OpenAI Agents SDK has: a model that wants two things, and the tools."""

from __future__ import annotations

from typing import Any

from agents import function_tool
from agents.testing import ModelStep, ScriptedModel
from common import want_a_refund, write
from openai_agents_agent import respond, search

want_a_refund()


@function_tool
def process_refund(customer: str, amount_usd: float) -> str:
    """Refund."""
    return write(f"{customer} {amount_usd:g}")


def names(number: int) -> dict[str, Any]:
    """A model for each block."""
    return {
        "model": ScriptedModel([ModelStep.respond(respond)] * 2),
        "process_refund": process_refund,
        "search": search,
    }
