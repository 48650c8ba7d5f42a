"""`POST /v1/hooks/{host}`: the HTTP hook of Claude Code, and what `sayso hook` sends for hosts that only start commands.
`POST /v1/tool-calls`: the approval of a tool call for what claims it where the tool runs, such as `sayso mcp-gate`.

A gated call never gets an answer that a host could take for silence: every answer to a PreToolUse carries a
`permissionDecision`, also where the body cannot be read, the token is wrong or something of ours breaks.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from bot.api.answers import ToolCallJson
from bot.api.long_polls import waited_for
from bot.api.openapi import body_of, problems
from bot.api.routes import heard_of, met
from bot.api.serializers import approval_json
from bot.server.runtime import Runtime
from bot.service import hosting
from bot.service.execute import Grant
from bot.service.hosting import Asked, Refusal, ToolCall
from policies.approval import Approval
from policies.errors import InvalidInput, LimitReached, SaysoError, TooLarge, Unauthorised
from policies.files.hooks_section import MAX_WAIT
from policies.strict_json import check_value
from store.agents import token_hash

log = logging.getLogger("sayso.hooks")
MAX_BYTES = 3_000_000  # what a tool answered comes along after it ran
MAX_DETAIL = 600
PRE, ASKS, POST, FAILED = "PreToolUse", "PermissionRequest", "PostToolUse", "PostToolUseFailure"
Host = Literal["claude-code", "codex", "gemini"]
router = APIRouter(prefix="/v1")


@dataclass(frozen=True, slots=True)
class Event:
    """What a host tells."""

    name: str
    call: ToolCall
    response: Any = None


class HookBody(BaseModel):
    """An event as Claude Code sends it; further keys are ignored."""

    hook_event_name: Literal["PreToolUse", "PermissionRequest", "PostToolUse", "PostToolUseFailure"]
    session_id: str
    tool_name: str
    tool_input: dict[str, Any]
    tool_use_id: str | None = None
    cwd: str | None = None
    transcript_path: str | None = None
    project_dir: str | None = None
    tool_response: Any = None


class HookAnswer(BaseModel):
    """The verdict: `permissionDecision` for PreToolUse, `decision` for PermissionRequest; a message where nothing is decided."""

    hookSpecificOutput: dict[str, Any] | None = None
    systemMessage: str | None = None


class ToolCallBody(BaseModel):
    """A tool call: `tool` as the manifest's hooks section names it, `call` the caller's own id of it."""

    session_id: str
    tool: str
    arguments: dict[str, Any]
    call: str | None = None
    cwd: str | None = None


@router.post(
    "/tool-calls", response_model=ToolCallJson, responses=problems(400, 413, 422), openapi_extra=body_of(ToolCallBody)
)
async def tool_call(request: Request) -> Response:
    """Find or make the approval of a tool call, as the manifest maps it; claim it where the tool runs.

    The same call finds its own approval until that one has ended. Where a rule refuses the call there is none, and
    `refusal` says why.
    """
    facts = _facts(await _raw(request))
    unknown = sorted(facts.keys() - ToolCallBody.model_fields.keys())
    if unknown:
        raise InvalidInput("unknown field", field=unknown[0][:80])
    asked = await _begun(request, _hashed(request), _call(facts, "tool", "arguments", "call"))
    if isinstance(asked, Refusal):
        return JSONResponse({"approval": None, "refusal": asked.reason})
    return JSONResponse({"approval": approval_json(asked.approval), "refusal": None})


@router.post("/hooks/{host}", response_model=HookAnswer, responses=problems(503), openapi_extra=body_of(HookBody))
async def hook(request: Request, host: Host) -> Response:
    """One event of a host: PreToolUse and PermissionRequest are answered once it is decided, PostToolUse reports."""
    name = PRE
    try:
        raw = await _raw(request)
        name = _name(raw)
        event = _event(raw)
        if name in (POST, FAILED):
            return await _report(request, event)
        return await _decide(request, event, host)
    except ClientDisconnect:
        return Response(status_code=499)  # nobody reads it
    except SaysoError as error:
        return _answer(name, "deny", _told(error))
    except Exception:
        log.exception("a hook could not be answered")
        return _answer(
            name, "deny", "Sayso cannot answer now, and its log says why. This call was not run; try again in a minute."
        )


def _told(error: SaysoError) -> str:
    if isinstance(error, Unauthorised):
        return "Sayso does not know this agent's token, so nothing may run. Set SAYSO_TOKEN; `sayso hook doctor` says what is wrong."
    named = f"{error.field}: " if error.field else ""
    later = f" Try again in {error.retry_after} s." if isinstance(error, LimitReached) else ""
    return f"Sayso cannot let this call run: {named}{error}.{later} It was not run."


# -- reading


async def _raw(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise TooLarge(f"the body is larger than {MAX_BYTES} bytes", field="body")
    return bytes(body)


def _name(raw: bytes) -> str:
    """Which event it is, as far as that can be told; a PreToolUse where it cannot, because that one is a gate."""
    try:
        name = json.loads(raw).get("hook_event_name")
    except (ValueError, AttributeError, RecursionError):
        return PRE
    return name if name in (ASKS, POST, FAILED) else PRE


def _facts(raw: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(raw, object_pairs_hook=_unique)
    except RecursionError:
        raise InvalidInput("nested too deep", field="body") from None
    except ValueError as error:
        raise InvalidInput(f"is not JSON that can be read ({error})", field="body") from None
    if not isinstance(facts, dict):
        raise InvalidInput("must be a JSON object", field="body")
    return facts


def _event(raw: bytes) -> Event:
    facts = _facts(raw)
    name = facts.get("hook_event_name")
    if name not in (PRE, ASKS, POST, FAILED):
        raise InvalidInput(f"must be {PRE}, {ASKS} or {POST}", field="hook_event_name")
    call = _call(facts, "tool_name", "tool_input", "tool_use_id")
    return Event(name, call, facts.get("tool_response", facts.get("error")))


def _call(facts: dict[str, Any], tool: str, given: str, number: str) -> ToolCall:
    """The call, under the names that the sender gives its parts."""
    arguments = facts.get(given)
    if not isinstance(arguments, dict):
        raise InvalidInput("must be an object", field=given)
    check_value(arguments)
    return ToolCall(
        session_id=_text(facts, "session_id", needed=True),
        tool=_text(facts, tool, needed=True),
        arguments=arguments,
        call=_text(facts, number),
        cwd=_text(facts, "cwd", most=4000) or None,
        transcript=_text(facts, "transcript_path", most=4000) or None,
        project=_text(facts, "project_dir", most=4000) or None,
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:80]!r} appears twice")
        found[key] = value
    return found


def _text(facts: dict[str, Any], key: str, *, needed: bool = False, most: int = 200) -> str:
    value = facts.get(key)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or not (1 if needed else 0) <= len(value) <= most or not value.isprintable():
        raise InvalidInput(f"must be 1 to {most} printable characters", field=key)
    return value


def _hashed(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorised()
    return token_hash(token.strip())


# -- answering


def _answer(name: str, decision: str, reason: str, updated: dict[str, Any] | None = None) -> Response:
    """The answer as the host reads it; a deny by any name stops the call."""
    if name in (POST, FAILED):
        return JSONResponse({"systemMessage": f"Sayso: {reason}"})
    if name == ASKS:
        verdict: dict[str, Any] = {"behavior": decision}
        verdict |= {"message": reason} if decision == "deny" else {}
        verdict |= {"updatedInput": updated} if updated is not None else {}
        return JSONResponse({"hookSpecificOutput": {"hookEventName": ASKS, "decision": verdict}})
    output = {"hookEventName": PRE, "permissionDecision": decision, "permissionDecisionReason": reason}
    return JSONResponse({"hookSpecificOutput": output | ({"updatedInput": updated} if updated is not None else {})})


async def _decide(request: Request, event: Event, host: Host) -> Response:
    runtime: Runtime = request.app.state.runtime
    hashed = _hashed(request)
    if event.name == ASKS and await runtime.call(hosting.permitted, runtime.world, hashed, event.call):
        return _answer(ASKS, "allow", "")
    asked = await _begun(request, hashed, event.call)
    if isinstance(asked, Refusal):
        return _answer(event.name, "deny", asked.reason)
    section = runtime.world.book.manifest.file.hooks
    assert section is not None, "without it every call is refused"
    defers = request.query_params.get("pending", section.pending) == "defer" and host == "claude-code"
    if (
        asked.approval.pending
        and defers
        and event.name == PRE
        and await runtime.call(hosting.may_defer, runtime.world, asked)
    ):
        return _answer(PRE, "defer", hosting.waiting(asked.approval))
    gone: asyncio.Future[Any] = asyncio.ensure_future(_gone(request))
    try:
        approval = await _decided(runtime, asked, gone, _seconds(request, section.wait_seconds))
        if gone.done():
            # The host is no longer there: its grant stays for the next one that makes this call.
            return Response(status_code=499)
        return await _granted(request, asked, event, approval)
    finally:
        gone.cancel()


async def _begun(request: Request, hashed: str, call: ToolCall) -> Asked | Refusal:
    """The approval of a call."""
    world = request.app.state.runtime.world
    return await met(request, lambda heard: hosting.begin(world, hashed, call, heard))


def _seconds(request: Request, default: int) -> float:
    text = request.query_params.get("wait")
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not 0 <= int(text) <= MAX_WAIT:
        raise InvalidInput(f"must be 0 to {MAX_WAIT} seconds", field="wait")
    return int(text)


async def _gone(request: Request) -> None:
    """Returns once the other side has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _decided(runtime: Runtime, asked: Asked, gone: asyncio.Future[Any], seconds: float) -> Approval:
    """The approval once it no longer waits, the time is over, or nobody is there any more."""
    look = partial(hosting.reload, runtime.world, asked)
    approval = await waited_for(runtime, asked.approval.id, look, _settled, seconds=seconds, gone=gone)
    await asyncio.sleep(0)  # a connection that ended meanwhile is known now
    return approval


