"""One tool call of an agent's host, from the model's wish to the tool's body: what every adapter shares.

The flow fails closed: whatever goes wrong before the grant is held means that the body does not run, and the model is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from sayso import asking, executing
from sayso.aio import AsyncSayso
from sayso.client import Sayso
from sayso.drive import run, run_beside
from sayso.effects import Core, Flow, Invoke, Ran, Run, Sleep, T
from sayso.errors import (
    AlreadyExecuted,
    Conflict,
    Gone,
    InformationRequested,
    MayHaveRun,
    NotApproved,
    ProblemError,
    SaysoError,
    StillPending,
    Stopped,
)
from sayso.journal import Entry
from sayso.models import Approval, Grant

STOPPED_POLL_SECONDS = (0.25, 5.0)
REPORTED_CHARACTERS = 500
Client: TypeAlias = Sayso | AsyncSayso
Work: TypeAlias = Callable[[Grant], Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the model wants. `id` is the host's own for this call and the same on a replay; `said` is what the model wrote with it."""

    tool: str
    arguments: Mapping[str, Any]
    id: str
    session_id: str | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """How calls are asked about. A tool that is neither in `actions` nor in `free` asks under its own name: the manifest decides."""

    actions: Mapping[str, str]
    free: frozenset[str]
    suspend: bool
    timeout: float | None
    on_info_request: asking.OnInfoRequest | None
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        actions: Mapping[str, str] | None,
        free: Iterable[str],
        suspend: bool,
        timeout: float | None,
        on_info_request: asking.OnInfoRequest | None,
        details: Mapping[str, Any],
    ) -> Rules:
        """Checked when the adapter is made, not at the first call. Raises TypeError."""
        if isinstance(free, str):
            raise TypeError("free= takes the names of tools, as a list")
        unknown = sorted(details.keys() - {"reason", "checkpoint", *asking.Details.__annotations__})
        if unknown:
            raise TypeError(f"unknown field of a request: {unknown[0]}")
        return cls(dict(actions or {}), frozenset(free), suspend, timeout, on_info_request, dict(details))


class ToolFailed(Exception):
    """The tool failed, and the host has made a message of that: reported as failed, and given to the model as `value`."""

    def __init__(self, value: Any, words: str) -> None:
        super().__init__(words)
        self.value = value


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call: it still waits, it did not run (`refused` says why, for the model), or it ran."""

    waiting: Approval | None = None
    refused: str | None = None
    ran: Ran = field(default_factory=Ran)
    note: str = ""

    @property
    def value(self) -> Any:
        """What the tool gave, or raise what it raised."""
        return self.ran.error.value if isinstance(self.ran.error, ToolFailed) else self.ran.unwrap()

    def noted(self, text: str) -> str:
        """A tool's text with the note on a reviewer's edit behind it."""
        return f"{text}\n\n{self.note}" if self.note else text


def perform(client: Client, flow: Flow[T]) -> T:
    """Run a flow in this thread. Raises TypeError for a client that only asyncio can use."""
    if isinstance(client, AsyncSayso):
        raise TypeError("this agent runs without asyncio: give the adapter a Sayso, not an AsyncSayso")
    return run(asking.settled_first(client._core, flow), client._port)


async def perform_async(client: Client, flow: Flow[T]) -> T:
    """Run a flow on the event loop; a plain client's requests go to threads."""
    if isinstance(client, AsyncSayso):
        return await client._run(flow)
    return await run_beside(asking.settled_first(client._core, flow), client._port)


def governed(core: Core, rules: Rules, call: ToolCall, work: Work) -> Flow[Outcome]:
    """Ask, wait, claim, run `work` with the grant, report. Raises nothing of Sayso's own: the model is told instead."""
    try:
        grant = yield from _granted(core, rules, call)
    except _StillWaiting as held:
        return Outcome(waiting=held.approval)
    except SaysoError as error:
        return Outcome(refused=_told(call, error))
    ran: Ran = yield Invoke(partial(work, grant))
    if ran.error is None:
        grant.report(brief(ran.value))
    yield from executing.finish(core, grant, ran.error)
    return Outcome(ran=ran, note=_note(call, grant))


def still_waits(core: Core, rules: Rules, call: ToolCall) -> Flow[Approval | None]:
    """Ask, and give the approval while nobody has decided; None once there is an answer, or where asking failed.

    For hosts that decide before the tool's body whether to pause: the body asks again and says what is wrong.
    """
    try:
        approval = yield from _ask(core, rules, call)
        yield from _question(core, rules, approval)
    except SaysoError:
        return None
    return approval if approval.pending else None


class _StillWaiting(Exception):
    def __init__(self, approval: Approval) -> None:
        super().__init__(approval.id)
        self.approval = approval


