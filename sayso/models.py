"""What the server says, as frozen types. Fields that this version does not know are kept, not refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

from sayso.states import State


class Model(BaseModel):
    """Frozen, and tolerant of what a newer server adds."""

    # Schemas are built at first use: an import should not pay for them.
    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)


class Decision(Model):
    """Who decided what. `by` is a Slack user id, or "policy"; `latency_ms` runs from request to decision."""

    kind: str
    by: str | None = None
    at: datetime | None = None
    note: str | None = None
    edited_params: dict[str, Any] | None = None
    choice: str | None = None
    answer: Any = None
    human_steps: Any = None
    latency_ms: float | None = None


class Undo(Model):
    """A person undid it; `reverted_at` is when this agent reported that it had rolled back."""

    by: str | None = None
    at: datetime | None = None
    note: str | None = None
    reverted_at: datetime | None = None
    reverted_detail: str | None = None


class InfoRequest(Model):
    """A reviewer's question to the agent; `str()` gives its text."""

    text: str
    by: str | None = None
    at: datetime | None = None

    def __str__(self) -> str:
        return self.text


def _worded(value: Any) -> Any:
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, dict) and "text" not in value:
        return {**value, "text": value.get("question") or value.get("note") or ""}
    return value


class Approval(Model):
    """One request for a person's say-so, as it stands. Times are UTC; `params` are as last approved or edited."""

    id: str
    action: str
    params: dict[str, Any] = Field(default_factory=dict)
    state: State
    version: int = 0
    level: str | None = None
    route: str | None = None
    why: tuple[str, ...] = ()
    digest: str | None = None
    policy_version: str | None = None
    assignee: str | None = None
    due_at: datetime | None = None
    expires_at: datetime | None = None
    created_at: datetime | None = None
    decision: Decision | None = None
    info_request: Annotated[InfoRequest | None, BeforeValidator(_worded)] = None
    undo_until: datetime | None = None
    undo: Undo | None = None
    feedback: str | None = None

    @property
    def pending(self) -> bool:
        """Nobody has decided yet (also while a reviewer awaits information)."""
        return self.state.pending

    @property
    def approved(self) -> bool:
        """May be claimed now."""
        return self.state.approved

    @property
    def final(self) -> bool:
        """Nothing more will happen to it."""
        return self.state.final


class Grant(Model):
    """The single-use permission to execute exactly `params`, until `claim_expires_at`.

    `idempotency_key` is the same for every run of this approval: hand it to the API that does the work. `choice` is
    the id of the candidate that a person picked, `answer` what a person answered.
    """

    params: dict[str, Any]
    digest: str | None = None
    note: str | None = None
    edited: Annotated[bool, BeforeValidator(bool)] = False
    claim_expires_at: datetime | None = None
    idempotency_key: str
    choice: str | None = None
    answer: Any = None
    approval: Approval

    _detail: list[str] = PrivateAttr(default_factory=list)
    _reported: list[Approval] = PrivateAttr(default_factory=list)

    @property
    def detail(self) -> str:
        """What will be, or was, reported with the result."""
        return "\n".join(self._detail)

    @property
    def reported(self) -> bool:
        """Whether the server has recorded the result; if not, `resume()` reports it later."""
        return bool(self._reported)

    @property
    def undo(self) -> Undo | None:
        """Who undid it while it ran, known once its result is reported: then roll it back, and `label` it reverted."""
        return self._reported[-1].undo if self._reported else None

    def report(self, detail: str) -> None:
        """Add a line to the result, for example the downstream system's receipt number."""
        self._detail.append(detail)

    def _mark_reported(self, approval: Approval) -> None:
        self._reported.append(approval)


class Route(Model):
    """Where a request would go, and why: the answer of a dry run."""

    route: str
    level: str | None = None
    why: tuple[str, ...] = ()


class Session(Model):
    """An agent session as people have set it.

    `taken_over_by` is who does one of its requests by hand: until it is handed back, nothing of it can be claimed.
    """

    id: str
    state: Literal["running", "paused", "cancelled"]
    by: str | None = None
    at: datetime | None = None
    taken_over_by: str | None = None


class Checkpoint(Model):
    """The shape that a resumable workflow needs (docs/rules.md: B5); a missing field is refused. Any other JSON is welcome too."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    workflow_id: str
    step_index: int
    completed_steps: list[str]
    pending_action: str
    context: dict[str, Any]


class Pending(Model):
    """Something this state directory asked for and has not finished, found by `resume()`.

    `claimed`: a grant was asked for. `started`: the action began, and nobody said how it ended; look it up at the
    downstream system by `idempotency_key` (the grant's) before anything else.
    """

    approval: Approval
    checkpoint: Any = None
    session_id: str | None = None
    asked_at: datetime
    claimed: bool = False
    started: bool = False
    idempotency_key: str


def execution_key(approval: Approval) -> str:
    """The idempotency key of an approval's one execution, where the server named none: stable across processes."""
    return f"sayso-{approval.id}" + (f"-{approval.digest[:16]}" if approval.digest else "")