def _settled(_first: Approval, now: Approval) -> bool:
    return not now.pending or now.info_request is not None


async def _granted(request: Request, asked: Asked, event: Event, approval: Approval) -> Response:
    runtime: Runtime = request.app.state.runtime
    if approval.pending and approval.info_request is not None:
        reason = await runtime.call(hosting.asked_back, runtime.world, asked, approval)
        return _answer(event.name, "deny", reason)
    if approval.pending:
        return _answer(event.name, "deny", hosting.waiting(approval))
    refusal = hosting.refused(approval)
    if refusal is not None:
        return _answer(event.name, "deny", refusal)
    grant = await heard_of(request, lambda heard: hosting.claim_call(runtime.world, asked, event.call, heard))
    if isinstance(grant, Refusal):
        return _answer(event.name, "deny", grant.reason)
    runtime.metrics.claims.labels("granted").inc()
    return _answer(event.name, "allow", _allowed(grant), _updated(grant, event.call))


def _allowed(grant: Grant) -> str:
    decision = grant.approval.decision
    by = f"by {decision.by}" if decision and decision.by != "policy" else "by policy"
    note = f" Note: {decision.note}" if decision and decision.by != "policy" and decision.note else ""
    changed = " with changed arguments: use what was run, not what you sent" if _edited(grant) else ""
    return f"Approved {by}{changed}.{note}"


