"""A host asks before each tool call: the same step finds the same approval, and what was granted is claimed where it runs."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.service import beats, execute, submit
from bot.service.context import World
from bot.service.standing import Heard
from policies.approval import Approval, feedback
from policies.errors import InvalidInput, NotFound, SaysoError, WrongNonce
from policies.hooks.mapping import Mapped, mapped
from policies.hooks.step import step_of
from policies.lifecycle import GRANTED, State
from policies.routing import RouteName
from store import approvals, host_calls, sessions, turns
from store.agents import Agent, Scope
from store.audit import Entry
from store.host_calls import HostCall
from store.unit import Unit

MOST_ATTEMPTS = 20  # of one step found at once: more than ever race


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call as a host tells of it; `call` is the host's own id, which a restarted host may not keep."""

    session_id: str
    tool: str
    arguments: Mapping[str, Any]
    call: str = ""
    cwd: str | None = None
    transcript: str | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The call may not run; `reason` is written for the model."""

    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The approval that stands for the call, to be waited for or claimed."""

    agent: Agent
    approval: Approval
    row: HostCall = field(repr=False)


def begin(world: World, token_hash: str, call: ToolCall, heard: Heard = None) -> Asked | Refusal:
    """Find or make the approval of a tool call. Raises what `submit` raises, and then nothing may run."""
    agent = world.database.glance(lambda unit: _able(unit, token_hash))
    found = _mapped(world, agent, call)
    if found.action is None:
        world.database.run(lambda unit: _note_refused(unit, agent, call, found))
        return Refusal(f"Sayso refuses this call: {found.refusal}. It was not run.")
    step = step_of(call.session_id, call.tool, found.action, call.cwd, call.arguments)
    for _ in range(MOST_ATTEMPTS):
        row, known = world.database.glance(lambda unit: _known(unit, agent, step))
        if row is not None and known is not None and not _over(row, known, call):
            return Asked(agent, known, row)
        attempt = row.attempt + 1 if row else 1
        asked = _ask(
            world, token_hash, agent, call=call, found=found, step=step, attempt=attempt, before=known, heard=heard
        )
        if asked is not None:
            return asked
    raise InvalidInput("the same call is made too often at once", field="tool_input")


def _mapped(world: World, agent: Agent, call: ToolCall) -> Mapped:
    """What the manifest says of the call, where it is made."""
    where = {"cwd": call.cwd, "transcript": call.transcript, "project": call.project}
    return mapped(world.book.manifest, call.tool, call.arguments, agent=agent.name, **where)


def _able(unit: Unit, token_hash: str) -> Agent:
    """The agent; its token must be able to ask and to claim."""
    submit.agent_of(unit, token_hash, Scope.CREATE)
    return submit.agent_of(unit, token_hash, Scope.CLAIM)


def _known(unit: Unit, agent: Agent, step: str) -> tuple[HostCall | None, Approval | None]:
    row = host_calls.latest(unit, agent.id, step)
    return (row, approvals.load(unit, row.approval_id, agent_id=agent.id)) if row else (None, None)


def _over(row: HostCall, approval: Approval, call: ToolCall) -> bool:
    """Whether a new approval is needed: the host came back for this very call otherwise, or for one that is still open."""
    same = bool(call.call) and call.call in (row.made_by, row.claimed_by)
    if same or approval.state in GRANTED or approval.state in (State.PENDING, State.TAKEN_OVER):
        return False
    # What policy let run by itself may run side by side; what a person allowed, once, until it is known what became of it.
    return not (approval.state is State.CLAIMED and approval.route is not RouteName.AUTO)


def _ask(
    world: World,
    token_hash: str,
    agent: Agent,
    *,
    call: ToolCall,
    found: Mapped,
    step: str,
    attempt: int,
    before: Approval | None,
    heard: Heard,
) -> Asked | None:
    """Ask anew; None where the same try was over already, so that the next one is due."""
    body = json.dumps(
        {
            "action": found.action,
            "params": dict(call.arguments),
            "reason": _reason(call),
            "session_id": call.session_id,
        }
    ).encode()
    said = found.said
    if before is not None and before.state in (State.OUTCOME_UNKNOWN, State.CLAIMED):
        said = (*said, "an earlier run of this very call never reported: it may have run")
    made = submit.submit(world, token_hash, f"hook-{step[:48]}-{attempt}", body, step, also=said, heard=heard)
    row = HostCall(made.approval.id, agent.id, call.session_id, step, attempt, call.call)
    world.database.run(lambda unit: host_calls.add(unit, row))
    _register(world, agent, call.session_id)
    return None if not made.created and _over(row, made.approval, call) else Asked(agent, made.approval, row)


def _reason(call: ToolCall) -> str:
    return f"{call.tool} in {call.cwd}" if call.cwd else call.tool


def _register(world: World, agent: Agent, session_id: str) -> None:
    """People can pause and cancel a session that is known."""
    if world.database.glance(lambda unit: sessions.get(unit, agent.id, session_id)) is None:
        beats.beat(world, agent, session_id, None)


