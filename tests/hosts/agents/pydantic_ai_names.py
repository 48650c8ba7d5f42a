"""What a reader of the Pydantic AI section has: a model that wants two things, and the tools."""

from __future__ import annotations

from typing import Any

from common import want_a_refund, write
from pydantic_ai.models.function import FunctionModel
from pydantic_ai_agent import respond, search

want_a_refund()


def process_refund(customer: str, amount_usd: float) -> str:
    """Refund."""
    return write(f"{customer} {amount_usd:g}")


def names(number: int) -> dict[str, Any]:
    """The same for each block."""
    return {"model": FunctionModel(respond), "process_refund": process_refund, "search": search}
