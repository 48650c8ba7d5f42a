"""The agent's HTTP API."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from bot.api import failures, openapi, serializers
from bot.api.answers import ApprovalJson, ApprovalsJson, GrantJson, LabelledJson, RouteJson, SessionJson
from bot.api.long_polls import waited_for
from bot.api.openapi import body_of, problems
from bot.server.runtime import Runtime
from bot.service import beats, delegating, execute, submit
from bot.service.authorization import Unconfirmed
from bot.service.standing import Heard
from bot.service.submit import agent_of
from policies.approval import Approval
from policies.errors import InvalidInput, NotFound, TooLarge, Unauthorised
from policies.lifecycle import State
from policies.principals import UnknownPrincipal
from policies.request import Request as AskBody
from policies.request import read
from policies.routing import Route
from policies.strict_json import MAX_BODY, parse_object
from store import approvals, sessions
from store.agents import Agent, Scope, token_hash
from store.approvals import Undone
from store.unit import Unit

log = logging.getLogger("sayso.api")
MAX_WAIT_SECONDS = 60
PAGE = 50
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
T = TypeVar("T")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ClaimBody(_Body):
    """A claim: the nonce is the agent's, so that a lost answer can be asked for again."""

    nonce: Annotated[str, Field(min_length=8, max_length=200)]


class ResultBody(_Body):
    """What happened."""

    nonce: Annotated[str, Field(min_length=8, max_length=200)]
    outcome: Literal["succeeded", "failed"]
    detail: Annotated[str, Field(max_length=8000)] | None = None


class AnswerBody(_Body):
    """The answer to a reviewer's question."""

    text: Annotated[str, Field(min_length=1, max_length=8000)]


class DelegateBody(_Body):
    """The name of an agent that may act under this approval."""

    agent: Annotated[str, Field(min_length=1, max_length=80)]


class LabelBody(_Body):
    """Later truth about an outcome."""

    label: Literal["correct", "incident", "reverted"]
    detail: Annotated[str, Field(max_length=8000)] | None = None


class SessionBody(_Body):
    """Registers a session, or beats."""

    title: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class EmptyBody(_Body):
    """Nothing."""


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def token_of(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorised("Authorization: Bearer <agent token> is required")
    return token_hash(token.strip())


async def raw_body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY:
        raise TooLarge(f"the body is larger than {MAX_BODY} bytes", field="body")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise TooLarge(f"the body is larger than {MAX_BODY} bytes", field="body")
    return bytes(body)


async def _json(request: Request, schema: type[BaseModel]) -> Any:
    raw = await raw_body(request)
    return read(schema, parse_object(raw or b"{}"))


async def _as_agent(request: Request, work: Callable[[Unit, Agent], Any], *scopes: Scope) -> Any:
    """`work` in a reading unit, for the agent whose token this is; it needs one of the scopes, or else to read."""
    return await runtime_of(request).call(_looking(request, work, *scopes))


def _looking(request: Request, work: Callable[[Unit, Agent], T], *scopes: Scope) -> Callable[[], T]:
    database, hashed, needed = runtime_of(request).world.database, token_of(request), scopes or (Scope.READ,)
    return lambda: database.glance(lambda unit: work(unit, agent_of(unit, hashed, *needed)))


async def _agent(request: Request, *scopes: Scope) -> Agent:
    """The agent whose token this is; it needs one of the scopes, or else to create."""
    agent: Agent = await _as_agent(request, lambda unit, agent: agent, *(scopes or (Scope.CREATE,)))
    return agent


async def met(request: Request, ask: Callable[[Heard], T]) -> T:
    """`ask`, once the roster's people were met, and again where it was for somebody whom Sayso did not know and does now."""
    people = request.app.state.people
    await people.introduced()
    try:
        return await heard_of(request, ask)
    except UnknownPrincipal as unknown:
        if not await people.meet(unknown.name):
            raise
    return await heard_of(request, ask)


async def heard_of(request: Request, ask: Callable[[Heard], T]) -> T:
    """`ask`, once more where Slack has to be asked first about whoever gave a standing approval."""
    runtime = runtime_of(request)
    try:
        return await runtime.call(ask, frozenset())
    except Unconfirmed as unconfirmed:
        await request.app.state.people.confirm(unconfirmed.users)
        return await runtime.call(ask, unconfirmed.users)


# Read as text and judged here, so that a bad one is told like every other bad field.
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", description="1 to 200 printable characters; the same for every retry")
]
OneState = Annotated[str | None, Query(description="only those in this state")]
OneSession = Annotated[str | None, Query(description="only those of this session")]
OnlyUndone = Annotated[
    str | None, Query(description="`true`: what people undid; `open`: what of it is not yet rolled back")
]
Step = Annotated[
    str | None,
    Header(alias="Sayso-Step", description="your name for this step: makes two otherwise identical requests distinct"),
]
Cursor = Annotated[str | None, Query(description="the `next_cursor` of the page before")]
Wait = Annotated[str | None, Query(description=f"seconds to wait for news, 0 to {MAX_WAIT_SECONDS}")]
After = Annotated[str | None, Query(description="a version that was seen: answer once there is a later one")]

