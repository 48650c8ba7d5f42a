"""How approvals, grants and routes leave over HTTP, and how errors do (RFC 9457)."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from http import HTTPStatus

from bot.api.answers import (
    ApprovalJson,
    DecisionJson,
    FieldFault,
    GrantJson,
    LabelledJson,
    Problem,
    RouteJson,
    SessionJson,
    UndoJson,
)
from bot.service.authorization import Unconfirmed
from bot.service.execute import Grant
from policies import errors
from policies.approval import Approval, Decision, Undo, feedback
from policies.digest import rfc3339
from policies.routing import Route
from store.engine import StoreUnavailable
from store.sessions import Session


def _moment(value: datetime | None) -> str | None:
    return rfc3339(value) if value else None


def approval_json(approval: Approval) -> ApprovalJson:
    """The approval object."""
    decision, info = approval.decision, approval.info_request
    return {
        "id": approval.id,
        "action": approval.action,
        "params": approval.params,
        "state": approval.state,
        "version": approval.version,
        "level": approval.level,
        "route": approval.route,
        "why": list(approval.why),
        "digest": approval.digest,
        "policy_version": approval.policy_version,
        "assignee": approval.assignee,
        "also_asked": [seat.user for seat in approval.seats] if approval.pending else [],
        "assigned_why": approval.assigned_why,
        "session_id": approval.request.session_id,
        "delegation": [str(link) for link in approval.chain],
        "due_at": _moment(approval.clock.due_at),
        "expires_at": _moment(approval.clock.expires_at or approval.expires_at),
        "created_at": _moment(approval.created_at),
        "decision": _decision_json(decision) if decision else None,
        "info_request": {"text": info.text, "by": info.by, "at": _moment(info.at)} if info else None,
        "undo_until": _moment(approval.clock.undo_until),
        "undo": _undo_json(approval.undo),
        "feedback": feedback(approval),
    }


def _decision_json(decision: Decision) -> DecisionJson:
    return {
        "kind": decision.kind.value,
        "by": decision.by,
        "at": _moment(decision.at),
        "note": decision.note,
        "edited_params": decision.edited_params,
        "choice": decision.choice,
        "answer": decision.answer,
        "human_steps": decision.human_steps,
        "latency_ms": decision.latency_ms,
    }


def _undo_json(undo: Undo | None) -> UndoJson | None:
    if undo is None:
        return None
    return {
        "by": undo.by,
        "at": _moment(undo.at),
        "note": undo.note,
        "reverted_at": _moment(undo.reverted_at),
        "reverted_detail": undo.reverted_detail,
    }


def grant_json(grant: Grant) -> GrantJson:
    """The single-use grant."""
    approval, decision = grant.approval, grant.approval.decision
    return {
        "id": approval.id,
        "params": approval.params,
        "digest": approval.digest,
        "note": "\n".join(approval.notes) or None,
        "edited": approval.edited,
        "choice": decision.choice if decision else None,
        "answer": decision.answer if decision else None,
        "claim_expires_at": rfc3339(grant.claim_expires_at),
        "idempotency_key": grant.idempotency_key,
    }


def route_json(route: Route) -> RouteJson:
    """What the policy would say."""
    return {
        "route": route.name,
        "level": route.level,
        "why": list(route.cited),
        "role": route.role,
    }


def labelled_json(approval: Approval, label: str) -> LabelledJson:
    """What whoever labels others' work hears of it: not what it was about."""
    return {"id": approval.id, "state": approval.state, "label": label}


def session_json(session: Session, taken_over_by: str | None) -> SessionJson:
    """The session object, with who does one of its requests by hand now (docs/rules.md: C4)."""
    return {
        "id": session.id,
        "state": session.state,
        "by": session.by,
        "at": rfc3339(session.at),
        "taken_over_by": taken_over_by,
    }


def cursor_of(approval: Approval) -> str:
    """Where a list goes on after this approval."""
    return base64.urlsafe_b64encode(f"{rfc3339(approval.created_at)}|{approval.id}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[datetime, str]:
    """The place a cursor names; raises InvalidInput."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
        moment, _, last_id = plain.partition("|")
        found = datetime.fromisoformat(moment)
        if found.tzinfo is None:
            raise ValueError("a cursor names its zone")
        return found.astimezone(UTC), last_id
    except (ValueError, OverflowError, binascii.Error):
        raise errors.InvalidInput("is not the next_cursor of a page", field="cursor") from None


STATUS: tuple[tuple[type[Exception], int], ...] = (
    (errors.Unauthorised, 401),
    (errors.NotFound, 404),
    (errors.TooLarge, 413),
    (errors.MalformedJson, 400),
    (errors.KeyReused, 422),
    (errors.NobodyCanDecide, 422),
    (errors.InvalidInput, 422),
    (errors.LimitReached, 429),
    (errors.TooLate, 410),
    (errors.Stopped, 423),
    (errors.WrongNonce, 409),
    (errors.NotClaimable, 409),
    (errors.NotHeld, 409),
    (errors.UndoneMeanwhile, 409),
    (errors.Tampered, 409),
    (errors.OutcomeConflict, 409),
    (errors.NeverRan, 409),
    (errors.Settled, 409),
    (errors.Refused, 403),
    (errors.NotReady, 503),
    (Unconfirmed, 503),
    (StoreUnavailable, 503),
)

TITLES = {
    400: "Bad request",
    401: "Unauthorised",
    403: "Refused",
    404: "Not found",
    409: "Conflict",
    410: "Too late",
    413: "Too large",
    422: "Invalid",
    423: "Stopped",
    429: "Too many requests",
    500: "Internal error",
    503: "Unavailable",
}


def status_of(error: errors.SaysoError) -> int:
    """The HTTP status of a domain error; a missing Idempotency-Key is a bad request."""
    if error.field == "Idempotency-Key":
        return 400
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def problem(status: int, detail: str, *, field: str | None = None, state: str | None = None) -> Problem:
    """An RFC 9457 problem."""
    named = f"{field}: {detail}" if field and not detail.startswith(field) else detail
    body: Problem = {
        "type": "about:blank",
        "title": TITLES.get(status) or HTTPStatus(status).phrase.capitalize(),
        "status": status,
        "detail": named,
    }
    if field:
        body["field"] = field
        body["errors"] = [FieldFault(field=field, message=detail)]
    if state is not None:
        body["state"] = state
    return body
