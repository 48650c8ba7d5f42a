"""What one agent may ask for, held under a lock so that it holds for any number of requests, servers and tokens at once."""

from __future__ import annotations

import math

from bot.service.context import Context
from policies.errors import LimitReached
from policies.files.limits import Limits
from store import attempts, turns
from store.agents import Agent
from store.attempts import Kind
from store.unit import Unit

# So much of a body counts as one request: whoever sends large ones may send fewer.
UNIT_BYTES = 32 * 1024
MOST_SESSIONS = 1000  # of one agent that nobody steered; more forget those that beat longest ago


def weight(limits: Limits, body: bytes) -> int:
    """As how many requests one of this body counts: never as more than fit a minute."""
    return min(max(1, math.ceil(len(body) / UNIT_BYTES)), limits.creates_per_minute)


def hold(limits: Limits, used: int, weight: int = 1) -> None:
    """Raise LimitReached where `weight` more do not fit this minute."""
    if used + weight > limits.creates_per_minute:
        raise LimitReached(f"more than {limits.creates_per_minute} requests within a minute", retry_after=10)


def hold_pending(limits: Limits, pending: int) -> None:
    """Raise LimitReached where one more approval cannot wait."""
    if pending >= limits.pending:
        raise LimitReached(f"{pending} requests are pending already, the limit is {limits.pending}", retry_after=60)


def count_large(unit: Unit, agent: Agent, weight: int) -> None:
    """Count what a request weighs beyond one; the approval that it made is counted by itself."""
    if weight > 1:
        attempts.add(unit, agent.id, Kind.LARGE, weight - 1)


def count_refused(ctx: Context, agent: Agent, body: bytes) -> None:
    """Count a request that was refused, in a unit of its own; raises LimitReached instead where the minute is full."""
    _count(ctx, agent, Kind.REFUSED, weight(ctx.manifest.limits, body))


def count_session(ctx: Context, agent: Agent) -> None:
    """Count a session that was not known before; raises LimitReached where the minute is full."""
    _count(ctx, agent, Kind.SESSION, 1)


def _count(ctx: Context, agent: Agent, kind: Kind, units: int) -> None:
    turns.take(ctx.unit, [agent.id])
    hold(ctx.manifest.limits, attempts.used(ctx.unit, agent.id), units)
    attempts.add(ctx.unit, agent.id, kind, units)
