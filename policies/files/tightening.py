"""Keys of the manifest that may only tighten: what they demand is added to the contract's order, and never taken off."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from policies import expressions
from policies.files.schema import Line, Strict, Word, one_of
from policies.levels import Level

Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Then(StrEnum):
    """What a rule of one's own demands, from loose to strict; nothing looser than the contract's order exists."""

    NOTIFY = "notify"
    ASK = "ask"
    ESCALATE = "escalate"
    TAKEOVER = "takeover"
    DENY = "deny"


class Rule(Strict):
    """A rule of one's own: a condition over the request, and what it demands at least."""

    when: Annotated[str, Field(min_length=1, max_length=expressions.MAX_LENGTH)]
    """A condition in CEL over params, agent, action, amount, confidence, evidence, risk_score, urgency and on_behalf_of."""
    then: Annotated[Then, one_of(Then)]
    """notify, ask, escalate, takeover or deny."""
    reason: Line
    """Why, in words for the reviewer and the agent."""

    @field_validator("when")
    @classmethod
    def _when(cls, value: str) -> str:
        return expressions.checked(value)


class FirstUses(Strict):
    """How many uses a person sees before any runs by policy alone (docs/rules.md: A13); a use is a claimed one."""

    agent: Count | None = None
    """The first uses of this action by an agent."""
    tool: Count | None = None
    """The first uses of this action by anybody."""
    user: Count | None = None
    """The first uses of this action on behalf of a principal."""


class Quota(Strict):
    """How often one agent may ask for this action; more is refused at once."""

    per_day: Count
    """Requests within any 24 h, whatever became of them unless policy refused them."""


class Accepted(Strict):
    """A level that the action's owner granted one agent."""

    level: Annotated[Level, one_of(Level)]
    """The least oversight that this agent gets from then on."""
    since: Annotated[str, Field(min_length=1, max_length=40)]
    """When the owner accepted it: what the agent lost before is forgiven, what it loses later is not."""

    @field_validator("since")
    @classmethod
    def _since(cls, value: str) -> str:
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a time such as 2026-01-31 or 2026-01-31T09:30:00Z") from None
        return value

    @property
    def moment(self) -> datetime:
        """The same as a moment; without a zone it is UTC."""
        moment = datetime.fromisoformat(self.since)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Ratchet(StrEnum):
    """How levels of autonomy are lost and earned (docs/rules.md: F7)."""

    CLASSIC = "classic"
    SEQUENTIAL = "sequential"


class Autonomy(Strict):
    """The ratchet (docs/rules.md: F7): agents start here, lose a level by themselves, and gain one only where the owner writes it down."""

    start: Annotated[Level, one_of(Level)] = Level.SOFT_APPROVAL
    """The least oversight of an agent that is not named below."""
    agents: Annotated[dict[Word, Accepted], Field(max_length=1000)] = {}
    """Agents that earned another level."""
