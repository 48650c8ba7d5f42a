"""Do people look? How long somebody could have looked at most before each yes, and when that is no look at all (docs/rules.md: F3).

Counted from the moment the card was shown, or that person opened it, and from their own decision before this one: whoever comes
back after minutes and says yes to twenty cards in twenty seconds looked at each for a second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from policies.learning.chance import lower

FAST_SECONDS = 5.0
TOGETHER_SECONDS = 0.5  # decisions so close were one tap: they share the look before it
MOSTLY = 0.5  # the share of fast ones that is a habit, and the share of a record that such habits may hold
SELDOM = 0.05  # a share of no up to this takes no mark away
YES = frozenset({"approve", "vote"})
UNMODIFIED = frozenset({"approve", "choose", "answer"})


@dataclass(frozen=True, slots=True)
class Act:
    """One decision of one person. `seen` is when they could see it: shown to them, or opened by them, whichever was later.

    `ended` says whether it ended the approval as it stands, and did not only add a vote.
    """

    action: str
    verb: str
    at: datetime
    seen: datetime
    ended: bool = True


@dataclass(frozen=True, slots=True)
class Stamping:
    """How one reviewer decided an action.

    `fast` of `yes` came within FAST_SECONDS of looking; `ended` counts the approvals that they decided last, `ended_unmodified`
    those of them that got a yes as they were.
    """

    user: str
    decided: int
    rejected: int
    median_seconds: float
    yes: int
    fast: int
    ended: int = 0
    ended_unmodified: int = 0

    @property
    def fast_share(self) -> float:
        """The share of yes that came at once."""
        return self.fast / self.yes if self.yes else 0.0

    @property
    def rubber(self) -> bool:
        """Whether most yeses come at once beyond what chance explains, and a no hardly ever."""
        return lower(self.fast, self.yes) > MOSTLY and self.rejected <= SELDOM * self.decided


def habits(user: str, acts: Sequence[Act], keys: Callable[[str], Sequence[str]]) -> Iterator[tuple[str, Stamping]]:
    """How somebody decided, by what `keys` says an action counts in.

    `acts` is everything they decided, oldest first, as one look ends where the next begins.
    """
    found: dict[str, list[tuple[Act, float]]] = defaultdict(list)
    for act, look in zip(acts, looks(acts), strict=True):
        for key in keys(act.action):
            found[key].append((act, look))
    for action, looked in found.items():
        yield action, _stamping(user, looked)


def _stamping(user: str, looked: Sequence[tuple[Act, float]]) -> Stamping:
    yes = [look for act, look in looked if act.verb in YES]
    return Stamping(
        user=user,
        decided=len(looked),
        rejected=sum(act.verb == "reject" for act, _ in looked),
        median_seconds=median(look for _, look in looked),
        yes=len(yes),
        fast=sum(look < FAST_SECONDS for look in yes),
        ended=sum(act.ended for act, _ in looked),
        ended_unmodified=sum(act.ended and act.verb in UNMODIFIED for act, _ in looked),
    )


def looks(acts: Iterable[Act]) -> Iterator[float]:
    """For each decision of one person, oldest first: how many seconds they can have looked at it, at most."""
    free: datetime | None = None  # when they were done with what came before
    for tap in _taps(acts):
        for act in tap:
            began = act.seen if free is None else max(act.seen, free)
            yield max(0.0, (tap[-1].at - began).total_seconds()) / len(tap)
        free = tap[-1].at


def _taps(acts: Iterable[Act]) -> Iterator[list[Act]]:
    tap: list[Act] = []
    for act in acts:
        if tap and (act.at - tap[-1].at).total_seconds() > TOGETHER_SECONDS:
            yield tap
            tap = []
        tap.append(act)
    if tap:
        yield tap
