"""What a reader of the LangChain section has: a model that wants two things, the tools, a saver."""

from __future__ import annotations

from typing import Any

from common import want_a_refund, write
from langchain_agent import Scripted, search
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

want_a_refund()


@tool
def process_refund(customer: str, amount_usd: float) -> str:
    """Refund."""
    return write(f"{customer} {amount_usd:g}")


def names(number: int) -> dict[str, Any]:
    """One run for each block."""
    return {
        "model": Scripted(),
        "process_refund": process_refund,
        "search": search,
        "saver": InMemorySaver(),
        "config": {"configurable": {"thread_id": f"case-{number}"}},
    }
