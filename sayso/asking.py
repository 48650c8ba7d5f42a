"""Asking and waiting: the flows up to a person's decision."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, TypeAlias, TypedDict

from sayso import serializers
from sayso.effects import Core, Flow, Invoke, Ran, Request, Run, Sleep, T
from sayso.errors import (
    Conflict,
    InformationRequested,
    NotFound,
    RateLimited,
    ServerError,
    StillPending,
    UnexpectedAnswer,
    Unreachable,
)
from sayso.exchange import exchange
from sayso.journal import Entry
from sayso.models import Approval, InfoRequest, Route
from sayso.plain import fingerprint, plain

POLL_SECONDS = 25.0
OnInfoRequest: TypeAlias = Callable[[Approval], Any]


class Choice(TypedDict, total=False):
    """One candidate of a `choose` request; ids are unique."""

    id: str
    label: str
    detail: str


class Evidence(TypedDict, total=False):
    """What the confidence rests on (docs/rules.md: A6); `self_consistency` is 0..1."""

    retrieval_hits: int
    tool_errored: bool
    self_consistency: float
    schema_ok: bool


class Details(TypedDict, total=False):
    """Everything else a request may carry; docs/client.md names the meanings. Confidence and risk are 0..1."""

    question: str
    choices: list[Choice] | list[dict[str, str]]
    risks: list[str]
    alternatives: list[str]
    expected_outcome: str
    completed_steps: list[str]
    session_id: str
    evidence: Evidence
    confidence: float
    confidence_basis: str
    uncertainty_factors: list[str]
    recommended_review: bool
    risk_score: float
    urgency: Literal["low", "normal", "high"]
    on_behalf_of: str
    delegated_from: str
    callback_url: str


def compose(
    action: str, params: Mapping[str, Any], reason: str, *, kind: str, checkpoint: Any, details: Mapping[str, Any]
) -> dict[str, Any]:
    """The request body. Raises TypeError for an unknown field, NotRestorable for what JSON cannot give back."""
    unknown = sorted(details.keys() - Details.__annotations__.keys())
    if unknown:
        raise TypeError(f"ask() got an unknown field: {unknown[0]}")
    body: dict[str, Any] = {"action": action, "params": plain(dict(params), "params")}
    extra = {"reason": reason or None, "kind": None if kind == "confirm" else kind, "checkpoint": checkpoint, **details}
    return body | {name: plain(value, name) for name, value in extra.items() if value is not None}


def key_for(body: Mapping[str, Any], step: str | int | None, explicit: str | None) -> str:
    """The idempotency key: the caller's own; derived where a session or step makes it stable; else random."""
    if explicit is not None:
        return explicit
    session_id = body.get("session_id")
    if session_id is None and step is None:
        return f"sayso-{secrets.token_hex(32)}"
    seed = {"session_id": session_id, "step": step, "action": body["action"], "params": body["params"]}
    return f"sayso-{fingerprint(seed)}"


def plain_step(step: str | int) -> str:
    """A step as a header carries it: printable ASCII of at most 200 characters, a digest of what is not."""
    text = str(step)
    return (
        text
        if text.isascii() and text.isprintable() and 0 < len(text.strip()) == len(text) <= 200
        else fingerprint(text)
    )


def ask(core: Core, body: dict[str, Any], key: str, step: str | int | None = None) -> Flow[Approval]:
    """Ask once per key, however often it is called; the key is on disk before the server hears of it (docs/rules.md: B1)."""
    entry = yield Run(partial(core.journal.intend, _entry(core, body, key, step)))
    approval = yield from submit(core, entry, body)
    _telling(core, approval)
    return approval


def ask_tool(
    core: Core, tool: str, arguments: Mapping[str, Any], *, session_id: str, call: str, cwd: str | None
) -> Flow[Approval]:
    """The approval of a tool call, found or made: the server knows which call is which action, and which is the same."""
    body = {"session_id": session_id, "tool": tool, "arguments": plain(dict(arguments), "arguments"), "call": call}
    body |= {"cwd": cwd} if cwd else {}
    return serializers.read_tool_call((yield from exchange(core, serializers.tool_call_request(body))))


def submit(core: Core, entry: Entry, body: dict[str, Any]) -> Flow[Approval]:
    """The approval behind a journal entry: looked up where its id is known, else posted."""
    same = entry.fingerprint == _print_of(body)
    if entry.approval_id is not None and same:
        reply = yield from exchange(core, serializers.fetch_request(entry.approval_id))
        if reply.status != 404:
            return serializers.read_approval(reply)
    reply = yield from exchange(
        core, serializers.create_request(entry.body if same and entry.body else body, entry.key, entry.step)
    )
    if 400 <= reply.status < 500 and not reply.doubtful:
        yield Run(partial(core.journal.discard, entry))
    approval = serializers.read_approval(reply)
    if approval.action != body["action"]:
        raise UnexpectedAnswer(f"asked about {body['action']}, and the server answered about {approval.action}")
    yield Run(partial(core.journal.learn, entry, approval.id))
    return approval


def fetch(core: Core, approval_id: str) -> Flow[Approval]:
    """The approval as it stands now."""
    return serializers.read_approval((yield from exchange(core, serializers.fetch_request(approval_id))))


