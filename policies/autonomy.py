"""The ratchet: an agent's level on an action falls by itself, and rises only where the manifest says so (docs/rules.md: F7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.files.tightening import Autonomy
from policies.history import Demotion
from policies.levels import Level

SUCCESSES_TO_RISE = 10
FAILURES_TO_FALL = 2
FALL_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class EarnedLevel:
    """The least oversight that an agent gets for an action now, since when its record counts, and why."""

    level: Level
    since: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Execution:
    """How one execution ended, and when."""

    succeeded: bool
    at: datetime


def standing(rules: Autonomy, agent: str, demotion: Demotion | None) -> EarnedLevel:
    """What the manifest grants, less what the agent lost since it was granted."""
    entry = rules.agents.get(agent)
    granted, since = (entry.level, entry.moment) if entry else (rules.start, None)
    if demotion is not None and (since is None or demotion.at >= since) and demotion.level.rank > granted.rank:
        return EarnedLevel(demotion.level, demotion.at, f"this agent lost a level on {demotion.at:%Y-%m-%d}")
    if entry is None:
        return EarnedLevel(granted, None, "agents start with less autonomy here")
    return EarnedLevel(granted, since, f"this agent was granted this much on {since:%Y-%m-%d}")


def fallen(
    rules: Autonomy, agent: str, demotion: Demotion | None, *, outcomes: Sequence[Execution], now: datetime
) -> Level | None:
    """The level that an agent falls to after these outcomes; None where it keeps its own.

    Failures that already cost a level are not counted again.
    """
    at = standing(rules, agent, demotion)
    oldest = now - FALL_WINDOW
    counted = [
        one for one in outcomes if not one.succeeded and one.at > oldest and (at.since is None or one.at > at.since)
    ]
    if len(counted) < FAILURES_TO_FALL:
        return None
    return stricter(at.level)


def earned(rules: Autonomy, agent: str, demotion: Demotion | None, outcomes: Sequence[Execution]) -> Level | None:
    """The level to propose after these outcomes (oldest first); None where nothing was earned."""
    at = standing(rules, agent, demotion)
    row = 0
    for one in outcomes:
        if at.since is None or one.at > at.since:
            row = row + 1 if one.succeeded else 0
    return looser(at.level) if row >= SUCCESSES_TO_RISE else None


def stricter(level: Level) -> Level | None:
    """One level down; None where nothing is stricter."""
    levels = list(Level)
    return levels[level.rank + 1] if level.rank + 1 < len(levels) else None


def looser(level: Level) -> Level | None:
    """One level up; None where nothing is freer."""
    return list(Level)[level.rank - 1] if level.rank else None