class _Ended(SaysoError):
    """This call has run, and this state directory knows how it ended."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(f"it {entry.outcome}" + (f", and this was reported: {entry.detail}" if entry.detail else ""))


class _Withdrawn(SaysoError):
    """Nobody decided in the time that the agent has."""


def _granted(core: Core, rules: Rules, call: ToolCall) -> Flow[Grant]:
    approval = yield from _ask(core, rules, call)
    if approval.pending:
        approval = yield from _decided(core, rules, approval)
    pause = STOPPED_POLL_SECONDS[0]
    while True:
        try:
            return (yield from executing.begin(core, approval, again=False))
        except Stopped:  # people hold everything, or this session: it is claimed once they let it go on, or expires
            if rules.suspend:
                raise _StillWaiting(approval) from None
            yield Sleep(pause)
            pause = min(STOPPED_POLL_SECONDS[1], pause * 1.6)


def _ask(core: Core, rules: Rules, call: ToolCall) -> Flow[Approval]:
    given = {name: value(call) if callable(value) else value for name, value in rules.details.items()}
    reason, checkpoint = given.pop("reason", call.said), given.pop("checkpoint", None)
    if call.session_id is not None:
        given.setdefault("session_id", call.session_id)
    action = rules.actions.get(call.tool, call.tool)
    body = asking.compose(
        action, call.arguments, str(reason or "")[:2000], kind="confirm", checkpoint=checkpoint, details=given
    )
    step = call.id if call.session_id is None else f"{call.session_id}/{call.id}"
    key = asking.key_for(body, step, None)
    entry: Entry | None = yield Run(partial(core.journal.known, core.url, key))
    if entry is not None and entry.outcome is not None:
        raise _Ended(entry)
    if entry is not None and entry.started:
        raise MayHaveRun(call.tool)
    return (yield from asking.ask(core, body, key, step))


def _decided(core: Core, rules: Rules, approval: Approval) -> Flow[Approval]:
    """The approval once somebody has decided, or where the agent pauses meanwhile: raises _StillWaiting."""
    if rules.suspend:
        yield from _question(core, rules, approval)
        raise _StillWaiting(approval)
    try:
        return (yield from asking.wait(core, approval.id, rules.timeout, rules.on_info_request, True))
    except InformationRequested:
        yield from asking.cancel(core, approval.id)
        raise
    except StillPending:
        yield from asking.cancel(core, approval.id)
        raise _Withdrawn(
            f"nobody decided within {rules.timeout:g} seconds, and the request was withdrawn. That is not a no"
        ) from None


def _question(core: Core, rules: Rules, approval: Approval) -> Flow[None]:
    """Answer a reviewer's question, or withdraw and raise InformationRequested: the clock stands still until it is answered."""
    if not approval.pending or approval.info_request is None:
        return
    if rules.on_info_request is None:
        yield from asking.cancel(core, approval.id)
        raise InformationRequested(approval)
    ran: Ran = yield Invoke(partial(rules.on_info_request, approval))
    text = ran.unwrap()
    if text is not None:
        yield from asking.answer(core, approval.id, str(text))


def _told(call: ToolCall, error: SaysoError) -> str:
    """Why a call did not run, for the model."""
    match error:
        case NotApproved():
            return error.feedback
        case _Ended() | AlreadyExecuted():
            return f"{call.tool} was not run again: this very call has run before; {error}."
        case MayHaveRun():
            return _unknown(call)
        case Conflict() if error.state == "claimed":
            return _unknown(call)
        case InformationRequested():
            return (
                f"{call.tool} was not run. A reviewer asks: {error.question} The request was withdrawn; if it is still "
                "needed, answer in what you write and call the tool again."
            )
        case Gone():
            return f"{call.tool} was not run: its approval was not used in time."
        case _Withdrawn():
            return f"{call.tool} was not run: {error}."
        case ProblemError():
            return f"{call.tool} was not run: Sayso refused the request ({error})."
    return f"{call.tool} was not run: it could not be asked about ({error}). Nothing was done; try again later."


def _unknown(call: ToolCall) -> str:
    return (
        f"The outcome of {call.tool} is unknown: this very call was started before, and nobody has reported how it "
        "ended. It was not run again. Find out whether it took effect before you do anything else about it."
    )


def _note(call: ToolCall, grant: Grant) -> str:
    """What the model has to know of an edit: it ran with other arguments than the model's."""
    if not grant.edited and grant.params == dict(call.arguments):
        return ""
    shown = json.dumps(grant.params, ensure_ascii=False)
    return f"A reviewer changed the arguments; it ran with {shown}." + (
        f" They wrote: {grant.note}" if grant.note else ""
    )


def brief(value: Any) -> str:
    """A tool's result as a line of the report."""
    text = value if isinstance(value, str) else getattr(value, "content", value)
    text = text if isinstance(text, str) else repr(text)
    return text if len(text) <= REPORTED_CHARACTERS else f"{text[:REPORTED_CHARACTERS]}…"
