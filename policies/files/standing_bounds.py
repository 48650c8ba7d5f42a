"""What a manifest lets a reviewer allow with one yes for many: a standing approval's bounds."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from policies import paths
from policies.files.limits import DAY, Usd
from policies.files.schema import Strict, one_of

MOST_SECONDS, MOST_USES, MOST_SAME = 30 * DAY, 10_000, 20


class Scope(StrEnum):
    """Whose further requests a standing approval covers."""

    SESSION = "session"
    AGENT = "agent"


class StandingBounds(Strict):
    """How far a reviewer may let the like of a request run; without this section nobody may."""

    max_seconds: Annotated[int, Field(ge=1, le=MOST_SECONDS)]
    """For how long at most."""
    max_uses: Annotated[int, Field(ge=1, le=MOST_USES)]
    """How many further requests at most."""
    max_total_usd: Usd | None = None
    """Up to how much all of them together come; needed where the action has an amount."""
    same: Annotated[list[str], Field(max_length=MOST_SAME)]
    """Paths of parameters that must be exactly as the reviewer saw them."""
    scope: Annotated[Scope, one_of(Scope)] = Scope.SESSION
    """session: only the agent's same session; agent: any of the agent's."""

    @field_validator("same")
    @classmethod
    def _same(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError("names a path twice")
        return [paths.reaching(path) for path in value]

    def check(self, *, grave: bool, owner: str | None, amount: bool) -> None:
        """Raise ValueError where an action may not have these: `grave` is a severe or irreversible one."""
        if grave and not (owner and owner.strip()):
            raise ValueError("standing: high severity and irreversible actions need an owner who answers for it")
        if self.max_total_usd is not None and not amount:
            raise ValueError("standing.max_total_usd: needs amount, the path of the number that it sums")
        if self.max_total_usd is None and amount:
            raise ValueError("standing.max_total_usd: is needed, because the action has an amount")
