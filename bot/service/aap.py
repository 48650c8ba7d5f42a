"""The Agent Approval Protocol over Sayso's own use cases: a submission is an approval, consuming it is the claim."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from bot.service import execute, submit
from bot.service.context import World
from bot.service.standing import Heard
from bot.service.withdrawing import withdraw
from policies.aap import (
    Progress,
    Submission,
    approval_id_of,
    changed_by_people,
    deadline_of,
    progress,
    read_submission,
    saved_submission,
    uuid_of,
)
from policies.approval import Approval
from policies.digest import fingerprint
from policies.errors import (
    KeyReused,
    NotClaimable,
    NotFound,
    OutcomeConflict,
    SaysoError,
    Settled,
    TooLate,
    WrongNonce,
)
from policies.strict_json import parse_object
from store import approvals, host_calls
from store.agents import Agent, Scope
from store.host_calls import HostCall
from store.unit import Unit

TOO_LATE = "The agent waited as long as it said it would."
NO_EDITS = "This agent's protocol cannot run edited arguments. It was told what you wrote, and may ask again with them."


class Conflict(Exception):
    """What was asked for does not fit how the request stands; `code` is the protocol's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it stands now."""

    approval: Approval
    submission: Submission
    now: datetime = field(repr=False)
    created: bool = False

    @property
    def request_id(self) -> str:
        """The protocol's name for it."""
        return uuid_of(self.approval.id)

    @property
    def deadline(self) -> datetime:
        """When the agent stops waiting."""
        return deadline_of(self.approval, self.submission)

    @property
    def progress(self) -> Progress:
        """How it stands, in the protocol's words."""
        return progress(self.approval, self.deadline, self.now)


def create(world: World, token_hash: str, key: str | None, *, raw: bytes, heard: Heard = None) -> Seen:
    """Ask, or find what the same key asked before. Raises what `submit` raises, and Conflict for a key used otherwise."""
    _agent(world, token_hash, Scope.CREATE)  # who may not ask is told that, whatever they sent
    submission = read_submission(parse_object(raw))
    body = json.dumps(submission.body).encode()
    try:
        made = submit.submit(world, token_hash, key, body, key, heard=heard)
    except KeyReused:
        raise Conflict("idempotency_conflict") from None
    now = world.database.glance(lambda unit: unit.now)
    return _settled(world, Seen(made.approval, submission, now, made.created))


def look(world: World, token_hash: str, request_id: str) -> Seen:
    """The request as it stands. Raises NotFound, also for an approval that was asked for otherwise."""
    return _settled(world, world.database.glance(lambda unit: _seen(unit, token_hash, request_id, Scope.READ)))


def drop_request(world: World, token_hash: str, request_id: str) -> Seen:
    """The agent no longer needs it. Raises Conflict where it is decided."""
    seen = world.database.glance(lambda unit: _seen(unit, token_hash, request_id, Scope.CREATE))
    status = seen.progress.status
    if status not in ("pending", "cancelled"):
        raise Conflict("already_terminal")
    if status == "pending":
        with suppress(Settled):  # decided meanwhile: what follows says so
            execute.cancel(world, _agent(world, token_hash, Scope.CREATE), seen.approval.id)
    after = look(world, token_hash, request_id)
    if after.progress.status != "cancelled":
        raise Conflict("already_terminal")
    return after


