"""Everybody above an agent, nearest first: who acts on whose authority (docs/rules.md: E6)."""

from __future__ import annotations

from dataclasses import dataclass

MAX_CHAIN = 8


@dataclass(frozen=True, slots=True)
class Link:
    """One who delegated: an agent, by the approval it holds where it named one."""

    agent: str
    approval_id: str | None = None

    def __str__(self) -> str:
        return f"{self.agent} ({self.approval_id})" if self.approval_id else self.agent
