"""Authority passes down a chain of agents and never grows on the way (docs/rules.md: E6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from policies.chain import Link
from policies.routing import Route


def bounded_by_chain(own: Route, chain: Sequence[Link], routes: Sequence[Route]) -> Route:
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
