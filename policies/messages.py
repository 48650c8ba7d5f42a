"""What Slack is told: the kinds of message, and what each keeps beside its approval. Facts only; rendered when sent."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any


class MessageKind(StrEnum):
    """How a message lives: it follows its approval, or is said once."""

    CARD = "card"
    NOTICE = "notice"


class Face(StrEnum):
    """What a card shows: the approval, or where it went."""

    LIVE = "live"
    MOVED = "moved"


class Sharing(StrEnum):
    """What shares one message: requests that are decided together, or a burst of which each is opened."""

    BATCH = "batch"
    DIGEST = "digest"


class Notice(StrEnum):
    """What there is to tell of an approval."""

    REMINDER = "reminder"
    YOURS = "yours"
    OUTCOME = "outcome"
    INFO_REQUESTED = "info_requested"
    INFO_ANSWERED = "info_answered"
    NOBODY_LEFT = "nobody_left"
    ASKED = "asked"
    TOO_FEW = "too_few"
    UNKNOWN_ACTION = "unknown_action"
    OUTCOME_UNKNOWN = "outcome_unknown"
    DONE = "done"
    TAKEOVER = "takeover"
    UNDONE = "undone"
    REVERTED = "reverted"
    NOT_ROLLED_BACK = "not_rolled_back"
    LATER_INCIDENT = "later_incident"
    TEST_OVER = "test_over"


class Lasting(StrEnum):
    """What an alarm may be about that ends by itself or by somebody's doing, and is then said to be over."""

    ABSENT = "absent"
    UNKNOWN_ACTION = "unknown_action"
    NOBODY = "nobody"
    UNKNOWN_OUTCOME = "unknown_outcome"
    CHANNEL = "channel"
    CALLBACKS = "callbacks"
    POLICY_FILE = "policy_file"
    DEMOTED = "demoted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Cause:
    """One such thing: what kind it is, and of what."""

    kind: Lasting
    of: tuple[str, ...]

    @property
    def stored(self) -> str:
        """As a row keeps it."""
        return json.dumps([self.kind.value, *self.of])


def cause_of(stored: str) -> Cause:
    """What a row keeps; raises ValueError for a kind that this server does not know."""
    kind, *of = json.loads(stored)
    return Cause(Lasting(kind), tuple(of))


@dataclass(frozen=True, slots=True)
class CardFacts:
    """A card: whom a retired one moved to, and people of its role who may not decide it."""

    moved_to: str | None = None
    barred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """A card for a review after the fact, with the number of the person who is asked."""

    round: int


@dataclass(frozen=True, slots=True)
class SharedFacts:
    """One message of several cards, and whom it mentions."""

    sharing: Sharing
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """Something said once of an approval, and what it is about beside that."""

    notice: Notice
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """An alarm in words of its own; `over` once what it tells is over."""

    title: str
    text: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class MorningFacts:
    """The morning's list for one person: the first of what waits, and how many wait in all."""

    ids: tuple[str, ...]
    total: int


@dataclass(frozen=True, slots=True)
class StandingFacts:
    """A standing approval, and who gave it."""

    standing: str
    by: str


@dataclass(frozen=True, slots=True)
class SuggestedFacts:
    """One suggestion in words, and the diff that `patch` takes; empty where there is none."""

    action: str
    kind: str
    lines: tuple[str, ...]
    diff: str


Point = tuple[float, float, float, float, int]
"""Of a curve: how sure, how often right, between which bounds, of how many."""


@dataclass(frozen=True, slots=True)
class CurveFacts:
    """How sure an agent was (`said` or `evidence`) against how often it was right."""

    name: str
    kind: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class WeeklyFacts:
    """The post of a week, named by its Monday: the most pressing suggestions of `total`, and the curves of its diagram."""

    week: str
    suggested: tuple[SuggestedFacts, ...]
    total: int
    curves: tuple[CurveFacts, ...]


@dataclass(frozen=True, slots=True)
class OwnFiguresFacts:
    """Somebody's own figures, in lines, for them alone."""

    lines: tuple[str, ...]


MessageFacts = (
    OwnFiguresFacts
    | CardFacts
    | ReviewFacts
    | SharedFacts
    | NoticeFacts
    | AlertFacts
    | MorningFacts
    | StandingFacts
    | WeeklyFacts
)


def facts_of(stored: Mapping[str, Any]) -> MessageFacts:
    """What a message's row keeps; raises ValueError for a notice or a sharing that this server does not know."""
    match stored:
        case {"notice": "alert"}:
            return AlertFacts(str(stored["title"]), str(stored["text"]), bool(stored.get("over")))
        case {"notice": "morning"}:
            return MorningFacts(tuple(stored["ids"]), int(stored["total"]))
        case {"notice": "figures"}:
            return OwnFiguresFacts(tuple(map(str, stored["lines"])))
        case {"notice": "weekly"}:
            suggested = (
                SuggestedFacts(one["action"], one["kind"], tuple(one["lines"]), one["diff"])
                for one in stored["suggested"]
            )
            curves = (
                CurveFacts(one["name"], one["kind"], tuple(map(_point, one["points"]))) for one in stored["curves"]
            )
            return WeeklyFacts(str(stored["week"]), tuple(suggested), int(stored["total"]), tuple(curves))
        case {"notice": "standing"}:
            return StandingFacts(str(stored["standing"]), str(stored["by"]))
        case {"notice": notice, **said}:
            return NoticeFacts(Notice(notice), said)
        case {"screen": sharing}:
            return SharedFacts(Sharing(sharing), tuple(stored.get("asked", ())))
        case {"review": number}:
            return ReviewFacts(int(number))
    return CardFacts(stored.get("moved_to"), tuple(stored.get("barred", ())))


def _point(stored: Sequence[float]) -> Point:
    said, right, low, high, count = stored
    return float(said), float(right), float(low), float(high), int(count)


def as_stored(facts: MessageFacts) -> dict[str, Any]:
    """The same as a row keeps it: without what is not said."""
    match facts:
        case NoticeFacts(notice, said):
            return {"notice": notice.value, **said}
        case AlertFacts(title, text, over):
            return {"notice": "alert", "title": title, "text": text} | ({"over": True} if over else {})
        case MorningFacts(ids, total):
            return {"notice": "morning", "ids": list(ids), "total": total}
        case OwnFiguresFacts(lines):
            return {"notice": "figures", "lines": list(lines)}
        case WeeklyFacts():
            return {"notice": "weekly", **asdict(facts)}
        case StandingFacts(standing, by):
            return {"notice": "standing", "standing": standing, "by": by}
        case SharedFacts(sharing, asked):
            return {"screen": sharing.value, "asked": list(asked)}
        case ReviewFacts(number):
            return {"review": number}
        case CardFacts(moved_to, barred):
            return ({"moved_to": moved_to} if moved_to else {}) | ({"barred": list(barred)} if barred else {})


def resolved(facts: MessageFacts, why: str, lasted: timedelta) -> MessageFacts:
    """An alarm whose cause is gone: the same message says so, why, and how long it lasted."""
    minutes = max(1, math.ceil(lasted / timedelta(minutes=1)))
    match facts:
        case AlertFacts(title):
            return AlertFacts(f"Resolved after {minutes} min: {title}", why, over=True)
        case NoticeFacts(_, said):
            return replace(facts, said={**said, "resolved": why, "minutes": minutes})
    return facts
