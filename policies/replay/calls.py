"""Calls that agents made, as a replay reads them: one JSON object a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from policies.errors import BadFile, InvalidInput
from policies.request import Request, read_request
from policies.strict_json import parse_object

# Labels that say it went wrong (docs/rules.md: F2).
BAD_LABELS = frozenset({"incident", "reverted"})
LABELS = BAD_LABELS | {"correct"}
_OF_THE_REQUEST = (
    "action",
    "params",
    "evidence",
    "confidence",
    "uncertainty_factors",
    "recommended_review",
    "kind",
    "risk_score",
    "urgency",
    "on_behalf_of",
    "session_id",
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: what an agent asked for, when, and what became of it where that is known.

    `amount_usd` is the amount in dollars where it stands outside the parameters.
    """

    request: Request
    agent: str = "agent"
    amount_usd: float | None = None
    at: datetime | None = None
    label: str | None = None
    asked_as: str | None = None

    @property
    def kind(self) -> str:
        """How the agent asked; what there was to choose from is not part of a recorded call."""
        return self.asked_as or self.request.kind

    @property
    def went_wrong(self) -> bool:
        """Whether it was labelled as an incident, or as reverted."""
        return self.label in BAD_LABELS


def read_calls(text: str, *, path: str) -> list[Call]:
    """The calls in JSON lines; blank lines are skipped. Raises BadFile naming file, line and key."""
    calls = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            calls.append(call_from(parse_object(line.encode("utf-8", "surrogatepass"))))
        except InvalidInput as error:
            raise BadFile(str(error), path=path, line=number, field=error.field) from None
    return calls


def call_from(facts: Mapping[str, Any]) -> Call:
    """One call from its keys; keys that a replay does not need are ignored. Raises InvalidInput naming the key."""
    asked = {key: facts[key] for key in _OF_THE_REQUEST if facts.get(key) is not None}
    kind = asked.get("kind")
    if kind is not None and kind != "confirm":
        # What was to choose from is not part of a recorded call, and does not matter: a person is asked anyway.
        asked |= {"kind": "input", "question": "?"}
    return Call(
        request=read_request(asked),
        agent=_text(facts, "agent") or "agent",
        amount_usd=_amount(facts.get("amount_usd")),
        at=_moment(facts.get("at")),
        label=_label(facts),
        asked_as=_text(facts, "kind"),
    )


def _text(facts: Mapping[str, Any], key: str) -> str | None:
    value = facts.get(key)
    if value is not None and not isinstance(value, str):
        raise InvalidInput("must be text", field=key)
    return value


def _label(facts: Mapping[str, Any]) -> str | None:
    label = _text(facts, "label")
    if label is not None and label not in LABELS:
        raise InvalidInput(f"must be one of {', '.join(sorted(LABELS))}", field="label")
    return label


def _amount(value: object) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise InvalidInput("must be a number of dollars", field="amount_usd")
    return value


def _moment(value: object) -> datetime | None:
    if value is None or isinstance(value, datetime):
        moment = value
    else:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            raise InvalidInput("must be a time such as 2026-01-31T09:30:00Z", field="at") from None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
