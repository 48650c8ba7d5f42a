"""`/aap/v1`: an Agent Approval Protocol provider for the adapters of its SDK.

Its objects carry no field that the protocol does not know, and no null; its errors are its own.
"""

from __future__ import annotations

import functools
import logging
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from bot.api import serializers
from bot.api.routes import MAX_WAIT_SECONDS, awaited, heard_of, met, raw_body, runtime_of, token_of
from bot.service import aap
from policies.digest import rfc3339
from policies.errors import InvalidInput, KeyReused, LimitReached, SaysoError, Stopped
from policies.request import read
from policies.strict_json import parse_object

log = logging.getLogger("sayso.aap")
MAX_KEY = 200
NO_INSTANCES = (
    "Agents are added by an operator: `sayso-server agent add NAME` prints the token. Sayso sends no webhooks to receivers: "
    "give Receiver a client with that token, and wake what waits"
)
router = APIRouter(prefix="/aap/v1", include_in_schema=False)
Handler = Callable[..., Awaitable[Response]]
_WAIT = re.compile(r"([0-9]{1,3})s")
_KINDS = {401: "unauthorized", 403: "forbidden", 404: "not_found", 409: "conflict", 429: "rate_limited"}


class OutcomeBody(BaseModel):
    """How the call ended."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    status: Literal["succeeded", "failed"]
    note: Annotated[str, Field(min_length=1, max_length=8000)] | None = None


def _spoken(handler: Handler) -> Handler:
    """Errors in the protocol's form."""

    @functools.wraps(handler)
    async def spoken(*args: Any, **kwargs: Any) -> Response:
        try:
            return await handler(*args, **kwargs)
        except aap.Conflict as conflict:
            return _error(409, conflict.code, f"the request does not allow that: {conflict.code}")
        except ClientDisconnect:
            return Response(status_code=400)
        except SaysoError as error:
            return _refused(error)
        except Exception:
            log.exception("a request of the Agent Approval Protocol could not be answered")
            return _error(500, "internal_error", "Something went wrong here; it was logged")

    return spoken


@router.post("/requests")
@_spoken
async def create_request(request: Request) -> Response:
    """Ask about a tool call."""
    runtime, hashed, key = runtime_of(request), token_of(request), _key(request)
    raw = await raw_body(request)
    seen = await met(request, lambda heard: aap.create(runtime.world, hashed, key, raw=raw, heard=heard))
    if seen.created:
        runtime.metrics.created.labels(seen.approval.route.value).inc()
    return JSONResponse(request_json(seen), 201 if seen.created else 200)


@router.get("/requests/{request_id}")
@_spoken
async def get_request(request: Request, request_id: str, wait: str | None = None) -> Response:
    """The request; with `wait=25s` as soon as it is decided."""
    runtime, hashed, seconds = runtime_of(request), token_of(request), _seconds(wait)
    approval_id = await runtime.call(aap.watched, runtime.world, hashed, request_id)
    if seconds:
        await awaited(request, approval_id, seconds)
    return JSONResponse(request_json(await runtime.call(aap.look, runtime.world, hashed, request_id)))


@router.delete("/requests/{request_id}")
@_spoken
async def cancel_request(request: Request, request_id: str) -> Response:
    """The agent no longer needs it."""
    runtime = runtime_of(request)
    return JSONResponse(
        request_json(await runtime.call(aap.drop_request, runtime.world, token_of(request), request_id))
    )


@router.post("/requests/{request_id}/consume")
@_spoken
async def consume(request: Request, request_id: str) -> Response:
    """Use the approval, once: what follows is the tool's body."""
    runtime, key = runtime_of(request), _key(request)
    hashed = token_of(request)
    seen = await heard_of(request, lambda heard: aap.consume(runtime.world, hashed, request_id, key=key, heard=heard))
    runtime.metrics.claims.labels("granted").inc()
    return JSONResponse(request_json(seen))


@router.post("/requests/{request_id}/outcome")
@_spoken
async def outcome(request: Request, request_id: str) -> Response:
    """How the call ended."""
    runtime, hashed = runtime_of(request), token_of(request)
    body: OutcomeBody = read(OutcomeBody, parse_object(await raw_body(request)))
    seen = await runtime.call(aap.record_outcome, runtime.world, hashed, request_id, status=body.status, note=body.note)
    return JSONResponse(request_json(seen))


@router.post("/instances")
@_spoken
async def provision(request: Request) -> Response:
    """Instances are agents, and an operator adds them: no token makes another, and nobody's webhook is called."""
    runtime, hashed = runtime_of(request), token_of(request)
    await runtime.call(aap.require_agent, runtime.world, hashed)
    return _error(403, "provisioning_not_offered", NO_INSTANCES)


def request_json(seen: aap.Seen) -> dict[str, Any]:
    """A request as the protocol has it; the submission comes back as it was sent."""
    stands = seen.progress
    sent = seen.submission.model_dump(exclude_none=True)
    found = sent | {
        "id": seen.request_id,
        "status": stands.status,
        "created_at": rfc3339(seen.approval.created_at),
        "deadline_at": rfc3339(seen.deadline),
    }
    if stands.decided_at is not None:
        decision = {"status": stands.status, "decided_at": rfc3339(stands.decided_at)}
        decision |= {"note": stands.note} if stands.note else {}
        decision |= {"expires_at": rfc3339(stands.expires_at)} if stands.expires_at else {}
        found["decision"] = decision
    if stands.consumed_at is not None:
        consumption: dict[str, Any] = {"consumed_at": rfc3339(stands.consumed_at)}
        if stands.outcome is not None and stands.reported_at is not None:
            consumption["outcome"] = {"status": stands.outcome, "reported_at": rfc3339(stands.reported_at)}
        found["consumption"] = consumption
    return found


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        raise InvalidInput(f"a header of 1 to {MAX_KEY} printable characters is required", field="Idempotency-Key")
    return key


def _seconds(text: str | None) -> float:
    if text is None:
        return 0.0
    match = _WAIT.fullmatch(text)
    if match is None:
        raise InvalidInput("must be seconds, such as 25s", field="wait")
    return min(float(match[1]), MAX_WAIT_SECONDS)


def _refused(error: SaysoError) -> Response:
    status = serializers.status_of(error)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, LimitReached) else {}
    if isinstance(error, Stopped):  # people hold everything for now: the adapter comes again for a while, then denies
        status, headers = 503, {"Retry-After": "2"}
    if status in (400, 413, 422) and not isinstance(error, KeyReused):
        named = f"{error.field}: {error}" if error.field and not str(error).startswith(error.field) else str(error)
        return _error(400, "invalid_request", named)
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return _error(status, _KINDS.get(status, "unavailable"), str(error), headers)


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    kind = _KINDS.get(status, "invalid_request" if status < 500 else "server_error")
    body = {"type": kind, "code": code, "message": message, "request_id": str(uuid.uuid4())}
    return JSONResponse({"error": body}, status, headers)
