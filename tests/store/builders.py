"""Rows to begin with."""

from __future__ import annotations

from support.races import at_once
from support.stored import add, add_agent, due_at, load, made, save, told

__all__ = ["add", "add_agent", "at_once", "due_at", "load", "made", "save", "told"]
