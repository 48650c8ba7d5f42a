"""The shapes of what the agent API answers: typed where they are made, and described at `/openapi.json`."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from policies.levels import Level, RouteName
from policies.lifecycle import State

Moment = Annotated[str, Field(description="RFC 3339, in UTC", json_schema_extra={"format": "date-time"})]
SessionState = Annotated[str, Field(json_schema_extra={"enum": ["running", "paused", "cancelled"]})]
Params = Annotated[dict[str, Any], Field(description="the action's parameters")]


class DecisionJson(TypedDict):
    """What was decided. `by` is a Slack user id, or `policy`; `latency_ms` counts from the request."""

    kind: str
    by: str
    at: Moment | None
    note: str | None
    edited_params: dict[str, Any] | None
    choice: str | None
    answer: str | None
    human_steps: list[str] | None
    latency_ms: int | None


class InfoRequestJson(TypedDict):
    """A reviewer's open question to the agent; the deadline pauses while it is open."""

    text: str
    by: str
    at: Moment | None


class UndoJson(TypedDict):
    """Who undid it, and whether the agent has reported that it rolled back."""

    by: str
    at: Moment | None
    note: str | None
    reverted_at: Moment | None
    reverted_detail: str | None


class ApprovalJson(TypedDict):
    """One approval. `params` are those last approved or edited; `feedback` is ready for the agent's context."""

    id: str
    action: str
    params: Params
    state: State
    version: int
    level: Level | None
    route: RouteName
    why: list[str]
    digest: str
    policy_version: str
    assignee: str | None
    also_asked: list[str]
    assigned_why: str | None
    session_id: str | None
    delegation: list[str]
    due_at: Moment | None
    expires_at: Moment | None
    created_at: Moment | None
    decision: DecisionJson | None
    info_request: InfoRequestJson | None
    undo_until: Moment | None
    undo: UndoJson | None
    feedback: str


class ToolCallJson(TypedDict):
    """The approval that stands for a tool call, or why a rule refuses it, in words for the model."""

    approval: ApprovalJson | None
    refusal: str | None


class ApprovalsJson(TypedDict):
    """A page of the agent's own approvals, newest first; `next_cursor` is null on the last one."""

    approvals: list[ApprovalJson]
    next_cursor: str | None


class GrantJson(TypedDict):
    """The single-use grant: run exactly `params`, and hand `idempotency_key` to the API that does the work."""

    id: str
    params: Params
    digest: str
    note: str | None
    edited: bool
    choice: str | None
    answer: str | None
    claim_expires_at: Moment
    idempotency_key: str


class RouteJson(TypedDict):
    """Where a request would go, with every reason, the deciding one first; `role` is who would be asked."""

    route: RouteName
    level: Level | None
    why: list[str]
    role: str | None


class LabelledJson(TypedDict):
    """What a token of the scope `label` hears of the approval that it labelled."""

    id: str
    state: State
    label: str


class SessionJson(TypedDict):
    """A session as people set it; `taken_over_by` does one of its requests by hand, so that it only reads."""

    id: str
    state: SessionState
    by: str | None
    at: Moment
    taken_over_by: str | None


class FieldFault(TypedDict):
    """One bad field, and what is wrong with it."""

    field: str
    message: str


class Problem(TypedDict):
    """What went wrong, as RFC 9457 has it; `field` names the bad one, `state` where the approval stands."""

    type: str
    title: str
    status: int
    detail: str
    field: NotRequired[str]
    errors: NotRequired[list[FieldFault]]
    state: NotRequired[str]
