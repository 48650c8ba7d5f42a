"""The Agent Approval Protocol's words for what Sayso decides: what a submission asks, and how an approval stands in them.

The protocol knows no edited arguments: an edit is a denial with the note, and the agent asks again. Its requests have
UUIDs for names, ours are the same 128 bits in other letters.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from policies.approval import Approval, feedback
from policies.digest import canonical
from policies.errors import InvalidInput
from policies.lifecycle import GRANTED, State
from policies.request import read

SAVED = "aap"  # under this name the submission lies in the request's checkpoint
MAX_REASON = 8000
MAX_TIMEOUT = 90 * 86_400
_DURATION = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,8})m)?(?:([0-9]{1,9})s)?")
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
# What names the agent's run in a resume handle, by framework: people pause that as a session.
_SESSIONS = ("session_id", "thread_id", "conversation_id", "run_id")
CONSUMED = frozenset({State.CLAIMED, State.SUCCEEDED, State.FAILED, State.OUTCOME_UNKNOWN})
DENIED = frozenset({State.REJECTED, State.DENIED, State.BLOCKED, State.TAKEN_OVER, State.HANDED_BACK})


class Submission(BaseModel):
    """A tool call as the protocol's SDK sends it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    tool: Annotated[str, Field(min_length=1, max_length=200)]
    arguments: dict[str, Any]
    timeout: Annotated[str, Field(min_length=2, max_length=40)]
    server: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    agent_reasoning: str | None = None
    context: dict[str, Any] | None = None

    @field_validator("timeout")
    @classmethod
    def _is_a_duration(cls, value: str) -> str:
        seconds_of(value)
        return value

    @property
    def action(self) -> str:
        """The manifest's name for the tool; one of an MCP server carries its server's name."""
        return self.tool if self.server is None else f"mcp__{self.server}__{self.tool}"

    @property
    def session_id(self) -> str | None:
        """The run that it belongs to, as far as the adapter says."""
        resume = (self.context or {}).get("resume")
        named = [resume.get(name) for name in _SESSIONS] if isinstance(resume, dict) else []
        return next((name for name in named if isinstance(name, str) and 0 < len(name) <= 200), None)

    @property
    def body(self) -> dict[str, Any]:
        """The request for approval; the submission lies in its checkpoint, to be given back unchanged."""
        reason = self.agent_reasoning or ""
        asked: dict[str, Any] = {
            "action": self.action,
            "params": self.arguments,
            "reason": reason[:MAX_REASON],
            "checkpoint": {SAVED: self.model_dump(exclude_none=True, exclude={"arguments"})},
        }
        return asked if self.session_id is None else asked | {"session_id": self.session_id}


def read_submission(value: dict[str, Any]) -> Submission:
    """A submission; raises InvalidInput for an unknown field, and for null, which the protocol does not know."""
    empty = sorted(name for name, given in value.items() if given is None)
    if empty:
        raise InvalidInput("must not be null", field=empty[0])
    found: Submission = read(Submission, value)
    return found


def saved_submission(checkpoint: Any, arguments: dict[str, Any]) -> Submission | None:
    """The submission behind a request; None where the request did not come by the protocol."""
    saved = checkpoint.get(SAVED) if isinstance(checkpoint, dict) and checkpoint.keys() == {SAVED} else None
    if not isinstance(saved, dict):
        return None
    try:
        return read_submission({**saved, "arguments": arguments})
    except InvalidInput:
        return None


def seconds_of(text: str) -> int:
    """A duration such as 24h, 10m or 1h30m in seconds; raises ValueError."""
    match = _DURATION.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    found = hours * 3600 + minutes * 60 + seconds
    if not 0 < found <= MAX_TIMEOUT:
        raise ValueError("must be a duration such as 24h, 10m or 1h30m, of at most 90 days")
    return found


def uuid_of(approval_id: str) -> str:
    """The protocol's name for an approval."""
    number = 0
    for letter in approval_id.removeprefix("apr_"):
        number = number << 5 | _LETTERS.index(letter)
    return str(uuid.UUID(int=number))


def approval_id_of(text: str) -> str | None:
    """The approval that a UUID names; None for what is no UUID."""
    try:
        number = uuid.UUID(text).int
    except ValueError:
        return None
    return "apr_" + "".join(_LETTERS[number >> shift & 31] for shift in range(125, -5, -5))


@dataclass(frozen=True, slots=True)
class Progress:
    """How a request stands in the protocol's words."""

    status: str
    decided_at: datetime | None = None
    note: str | None = None
    expires_at: datetime | None = None
    consumed_at: datetime | None = None
    outcome: str | None = None
    reported_at: datetime | None = None


def deadline_of(approval: Approval, submission: Submission) -> datetime:
    """When the agent stops waiting: it said so, and Sayso's own time-out may come before."""
    return approval.created_at + timedelta(seconds=seconds_of(submission.timeout))


def progress(approval: Approval, deadline: datetime, now: datetime) -> Progress:
    """The status and what belongs to it. A yes after the agent's own deadline is none: it has gone on without."""
    decided = approval.decision.at if approval.decision else approval.updated_at
    if approval.state is State.PENDING:
        return Progress("pending") if now < deadline else Progress("expired", decided_at=deadline)
    if changed_by_people(approval):
        return Progress("denied", decided_at=decided, note=_edit_told(approval))
    if approval.state in CONSUMED and approval.claimed_at is not None:
        over = approval.state in (State.SUCCEEDED, State.FAILED)
        return Progress(
            "approved",
            decided_at=decided,
            expires_at=_expiry(approval, decided),
            consumed_at=approval.claimed_at,
            outcome=approval.state.value if over else None,
            reported_at=max(approval.updated_at, approval.claimed_at) if over else None,
        )
    if approval.state in GRANTED:
        late = decided >= deadline
        return (
            Progress("expired", decided_at=deadline)
            if late
            else Progress("approved", decided_at=decided, expires_at=_expiry(approval, decided))
        )
    if approval.state in DENIED:
        return Progress("denied", decided_at=decided, note=feedback(approval))
    if approval.state is State.CANCELLED and decided < deadline:
        return Progress("cancelled", decided_at=decided)
    return Progress("expired", decided_at=min(decided, deadline))


def changed_by_people(approval: Approval) -> bool:
    """Whether it was approved with other arguments, which the protocol cannot carry."""
    return approval.edited and approval.state in GRANTED | {State.CANCELLED}


def _expiry(approval: Approval, decided: datetime) -> datetime:
    """Until when the approval could, or can, be used."""
    granted = approval.clock.claim_by if approval.state in GRANTED else None
    return granted or decided + timedelta(seconds=approval.policy.claim_seconds)


def _edit_told(approval: Approval) -> str:
    """The protocol cannot carry an edit, so nothing runs: the model is told what people would have."""
    notes = " ".join(approval.notes)
    told = f"A reviewer wants other arguments than these: {canonical(approval.params)}."
    return (
        f"{told} {notes} Call the tool with them to ask again."
        if notes
        else f"{told} Call the tool with them to ask again."
    )