def _edited(grant: Grant) -> bool:
    return grant.approval.decision is not None and grant.approval.decision.edited_params is not None


def _updated(grant: Grant, call: ToolCall) -> dict[str, Any] | None:
    """What is to be run instead, where a person changed it."""
    return grant.approval.params if grant.approval.params != dict(call.arguments) else None


async def _report(request: Request, event: Event) -> Response:
    runtime: Runtime = request.app.state.runtime
    failed, detail = _outcome(event)
    work = hosting.report_call
    done = await runtime.call(work, runtime.world, _hashed(request), event.call, failed=failed, detail=detail)
    return JSONResponse({} if done is not None else {"systemMessage": "Sayso has no grant for this call"})


def _outcome(event: Event) -> tuple[bool, str | None]:
    """Whether it failed, and a line about it. What the tool printed stays out: it can hold anything."""
    response = event.response
    if event.name == FAILED:
        return True, str(response)[:MAX_DETAIL] if isinstance(response, str) else "the tool failed"
    if not isinstance(response, dict):
        return False, None
    code = response.get("exit_code", response.get("exitCode", response.get("returnCode")))
    if response.get("interrupted"):
        return True, "interrupted"
    if response.get("is_error") or response.get("isError") or response.get("success") is False:
        return True, "the tool reported an error"
    if isinstance(code, int) and not isinstance(code, bool):
        return code != 0, f"exit code {code}"
    return False, None