def _note_refused(unit: Unit, agent: Agent, call: ToolCall, found: Mapped) -> None:
    unit.record(
        Entry(
            event="refused",
            at=unit.now,
            actor="policy",
            agent=agent.name,
            action=call.tool,
            session_id=call.session_id,
            params=dict(call.arguments),
            rationale=found.refusal,
        )
    )


def reload(world: World, asked: Asked) -> Approval:
    """The approval as it is now."""
    return world.database.glance(lambda unit: execute.own(unit, asked.agent, asked.approval.id))


def may_defer(world: World, asked: Asked) -> bool:
    """Whether the host may be told to come back: of one session's calls only one at a time."""

    def work(unit: Unit) -> bool:
        turns.take(unit, [asked.agent.id])
        return host_calls.defer(unit, asked.row)

    return world.database.run(work)


def claim_call(world: World, asked: Asked, call: ToolCall, heard: Heard = None) -> execute.Grant | Refusal:
    """The grant for this one call of the host. Whoever comes second is refused, whatever id it brings.

    Raises what `claim` raises.
    """
    nonce = f"hook-{secrets.token_urlsafe(24)}"
    try:
        grant = execute.claim(world, asked.agent, asked.approval.id, nonce, heard)
    except WrongNonce:
        return Refusal(MAY_HAVE_RUN)
    world.database.run(lambda unit: host_calls.claimed(unit, asked.approval.id, call.call or nonce, nonce))
    return grant


MAY_HAVE_RUN = (
    "This very call was allowed once already and has not reported what became of it: it may have run, and its outcome is unknown. "
    "It is not run again. Look at what it changed before you go on; a person is told too."
)


def refused(approval: Approval) -> str | None:
    """Why a call whose approval stands like this may not run, for the model; None where it may be claimed or waits."""
    if approval.state in GRANTED and approval.undo is None:
        return None
    match approval.state:
        case State.CLAIMED | State.OUTCOME_UNKNOWN:
            return MAY_HAVE_RUN if approval.undo is None else feedback(approval)
        case State.PENDING:
            return None
        case State.EXPIRED:
            return (
                f"{feedback(approval)} Nobody said no: nobody decided in time. Make the same call again to ask again."
            )
        case _:
            return feedback(approval)


def waiting(approval: Approval) -> str:
    """What the model is told where the host cannot wait any longer."""
    until = f" until {approval.expires_at:%Y-%m-%d %H:%M} UTC" if approval.expires_at else ""
    return (
        f"Nobody has decided yet about this call ({approval.sentence}); it is not refused, and the request stays open{until}. "
        "Make the same call again to go on waiting, or do something else first."
    )


def asked_back(world: World, asked: Asked, approval: Approval) -> str:
    """A reviewer asks something: the model is told, and the clock goes on, because a tool call cannot answer."""
    assert approval.info_request is not None
    question = approval.info_request.text
    told = "The question was passed on to the model, which answers by making its call again with the answer in it."
    with contextlib.suppress(SaysoError):  # decided or withdrawn meanwhile: the next call finds that
        execute.answer_info(world, asked.agent, approval.id, told)
    return (
        f"A reviewer asks before deciding about this call: {question} It is not refused. "
        "Make the call again with the answer in its description."
    )


def report_call(world: World, token_hash: str, call: ToolCall, *, failed: bool, detail: str | None) -> Approval | None:
    """What became of a call that was allowed; None where no grant of it is known."""
    agent = world.database.glance(lambda unit: submit.agent_of(unit, token_hash, Scope.CLAIM))
    row = world.database.glance(lambda unit: _running(unit, agent, call))
    if row is None or row.nonce is None:
        return None
    try:
        return execute.result(
            world, agent, row.approval_id, nonce=row.nonce, outcome="failed" if failed else "succeeded", detail=detail
        )
    except NotFound:
        return None


def _running(unit: Unit, agent: Agent, call: ToolCall) -> HostCall | None:
    """The try that a report is about; where the host gives no ids, one that runs with these very arguments."""
    if call.call:
        return host_calls.with_grant(unit, agent.id, call.session_id, call.call)
    rows = host_calls.nameless(unit, agent.id, call.session_id)
    known = approvals.several(unit, [row.approval_id for row in rows])
    return next((row for row in rows if _is_of(row, known[row.approval_id], call)), None)


def _is_of(row: HostCall, approval: Approval, call: ToolCall) -> bool:
    asked, arguments = approval.request.params, dict(call.arguments)
    step = step_of(call.session_id, call.tool, approval.action, call.cwd, asked)
    return row.step == step and arguments in (asked, approval.params)


def permitted(world: World, token_hash: str, call: ToolCall) -> bool:
    """Whether the host's own question about a call may pass because this hook has just let the call run; once a grant."""
    agent = world.database.glance(lambda unit: submit.agent_of(unit, token_hash, Scope.CLAIM))
    found = _mapped(world, agent, call)
    if found.action is None:
        return False
    step = step_of(call.session_id, call.tool, found.action, call.cwd, call.arguments)

    def work(unit: Unit) -> bool:
        row, approval = _known(unit, agent, step)
        held = row is not None and approval is not None and approval.state is State.CLAIMED
        if row is None or not held or (call.call and row.claimed_by != call.call):
            return False
        return host_calls.permit(unit, row.approval_id)

    return world.database.run(work)