router = APIRouter(prefix="/v1")


@router.post(
    "/approvals",
    status_code=201,
    response_model=ApprovalJson,
    responses=problems(400, 413, 422) | {200: {"model": ApprovalJson, "description": "The same request again"}},
    openapi_extra=body_of(AskBody),
)
async def create(request: Request, key: IdempotencyKey = None, step: Step = None) -> Response:
    """Ask. 201 for a new approval, 200 for the one that this Idempotency-Key made before, or that is open and asks the same."""
    runtime, hashed = runtime_of(request), token_of(request)
    body = await raw_body(request)

    def ask(heard: Heard) -> submit.Submitted:
        return submit.submit(runtime.world, hashed, key, body, step, heard=heard)

    made = await met(request, ask)
    if made.created:
        runtime.metrics.created.labels(made.approval.route.value).inc()
    return JSONResponse(serializers.approval_json(made.approval), status_code=201 if made.created else 200)


@router.post("/route", response_model=RouteJson, responses=problems(400, 413, 422), openapi_extra=body_of(AskBody))
async def dry_run(request: Request) -> Response:
    """How this request would route, and why; nothing is stored."""
    runtime, hashed = runtime_of(request), token_of(request)
    body = await raw_body(request)

    def ask(heard: Heard) -> Route:
        return submit.dry_run(runtime.world, hashed, body, heard=heard)

    return JSONResponse(serializers.route_json(await met(request, ask)))


@router.get("/approvals", response_model=ApprovalsJson, responses=problems(422))
async def listing(
    request: Request,
    state: OneState = None,
    session_id: OneSession = None,
    undone: OnlyUndone = None,
    cursor: Cursor = None,
) -> Response:
    """The agent's own approvals, newest first; `cursor` goes on where a page ended.

    `undone=true` lists what people undid, `undone=open` what of it is not yet reported as rolled back.
    """
    state, session_id, undone = state or None, session_id or None, undone or None  # empty is as good as not named
    if state is not None and state not in set(State):
        raise InvalidInput(f"must be one of {', '.join(State)}", field="state")
    if undone is not None and undone not in set(Undone):
        raise InvalidInput("must be true (all) or open (not yet rolled back)", field="undone")
    place = serializers.read_cursor(cursor) if cursor else None

    def work(unit: Unit, agent: Agent) -> list[Approval]:
        undid, most = Undone(undone) if undone else None, PAGE + 1
        return approvals.listed(
            unit, agent_id=agent.id, state=state, session_id=session_id, undone=undid, cursor=place, limit=most
        )

    found = await _as_agent(request, work)
    page = found[:PAGE]
    following = serializers.cursor_of(page[-1]) if len(found) > PAGE else None
    return JSONResponse({"approvals": [serializers.approval_json(one) for one in page], "next_cursor": following})


@router.get("/approvals/{approval_id}", response_model=ApprovalJson, responses=problems(404, 422))
async def get(request: Request, approval_id: str, wait: Wait = None, after: After = None) -> Response:
    """The approval; with `wait` (seconds, at most 60) as soon as it moves on or stops pending.

    With `after` as well, a version that the caller has seen, as soon as there is a later one, whatever the state.
    """
    seconds, known = _wait_seconds(wait), _version(after)
    return JSONResponse(serializers.approval_json(await awaited(request, approval_id, seconds, known)))


async def awaited(request: Request, approval_id: str, seconds: float, known: int | None = None) -> Approval:
    """The approval, once it moves on or stops pending, or after so many seconds; with `known` once there is a later version."""
    runtime = runtime_of(request)
    look = _looking(request, lambda unit, agent: execute.own(unit, agent, approval_id))
    if not seconds:
        return await runtime.call(look)

    def moved_on(first: Approval, now: Approval) -> bool:
        seen = first.version if known is None else known
        return now.version > seen or (known is None and not now.pending)

    return await waited_for(runtime, approval_id, look, moved_on, seconds=seconds)


def _version(text: str | None) -> int | None:
    if text is None or text == "":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidInput("must be a version that was seen", field="after")
    return int(text)


def _wait_seconds(text: str | None) -> float:
    if text is None or text == "":
        return 0.0
    seconds = float(text) if _SECONDS.fullmatch(text) else -1.0
    if not 0 <= seconds <= MAX_WAIT_SECONDS:
        raise InvalidInput(f"must be 0 to {MAX_WAIT_SECONDS} seconds", field="wait")
    return seconds


@router.post(
    "/approvals/{approval_id}/claim",
    response_model=GrantJson,
    responses=problems(400, 404, 409, 410, 413, 422, 423),
    openapi_extra=body_of(ClaimBody),
)
async def claim(request: Request, approval_id: str) -> Response:
    """The single-use grant; the same nonce gets the same grant again."""
    runtime, agent = runtime_of(request), await _agent(request, Scope.CLAIM)
    body: ClaimBody = await _json(request, ClaimBody)

    def take(heard: Heard) -> execute.Grant:
        return execute.claim(runtime.world, agent, approval_id, body.nonce, heard)

    grant = await heard_of(request, take)
    runtime.metrics.claims.labels("granted").inc()
    return JSONResponse(serializers.grant_json(grant))


