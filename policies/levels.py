"""How much oversight there is, what one rule says of it, and which of two says more (docs/rules.md: A4, A5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much oversight an action gets (docs/rules.md: A5)."""

    FULL_AUTO = "full_auto"
    NOTIFY_ONLY = "notify_only"
    SOFT_APPROVAL = "soft_approval"
    HARD_APPROVAL = "hard_approval"
    HUMAN_TAKEOVER = "human_takeover"

    @property
    def rank(self) -> int:
        """0 (free) to 4 (a person does it)."""
        return list(Level).index(self)


class RouteName(StrEnum):
    """The four basic routes (docs/rules.md: A4)."""

    AUTO = "auto"
    ASK = "ask"
    DENY = "deny"
    BLOCK = "block"


def route_of(level: Level) -> RouteName:
    """The basic route that a level is a finer form of."""
    return RouteName.AUTO if level.rank <= Level.NOTIFY_ONLY.rank else RouteName.ASK


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule says: a route, why, the manifest's key it rests on (within the action), and whether it escalates."""

    name: RouteName
    level: Level | None
    reason: str
    key: str | None = None
    escalate: bool = False

    @property
    def strictness(self) -> tuple[int, bool]:
        """Orders what rules say from free to refused."""
        return strictness(self.name, self.level, self.escalate)


def strictness(name: RouteName, level: Level | None, escalated: bool) -> tuple[int, bool]:
    """Orders routes from free to refused; of two that ask alike, the one that escalates is the stricter."""
    if name is RouteName.BLOCK:
        return len(Level) + 1, False
    return (len(Level), False) if level is None else (level.rank, escalated)


def denied(reason: str, key: str) -> RuleResult:
    """Refused at once."""
    return RuleResult(RouteName.DENY, None, reason, key)


def asked(level: Level, reason: str, key: str | None = None, *, escalate: bool = False) -> RuleResult:
    """A person is asked."""
    return RuleResult(RouteName.ASK, level, reason, key, escalate)


def runs(level: Level, reason: str, key: str) -> RuleResult:
    """It runs without a person."""
    return RuleResult(RouteName.AUTO, level, reason, key)
