"""Authority passes down a chain of agents and never grows on the way (docs/rules.md: E6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from policies.routing import Route

MAX_CHAIN = 8


@dataclass(frozen=True, slots=True)
class Link:
    """One who delegated: an agent, by the approval it holds where it named one."""

    agent: str
    approval_id: str | None = None

    def __str__(self) -> str:
        return f"{self.agent} ({self.approval_id})" if self.approval_id else self.agent


def bounded(own: Route, chain: Sequence[Link], routes: Sequence[Route]) -> Route:
    """The strictest of an agent's own route and of those that everybody it acts for would get.

    `routes` are what the agents of `chain`, nearest first, would get for the very same request. Which of their limits
    speaks is told to nobody else: sums and counts are theirs.
    """
    if not chain:
        return own
    whole = f"acts for {', who acts for '.join(str(link) for link in chain)}"
    strictest, link = max(zip(routes, chain, strict=True), key=lambda pair: pair[0].strictness)
    if strictest.strictness <= own.strictness:
        return own.also(whole)
    limited = f"{whole}, and {link.agent} itself would get no more"
    escalates = own if own.escalated else strictest
    stricter = replace(
        own, name=strictest.name, level=strictest.level, role=escalates.role, escalated=escalates.escalated
    )
    return stricter.because(limited)
