"""What a reader of the section on CrewAI has: a crew with a tool, and where to ask as whom."""

from __future__ import annotations

from typing import Any

from crewai_agent import TOKEN, URL, crew


def names(number: int) -> dict[str, Any]:
    """The crew, new for each block."""
    return {"url": URL, "token": TOKEN, "crew": crew()}
