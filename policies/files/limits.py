"""Figures of the manifest: what one agent may ask for, amounts of one request and of a window, thresholds."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator, model_validator

from policies import paths
from policies.currencies import DECIMALS, USD
from policies.files.schema import Share, Strict, one_of

DAY = 86_400
MAX_SECONDS = 366 * DAY

Usd = Annotated[float, Field(ge=0, le=1e12)]
Seconds = Annotated[int, Field(ge=1, le=MAX_SECONDS)]


Rate = Annotated[float, Field(gt=0, le=1e9)]


class Unit(StrEnum):
    """What a figure counts."""

    USD = "usd"
    CENTS = "cents"
    MINOR = "minor"


class Amount(Strict):
    """Where the amount stands and what it counts; without a currency it is in US dollars."""

    path: str
    """The path of the figure; through lists (params.items[*].price) it is the sum."""
    unit: Annotated[Unit, one_of(Unit)] = Unit.USD
    """usd: whole dollars; cents: hundredths; minor: the currency's smallest unit. Of the currency, where one is named."""
    currency: str | None = None
    """The path of the currency's code, or the code itself; in the entries of the path's own list each figure has its own."""
    exchange: dict[str, Rate] = {}
    """What one whole unit of another currency is worth in US dollars; a currency without a rate cannot be read."""

    @field_validator("path")
    @classmethod
    def _path(cls, value: str) -> str:
        return paths.reaching(value)

    @field_validator("currency")
    @classmethod
    def _currency(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and value not in DECIMALS:
            if not value.startswith("params."):
                raise ValueError(f"{value!r} is neither a path like params.currency nor a code of ISO 4217 like EUR")
            paths.reaching(value)
            path = info.data.get("path", value)
            if "*" in value and _list_of(value) != _list_of(path):
                raise ValueError(f"{value!r} does not go through the list of {path!r}")
        return value

    @field_validator("exchange")
    @classmethod
    def _exchange(cls, value: dict[str, float]) -> dict[str, float]:
        for code in value:
            if code not in DECIMALS or code == USD:
                raise ValueError(f"{code!r} is no other currency's code of ISO 4217, like EUR")
        return value


def _list_of(path: str) -> str:
    """The path up to the last list that all of is meant of."""
    return path.rpartition("[*]")[0]


def amount_named(value: str | Amount | None) -> Amount | None:
    """The amount of a manifest, also where only its path is written."""
    return Amount(path=value) if isinstance(value, str) else value


class Limits(Strict):
    """What one agent may ask for (docs/rules.md: I13), however many tokens it has and servers there are."""

    creates_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    """Requests that one agent may make within any 60 s: refused ones, new sessions and each 32 KB of a body count too."""
    pending: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    """Approvals of one agent that may wait at once."""
    urgent_per_hour: Annotated[int, Field(ge=0, le=1_000_000)] = 10
    """Urgent requests of one agent within any hour that count as urgent; further ones count as normal."""


class Conditions(Strict):
    """Amount conditions in US dollars (docs/rules.md: A12): below the first nobody is asked, above the second always, above the third refused."""

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
    """Limits on the sum of amounts per agent and action within a window, so that ten small ones are seen."""

    window_seconds: Seconds
    """How far back amounts are summed."""
    per: str | None = None
    """The parameter that names the target; without it all targets count together."""
    ask_above_usd: Usd | None = None
    """A sum above this for one target asks a person."""
    deny_above_usd: Usd | None = None
    """A sum above this for one target is refused at once."""
    total_ask_above_usd: Usd | None = None
    """A sum above this over all targets asks a person."""
    total_deny_above_usd: Usd | None = None
    """A sum above this over all targets is refused at once."""

    @property
    def unlimited(self) -> bool:
        """Whether no sum is ever asked about or refused."""
        limits = (self.ask_above_usd, self.deny_above_usd, self.total_ask_above_usd, self.total_deny_above_usd)
        return all(limit is None for limit in limits)

    @field_validator("per")
    @classmethod
    def _path(cls, value: str | None) -> str | None:
        return value if value is None else paths.checked(value)


class Thresholds(Strict):
    """Confidence figures (docs/rules.md: A7): at or above the first no person is needed, below the second it escalates at once."""

    auto_approve_confidence: Share | None = None
    """At or above this no person is needed (0.95; 0.80 for low severity)."""
    escalate_confidence: Share = 0.60
    """Below this the escalation path is asked at once."""
    ask_above_risk: Share | None = None
    """A risk score above this, or none at all, asks a person."""
    trust_evidence: bool = False
    """Whether the agent's evidence, which is its own word, lets it run above low severity too; needs an owner."""