def consume(world: World, token_hash: str, request_id: str, *, key: str, heard: Heard = None) -> Seen:
    """Claim the grant, once; the same key gets the same answer again.

    Raises Conflict, and what holds every claim: Stopped, and what `authority.require_still` raises.
    """
    agent = _agent(world, token_hash, Scope.CLAIM)
    seen = world.database.glance(lambda unit: _seen(unit, token_hash, request_id, Scope.CLAIM))
    row = world.database.glance(lambda unit: host_calls.of_approval(unit, seen.approval.id))
    stands = seen.progress
    if row is not None and row.claimed_by == key and stands.consumed_at is not None:
        return seen
    if stands.consumed_at is None and stands.status != "approved":
        raise Conflict("approval_expired" if stands.status == "expired" else "not_approved")
    try:
        execute.claim(world, agent, seen.approval.id, _nonce(key), heard)
    except WrongNonce:
        raise Conflict("already_consumed") from None
    except TooLate:
        raise Conflict("approval_expired") from None
    except NotClaimable:
        raise Conflict("already_consumed" if stands.consumed_at is not None else "not_approved") from None
    world.database.run(lambda unit: _holds(unit, seen.approval, key))
    return look(world, token_hash, request_id)


def record_outcome(world: World, token_hash: str, request_id: str, *, status: str, note: str | None) -> Seen:
    """What became of it; the same report again changes nothing. Raises Conflict."""
    agent = _agent(world, token_hash, Scope.CLAIM)
    seen = world.database.glance(lambda unit: _seen(unit, token_hash, request_id, Scope.CLAIM))
    row = world.database.glance(lambda unit: host_calls.of_approval(unit, seen.approval.id))
    if row is None or row.claimed_by is None:
        raise Conflict("not_consumed")
    try:
        execute.result(world, agent, seen.approval.id, nonce=_nonce(row.claimed_by), outcome=status, detail=note)
    except (OutcomeConflict, Settled, WrongNonce, NotClaimable):
        raise Conflict("outcome_conflict") from None
    return look(world, token_hash, request_id)


def require_agent(world: World, token_hash: str) -> None:
    """Raises Unauthorised for a token that nobody has, and Forbidden for one that may not ask."""
    _agent(world, token_hash, Scope.CREATE)


def watched(world: World, token_hash: str, request_id: str) -> str:
    """The approval to listen to while a look waits. Raises NotFound."""
    return world.database.glance(lambda unit: _seen(unit, token_hash, request_id, Scope.READ)).approval.id


def _agent(world: World, token_hash: str, scope: Scope) -> Agent:
    return world.database.glance(lambda unit: submit.agent_of(unit, token_hash, scope))


def _seen(unit: Unit, token_hash: str, request_id: str, scope: Scope) -> Seen:
    agent = submit.agent_of(unit, token_hash, scope)
    approval_id = approval_id_of(request_id)
    if approval_id is None:
        raise NotFound()
    approval = execute.own(unit, agent, approval_id)
    _, saved = approvals.checkpoint(unit, approval_id, agent.id)
    submission = saved_submission(saved, approval.request.params)
    if submission is None:
        raise NotFound()
    return Seen(approval, submission, unit.now)


def _settled(world: World, seen: Seen) -> Seen:
    """Withdraw what can no longer run, so that its card says so: a reviewer's edit, and what came after the agent's deadline."""
    late = seen.approval.pending and seen.progress.status == "expired"
    if late or (seen.approval.granted and changed_by_people(seen.approval)):
        note = TOO_LATE if late else NO_EDITS
        with suppress(SaysoError):  # decided, or withdrawn, by somebody else meanwhile
            world.run(lambda ctx: withdraw(ctx, _as_it_is(ctx.unit, seen), "policy", note))
    return seen


def _as_it_is(unit: Unit, seen: Seen) -> Approval:
    approval = approvals.load(unit, seen.approval.id)
    if approval is None or approval.version != seen.approval.version:
        raise Settled()
    return approval


def _nonce(key: str) -> str:
    return f"aap-{fingerprint(key)}"


def _holds(unit: Unit, approval: Approval, key: str) -> None:
    """Note which key holds the grant, so that its outcome can be reported."""
    session_id = approval.request.session_id or ""
    host_calls.add(unit, HostCall(approval.id, approval.agent_id, session_id, f"aap:{approval.id}", 1, ""))
    host_calls.claimed(unit, approval.id, key, _nonce(key))
