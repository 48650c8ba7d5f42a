"""Figures of the manifest: what one agent may ask for, amounts of one request and of a window, thresholds."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from policies import paths
from policies.schema import Share, Strict

DAY = 86_400
MAX_SECONDS = 366 * DAY

Usd = Annotated[float, Field(ge=0, le=1e12)]
Seconds = Annotated[int, Field(ge=1, le=MAX_SECONDS)]


class Limits(Strict):
    """What one agent may ask for (DESIGN rule 13), however many tokens it has and servers there are."""

    creates_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    """Requests that one agent may make within any 60 s: refused ones, new sessions and each 32 KB of a body count too."""
    pending: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    """Approvals of one agent that may wait at once."""
    urgent_per_hour: Annotated[int, Field(ge=0, le=1_000_000)] = 10
    """Urgent requests of one agent within any hour that count as urgent; further ones count as normal."""


class Conditions(Strict):
    """Amount conditions in US dollars (A12): below the first nobody is asked, above the second always, above the third refused."""

    auto_approve_below_usd: Usd | None = None
    """Below this nobody is asked."""
    always_approve_above_usd: Usd | None = None
    """Above this a person is always asked."""
    deny_above_usd: Usd | None = None
    """Above this the request is refused at once."""

    @model_validator(mode="after")
    def _in_order(self) -> Conditions:
        named = [
            (name, value)
            for name in ("auto_approve_below_usd", "always_approve_above_usd", "deny_above_usd")
            if (value := getattr(self, name)) is not None
        ]
        for (lower, low), (upper, high) in pairwise(named):
            if low > high:
                raise ValueError(f"{lower}: {low:g} must not be above {upper} ({high:g})")
        return self


class Aggregate(Strict):
    """A limit on the sum of amounts per agent, action and target within a window, so that ten small ones are seen."""

    window_seconds: Seconds
    """How far back amounts are summed."""
    per: str | None = None
    """The parameter that names the target; without it all targets count together."""
    ask_above_usd: Usd | None = None
    """A sum above this asks a person."""
    deny_above_usd: Usd | None = None
    """A sum above this is refused at once."""

    @field_validator("per")
    @classmethod
    def _path(cls, value: str | None) -> str | None:
        return value if value is None else paths.checked(value)


class Thresholds(Strict):
    """Confidence figures (A7): at or above the first no person is needed, below the second it escalates at once."""

    auto_approve_confidence: Share | None = None
    """At or above this no person is needed (0.95; 0.80 for low severity)."""
    escalate_confidence: Share = 0.60
    """Below this the escalation path is asked at once."""
    ask_above_risk: Share | None = None
    """A risk score above this, or none at all, asks a person."""
