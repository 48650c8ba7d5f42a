"""One person's own figures: how much they decide, how quickly, how often they say yes, and what came of it (docs/rules.md: F10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from statistics import median

from policies.learning import chance
from policies.learning.chance import Measured, measured
from policies.learning.stamping import Act, habits

LOOK_BACK = timedelta(days=14)
FEWEST_PEOPLE = FEWEST_DECIDED = 5  # below, nobody is named to anybody else, and nobody is compared
YES = frozenset({"approve", "vote", "choose", "answer", "edit", "revise"})
_DECIDING = YES | {"reject", "take_over"}


@dataclass(frozen=True, slots=True)
class Middle:
    """The median of `n` lengths of time in seconds; its bounds hold in 95 % of cases each, and are None of too few."""

    n: int
    seconds: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody decided in LOOK_BACK.

    `gap` is between one decision and the next, `look` for how long they can have looked at most, `fast` the yeses that came
    within seconds of looking; `afterwards` what others labelled later of what they let through.
    """

    user: str
    decided: int
    gap: Middle | None
    look: Middle | None
    yes: Measured
    fast: Measured
    stamping: bool
    afterwards: Measured

    @property
    def per_day(self) -> float:
        """Decisions a day."""
        return self.decided / LOOK_BACK.days


def person(user: str, acts: Sequence[Act], looks: Sequence[float], *, right: int, labelled: int) -> Person:
    """The figures from everything they decided, oldest first, and how long they can have looked at each."""
    decided = [act for act in acts if act.verb in _DECIDING]
    gaps = [(after.at - before.at).total_seconds() for before, after in pairwise(acts)]
    _, whole = next(habits(user, acts, lambda _: ("all",)), ("", None))
    return Person(
        user=user,
        decided=len(decided),
        gap=middle(gaps),
        look=middle(looks),
        yes=measured(sum(act.verb in YES for act in decided), len(decided)),
        fast=measured(whole.fast, whole.yes) if whole else measured(0, 0),
        stamping=bool(whole and whole.rubber),
        afterwards=measured(right, labelled),
    )


def middle(values: Sequence[float]) -> Middle | None:
    """The median with exact bounds: so many values lie below the true one as coins show heads."""
    if not values:
        return None
    ordered, n = sorted(values), len(values)
    out = -1
    while out + 1 < n / 2 and chance.at_most(out + 1, n, 0.5) <= 1 - chance.ONE_SIDED:
        out += 1
    bounds = (ordered[out], ordered[n - 1 - out]) if out >= 0 else (None, None)
    return Middle(n, median(ordered), *bounds)


def nameable(found: Sequence[Person]) -> list[Person]:
    """Whom somebody else may see by name: nobody of a group so small, nobody who decided so little, in no order of merit."""
    enough = [one for one in found if one.decided >= FEWEST_DECIDED]
    return sorted(enough, key=lambda one: one.user) if len(enough) >= FEWEST_PEOPLE else []
