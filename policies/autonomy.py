"""The ratchet: an agent's level on an action falls by itself, and rises only where the manifest says so (docs/rules.md: F7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies import sequential
from policies.files.policy import Policy
from policies.files.tightening import Autonomy, Ratchet
from policies.history import Demotion
from policies.levels import Level

SUCCESSES_TO_RISE = 10
FAILURES_TO_FALL = 2
FALL_WINDOW = timedelta(hours=24)
_UNNAMED = Autonomy(start=Level.FULL_AUTO)  # where the manifest starts nobody lower, an agent falls from the top


@dataclass(frozen=True, slots=True)
class EarnedLevel:
    """The least oversight that an agent gets for an action now, since when its record counts, and why."""

    level: Level
    since: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Execution:
    """How one execution ended, and when; `incident` where somebody said later that it was one."""

    succeeded: bool
    at: datetime
    incident: bool = False


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
    policy: Policy, agent: str, demotion: Demotion | None, *, outcomes: Sequence[Execution], now: datetime
) -> Level | None:
    """The level that an agent falls to after these outcomes (oldest first); None where it keeps its own.

    What already cost a level is not counted again. An incident of a grave action costs one at once where the preset is
    sequential; else the rate decides, however much the agent does.
    """
    at = standing(policy.autonomy or _UNNAMED, agent, demotion)
    counted = list(_since(at, outcomes))
    if policy.ratchet is Ratchet.SEQUENTIAL:
        severe = policy.grave and any(one.incident for one in counted)
        falls = severe or sequential.failing(one.succeeded for one in counted)
    else:
        lately = [one for one in counted if not one.succeeded and one.at > now - FALL_WINDOW]
        falls = len(lately) >= FAILURES_TO_FALL
    # Without levels of its own, an action has one step only, and each loss is the first.
    return stricter(at.level if policy.autonomy else _UNNAMED.start) if falls else None


def earned(policy: Policy, agent: str, demotion: Demotion | None, outcomes: Sequence[Execution]) -> Level | None:
    """The level to propose after these outcomes (oldest first); None where nothing was earned."""
    if policy.autonomy is None:
        return None
    at = standing(policy.autonomy, agent, demotion)
    ended = [one.succeeded for one in _since(at, outcomes)]
    rises = sequential.proven(ended) if policy.ratchet is Ratchet.SEQUENTIAL else _row(ended) >= SUCCESSES_TO_RISE
    return looser(at.level) if rises else None


def forgiven(rules: Autonomy | None, agent: str, demotion: Demotion) -> bool:
    """Whether the owner granted the agent a level after it lost that one."""
    entry = rules.agents.get(agent) if rules else None
    return entry is not None and demotion.at < entry.moment


def _since(at: EarnedLevel, outcomes: Iterable[Execution]) -> Iterable[Execution]:
    return (one for one in outcomes if at.since is None or one.at > at.since)


def _row(ended: Iterable[bool]) -> int:
    row = 0
    for succeeded in ended:
        row = row + 1 if succeeded else 0
    return row


def stricter(level: Level) -> Level | None:
    """One level down; None where nothing is stricter."""
    levels = list(Level)
    return levels[level.rank + 1] if level.rank + 1 < len(levels) else None


def looser(level: Level) -> Level | None:
    """One level up; None where nothing is freer."""
    return list(Level)[level.rank - 1] if level.rank else None