@router.post(
    "/approvals/{approval_id}/result",
    response_model=ApprovalJson,
    responses=problems(400, 404, 409, 413, 422),
    openapi_extra=body_of(ResultBody),
)
async def result(request: Request, approval_id: str) -> Response:
    """What happened; the same report again changes nothing."""
    runtime, agent = runtime_of(request), await _agent(request, Scope.CLAIM)
    body: ResultBody = await _json(request, ResultBody)
    done = await runtime.call(
        execute.result, runtime.world, agent, approval_id, nonce=body.nonce, outcome=body.outcome, detail=body.detail
    )
    return JSONResponse(serializers.approval_json(done))


@router.post(
    "/approvals/{approval_id}/answer",
    response_model=ApprovalJson,
    responses=problems(400, 404, 409, 413, 422),
    openapi_extra=body_of(AnswerBody),
)
async def answer(request: Request, approval_id: str) -> Response:
    """Answers a reviewer's request for information; the clock goes on."""
    runtime, agent = runtime_of(request), await _agent(request)
    body: AnswerBody = await _json(request, AnswerBody)
    return JSONResponse(
        serializers.approval_json(await runtime.call(execute.answer_info, runtime.world, agent, approval_id, body.text))
    )


@router.post(
    "/approvals/{approval_id}/cancel",
    response_model=ApprovalJson,
    responses=problems(400, 404, 409, 413, 422),
    openapi_extra=body_of(EmptyBody, required=False),
)
async def cancel(request: Request, approval_id: str) -> Response:
    """The agent no longer needs it."""
    runtime, agent = runtime_of(request), await _agent(request)
    await _json(request, EmptyBody)
    return JSONResponse(
        serializers.approval_json(await runtime.call(execute.cancel, runtime.world, agent, approval_id))
    )


@router.post(
    "/approvals/{approval_id}/label",
    response_model=ApprovalJson | LabelledJson,
    responses=problems(400, 404, 409, 413, 422),
    openapi_extra=body_of(LabelBody),
)
async def label(request: Request, approval_id: str) -> Response:
    """Later truth about an outcome. What counts for calibration is said by people, and by tokens of the scope `label`."""
    runtime, agent = runtime_of(request), await _agent(request, Scope.CREATE, Scope.LABEL)
    body: LabelBody = await _json(request, LabelBody)
    done = await runtime.call(execute.label, runtime.world, agent, approval_id, word=body.label, detail=body.detail)
    return JSONResponse(
        serializers.labelled_json(done, body.label) if agent.labels else serializers.approval_json(done)
    )


@router.post(
    "/approvals/{approval_id}/delegate",
    response_model=ApprovalJson,
    responses=problems(400, 404, 409, 413, 422),
    openapi_extra=body_of(DelegateBody),
)
async def delegate(request: Request, approval_id: str) -> Response:
    """Lets another agent act under this approval, while it holds: its requests name it in `delegated_from`."""
    runtime, agent = runtime_of(request), await _agent(request)
    body: DelegateBody = await _json(request, DelegateBody)
    done = await runtime.call(delegating.delegate, runtime.world, agent, approval_id, body.agent)
    return JSONResponse(serializers.approval_json(done))


@router.get("/approvals/{approval_id}/checkpoint", response_model=Any, responses=problems(404))
async def checkpoint(request: Request, approval_id: str) -> Response:
    """The checkpoint saved with the request, exactly as it was sent."""

    def work(unit: Unit, agent: Agent) -> Any:
        found, saved = approvals.checkpoint(unit, approval_id, agent.id)
        if not found:
            raise NotFound()
        return saved

    return JSONResponse(await _as_agent(request, work))


@router.get("/sessions/{session_id:path}", response_model=SessionJson, responses=problems(404))
async def session(request: Request, session_id: str) -> Response:
    """The session as people set it; `taken_over_by` is who does one of its requests by hand, so that it only reads."""

    def work(unit: Unit, agent: Agent) -> SessionJson:
        found = sessions.get(unit, agent.id, session_id)
        if found is None:
            raise NotFound("There is no such session")
        return serializers.session_json(found, approvals.taken_over_by(unit, found.agent_id, found.id))

    return JSONResponse(await _as_agent(request, work))


@router.put(
    "/sessions/{session_id:path}",
    response_model=SessionJson,
    responses=problems(400, 413, 422),
    openapi_extra=body_of(SessionBody, required=False),
)
async def beat(request: Request, session_id: str) -> Response:
    """Registers the session, or beats; a state that a person set stays. A new one counts in the agent's limits."""
    runtime, agent = runtime_of(request), await _agent(request)
    body: SessionBody = await _json(request, SessionBody)
    found, taken_over_by = await runtime.call(beats.beat, runtime.world, agent, session_id, body.title)
    return JSONResponse(serializers.session_json(found, taken_over_by))


def install(app: FastAPI) -> None:
    """Describe the API of an app that has its routes, and tell its errors."""
    openapi.describe(app)
    failures.tell_errors(app)
