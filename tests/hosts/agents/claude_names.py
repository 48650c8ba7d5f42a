"""What a reader of the section on the Claude Agent SDK has: nothing but the environment."""

from __future__ import annotations

from typing import Any


def names(number: int) -> dict[str, Any]:
    """Nothing."""
    return {}