def wait(
    core: Core, approval_id: str, timeout: float | None, on_info: OnInfoRequest | None, through_takeover: bool = False
) -> Flow[Approval]:
    """Long-poll until it is decided. Raises StillPending, or InformationRequested where nobody handles that."""
    end = math.inf if timeout is None else core.now() + timeout
    told: list[InfoRequest] = []
    last: Approval | None = None
    hold, quiet = 0.0, 0
    while True:
        began = core.now()
        approval = yield from _look(core, approval_id, hold, end, last)
        if _decided(approval, through_takeover):
            _telling(core, approval)
            return approval
        yield from _inform(core, approval, on_info, told)
        if core.now() >= end:
            raise StillPending(approval)
        idle = last is not None and last.version == approval.version and core.now() - began < 0.2
        quiet = quiet + 1 if idle else 0
        if quiet:  # the server did not hold the line: it must not be hammered
            yield Sleep(min(5.0, 0.125 * 2 ** min(quiet, 6), max(0.0, end - core.now())))
        hold = max(0.0, min(POLL_SECONDS, end - core.now())) if approval.pending else 0.0
        last = approval


def answer(core: Core, approval_id: str, text: str) -> Flow[Approval]:
    """Answer a reviewer's question; the clock goes on (docs/rules.md: C1)."""
    return (
        yield from _act(
            core, approval_id, serializers.answer_request(approval_id, text), lambda now: now.info_request is None
        )
    )


def cancel(core: Core, approval_id: str) -> Flow[Approval]:
    """Withdraw what is no longer needed."""
    approval = yield from _act(
        core, approval_id, serializers.cancel_request(approval_id), lambda now: now.state == "cancelled"
    )
    yield from retire_if_final(core, approval)
    return approval


def delegate(core: Core, approval_id: str, agent: str) -> Flow[Approval]:
    """Let another agent act under an approval; saying it again changes nothing, so a lost answer is asked for again."""
    return (yield from _act(core, approval_id, serializers.delegate_request(approval_id, agent), lambda now: False))


def label(core: Core, approval_id: str, name: str, detail: str) -> Flow[Approval]:
    """Say what turned out to be true, for calibration (docs/rules.md: F2)."""
    return (yield from _act(core, approval_id, serializers.label_request(approval_id, name, detail), lambda now: False))


def checkpoint_of(core: Core, approval_id: str) -> Flow[Any]:
    """The checkpoint saved with the request; None where there was none."""
    return serializers.read_checkpoint(
        (yield from exchange(core, serializers.checkpoint_request(approval_id))), approval_id
    )


def route(core: Core, body: dict[str, Any]) -> Flow[Route]:
    """Where such a request would go; nothing is stored."""
    return serializers.read_route((yield from exchange(core, serializers.dry_run_request(body))))


def page(
    core: Core, state: str | None, session_id: str | None, cursor: str | None, undone: str | None = None
) -> Flow[tuple[tuple[Approval, ...], str | None]]:
    """One page of the agent's own approvals, and the next page's cursor."""
    return serializers.read_page(
        (yield from exchange(core, serializers.listing_request(state, session_id, cursor, undone)))
    )


def retire_if_final(core: Core, approval: Approval) -> Flow[None]:
    """Close the journal's file on what will never change again and was never claimed here."""
    if approval.final:
        yield Run(partial(core.journal.retire, core.url, approval.id))


def settled_first(core: Core, flow: Flow[T]) -> Flow[T]:
    """`flow`, after closing the files on final answers that earlier calls gave: their caller came back, so it has them.

    A process that dies before it comes back is told again by `resume()`.
    """
    yield from settle_told(core)
    return (yield from flow)


def settle_told(core: Core) -> Flow[None]:
    """Close the journal's files on what the caller has been told."""
    while core.told:
        yield Run(partial(core.journal.retire, core.url, core.told.pop()))


def _telling(core: Core, approval: Approval) -> None:
    if approval.final:
        core.told.add(approval.id)


def id_of(approval: Approval | str) -> str:
    """The id behind either."""
    return approval if isinstance(approval, str) else approval.id


def _entry(core: Core, body: dict[str, Any], key: str, step: str | int | None) -> Entry:
    return Entry(
        url=core.url,
        key=key,
        fingerprint=_print_of(body),
        action=body["action"],
        asked_at=datetime.now(UTC),
        session_id=body.get("session_id"),
        step=None if step is None else plain_step(step),
        has_checkpoint="checkpoint" in body,
        body=body,
    )


def _print_of(body: Mapping[str, Any]) -> str:
    return fingerprint([body["action"], body["params"]])


def _look(core: Core, approval_id: str, hold: float, end: float, last: Approval | None) -> Flow[Approval]:
    left = max(core.timeout if last is None else 0.0, end - core.now())
    try:
        return serializers.read_approval(
            (yield from exchange(core, serializers.fetch_request(approval_id, hold), left))
        )
    except (Unreachable, ServerError, RateLimited):
        if last is None:
            raise
        raise StillPending(last) from None


def _decided(approval: Approval, through_takeover: bool) -> bool:
    return not approval.pending and not (through_takeover and approval.state == "taken_over")


def _inform(core: Core, approval: Approval, on_info: OnInfoRequest | None, told: list[InfoRequest]) -> Flow[None]:
    question = approval.info_request
    if not approval.pending or question is None or question in told:
        return
    if on_info is None:
        raise InformationRequested(approval)
    told.append(question)
    ran: Ran = yield Invoke(partial(on_info, approval))
    text = ran.unwrap()
    if text is not None:
        yield from answer(core, approval.id, str(text))


def _act(core: Core, approval_id: str, request: Request, applied: Callable[[Approval], bool]) -> Flow[Approval]:
    """Send a change. Where its first answer was lost, a 409 may only mean that it is done already: look."""
    reply = yield from exchange(core, request)
    try:
        approval = serializers.maybe_approval(reply)
    except (Conflict, NotFound):
        approval = (yield from fetch(core, approval_id)) if reply.doubtful else None
        if approval is None or not applied(approval):
            raise
    return approval if approval is not None else (yield from fetch(core, approval_id))
