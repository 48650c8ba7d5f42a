"""The manifest's section `retention`: when parameters and texts go, and when whole approvals do."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from policies.files.schema import Strict

# What suggestions and reliability are counted from, looks back as far as that.
FIGURES_DAYS = 90
_MOST_DAYS = 36_500


class Retention(Strict):
    """How long things are kept, counted from the end of each request; what is open, asleep or can be undone always stays."""

    params_days: Annotated[int, Field(ge=1, le=_MOST_DAYS)]
    """After so many days a settled request loses its parameters and everything that agents and people wrote."""
    approvals_days: Annotated[int, Field(ge=FIGURES_DAYS, le=_MOST_DAYS)] | None = None
    """After so many days nothing is left of it but the trail (not of what labels, levels and standing approvals rest on)."""

    @model_validator(mode="after")
    def _texts_go_first(self) -> Retention:
        if self.approvals_days is not None and self.approvals_days < self.params_days:
            raise ValueError("approvals_days: must not be less than params_days")
        return self
