"""Test requests: when one is due, who is spared, and what became of them as a figure. Pure (docs/rules.md: F3).

Everything that is drawn comes from a key that only the database holds, so that any server draws the same and nobody else can.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from policies.approval import Decided, Decision
from policies.learning.chance import Measured, measured
from policies.levels import Level, RouteName

APART = timedelta(days=7)  # between two tests of one reviewer, at least
LOOK_BACK = timedelta(days=30)  # decisions before that bring no test about
SLOWEST = timedelta(hours=2)  # after the decision that brought it about, at most
BUSY = 5  # whoever has so many waiting is spared
FEWEST = 5  # tests with a clear answer, below which nobody's figure stands beside another's


class Answer(StrEnum):
    """What somebody's answer to a test was."""

    CAUGHT = "caught"
    MISSED = "missed"
    NEITHER = "neither"  # asked back, passed on, changed, or not decided at all


@dataclass(frozen=True, slots=True)
class Draw:
    """What is drawn for the next test of an action: `since` is the last one, or nothing where there was none."""

    key: bytes
    action: str
    since: str

    def decisions(self, one_in: int) -> int:
        """After how many decisions of people it comes: one in so many at most, and nobody can count it out."""
        return one_in + self._of("decisions", one_in)

    @property
    def delay(self) -> timedelta:
        """How long after the last of them."""
        return timedelta(seconds=self._of("delay", round(SLOWEST.total_seconds())))

    def _of(self, what: str, below: int) -> int:
        return _drawn(self.key, f"{what}|{self.action}|{self.since}", below)


def turn(key: bytes, action: str, before: int, count: int) -> int:
    """Which of `count` requests is the next, after `before` tests: each comes once before any comes again."""
    return (_drawn(key, f"first|{action}", count) + before) % count


def _drawn(key: bytes, what: str, below: int) -> int:
    return int.from_bytes(hmac.new(key, f"planted|{what}".encode(), hashlib.sha256).digest()[:8]) % below


@dataclass(frozen=True, slots=True)
class Desk:
    """How it is for whoever would be asked: whether they are there and may be notified now, what waits for them, and when they
    were tested last."""

    available: bool
    quiet: bool
    waiting: int
    tested_at: datetime | None


def unasked(route: RouteName, level: Level | None, *, stopped: bool, before: bool) -> str | None:
    """Why such a request would be no test: it would not simply wait for a person's yes, as the card of any other does."""
    if stopped:
        return "everything is stopped, or held"
    if route is not RouteName.ASK or level is not Level.HARD_APPROVAL:
        return f"it would not wait for a person's yes: {level or route}"
    return "the same was asked before" if before else None


def spared(desk: Desk, now: datetime) -> str | None:
    """Why somebody is not tested now; None where they may be."""
    if not desk.available:
        return "nobody is available"
    if desk.quiet:
        return "they must not be notified now"
    if desk.waiting >= BUSY:
        return f"{desk.waiting} requests wait for them"
    if desk.tested_at is not None and now - desk.tested_at < APART:
        return "they were tested within a week"
    return None


_ANSWERS = {
    Decided.REJECTED: Answer.CAUGHT,
    Decided.TAKEN_OVER: Answer.CAUGHT,
    Decided.APPROVED: Answer.MISSED,
}


def answer(decision: Decision) -> Answer:
    """What a decision on a test shows: only a clear yes or no of a person shows anything."""
    if decision.by == "policy":
        return Answer.NEITHER
    return _ANSWERS.get(decision.kind, Answer.NEITHER)


@dataclass(frozen=True, slots=True)
class Tested:
    """One test that is over: of which action, who decided it (nobody: None), when, and what they said."""

    action: str
    by: str | None
    at: datetime
    answer: Answer


@dataclass(frozen=True, slots=True)
class Caught:
    """Of several tests: caught of those that were clearly answered, with bounds, and how many were not."""

    share: Measured
    neither: int

    @property
    def missed(self) -> int:
        """How many were approved."""
        return round(self.share.n - self.share.hits)

    @property
    def any(self) -> bool:
        """Whether there was any test at all."""
        return bool(self.share.n or self.neither)

    def __str__(self) -> str:
        rest = f"; {self.neither} with no clear answer" if self.neither else ""
        return f"caught {self.share}{rest}" if self.share.n else f"no clear answer yet{rest}"


def caught(tests: Iterable[Tested]) -> Caught:
    """The figure of these tests."""
    counts = Counter(one.answer for one in tests)
    hits = counts[Answer.CAUGHT]
    return Caught(measured(hits, hits + counts[Answer.MISSED]), counts[Answer.NEITHER])


def by_reviewer(tests: Iterable[Tested]) -> dict[str, Caught]:
    """The figure of everybody who has answered enough to have one beside others', in the order of their ids: no ranking."""
    own: dict[str, list[Tested]] = defaultdict(list)
    for one in tests:
        if one.by is not None:
            own[one.by].append(one)
    found = {user: caught(theirs) for user, theirs in sorted(own.items())}
    return {user: figure for user, figure in found.items() if figure.share.n >= FEWEST}
