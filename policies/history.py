"""What the store knows of the past when a request arrives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from policies.levels import Level
from policies.standing import Standing


@dataclass(frozen=True, slots=True)
class Demotion:
    """A level that an agent lost an action to, and when (docs/rules.md: F7)."""

    level: Level
    at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """Sums are in dollars; none of the figures counts the request itself.

    `aggregate_usd` is the sum of the window for the request's target, `total_usd` over all of them; `*_unread` count the
    amounts in them that nobody could read. `agent_failures_24h` counts what failed and what was claimed and never
    reported. `*_uses` count what was claimed before: of this action by this agent, by anybody, and for this principal.
    `requests_24h` is what this agent asked of this action within 24 h and was not refused by policy. `unseen_in_row`
    is how many ran by policy alone since a person last decided one of this agent and action, whatever the session.
    `demotion` is the last level that this agent lost this action to; `demoted_24h` says that it did so within 24 h.
    `held_elsewhere` says, in words, which other session of this agent people stopped; None where this request is clear of it.
    `standings` are the standing approvals of this agent and action that hold now, the oldest first.
    """

    agent_failures_24h: int = 0
    aggregate_usd: Decimal = Decimal(0)
    stopped: bool = False
    agent_uses: int = 0
    tool_uses: int = 0
    user_uses: int = 0
    requests_24h: int = 0
    unseen_in_row: int = 0
    demotion: Demotion | None = None
    demoted_24h: bool = False
    total_usd: Decimal = Decimal(0)
    aggregate_unread: int = 0
    total_unread: int = 0
    held_elsewhere: str | None = None
    standings: tuple[Standing, ...] = ()
