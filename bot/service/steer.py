"""People steer running agents: pause, resume, cancel a session, stop and start everything (docs/rules.md: C3, A13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.service import authorization, holds, standing_ends
from bot.service.context import Context, World
from bot.service.withdrawing import withdraw
from policies.approval import Approval
from policies.errors import InvalidInput, NotFound, Refused, Settled
from policies.permissions import Actor, genuine, may_administer
from store import approvals, directory, sessions
from store.audit import Entry
from store.sessions import Session
from store.unit import Unit

STATES = {"pause": "paused", "resume": "running", "cancel": "cancelled"}
EVENTS = {"pause": "paused", "resume": "unpaused", "cancel": "cancelled", "stop": "stopped", "start": "started"}


def _require_admin(actor: Actor) -> None:
    refusal = may_administer(actor)
    if refusal is not None:
        raise Refused(refusal)


def steer_session(world: World, actor: Actor, session_id: str, word: str) -> list[Session]:
    """Pause, resume or cancel a session; cancelling withdraws what it has open. Raises Refused, NotFound."""
    _require_admin(actor)
    return world.run(lambda ctx: _steer(ctx, actor, session_id, word=word))


def may_steer(actor: Actor, approval: Approval) -> bool:
    """Whether this person may steer the session of `approval`: who may decide it, and admins."""
    return may_administer(actor) is None or authorization.refusal_of(approval, actor) is None


def steer_from_card(world: World, actor: Actor, approval_id: str, word: str) -> Approval:
    """Pause, resume or cancel the session that asked for `approval_id`, and no other agent's of the same name.

    Open to those who may decide the approval and to admins. Raises NotFound and Refused.
    """

    def work(ctx: Context) -> Approval:
        approval = authorization.loaded(ctx.unit, approval_id)
        if not may_steer(actor, approval):
            raise Refused(authorization.refusal_of(approval, actor) or "")
        session_id = approval.request.session_id
        if session_id is None:
            raise NotFound("This request belongs to no session.")
        sessions.beat(ctx.unit, approval.agent_id, session_id, None)  # the agent may never have registered it
        _steer(ctx, actor, session_id, word=word, agent_id=approval.agent_id)
        return authorization.loaded(ctx.unit, approval_id)

    return world.run(work)


def session_of(world: World, approval: Approval) -> Session | None:
    """The session that asked, as people set it; running where the agent never registered it, None where there is none."""
    session_id = approval.request.session_id
    if session_id is None:
        return None
    found = world.database.read(lambda unit: sessions.get(unit, approval.agent_id, session_id))
    return found or Session(approval.agent_id, session_id, "running", None, approval.created_at)


def _steer(ctx: Context, actor: Actor, session_id: str, *, word: str, agent_id: str | None = None) -> list[Session]:
    before = sessions.of_id(ctx.unit, session_id, agent_id)
    steered = sessions.steer(ctx.unit, session_id, STATES[word], actor.user, agent_id=agent_id)
    if not steered:
        raise NotFound(_unknown(ctx.unit, session_id))
    ctx.unit.record(
        Entry(
            event=EVENTS[word],
            at=ctx.now,
            actor=actor.user,
            session_id=session_id,
            decision=STATES[word],
            rationale=f"session {word}",
        )
    )
    if word == "cancel":
        for session in steered:
            _withdraw(ctx, actor, session)
            standing_ends.after_session(ctx, session.agent_id, session.id, actor.user)
    ctx.unit.after_commit(lambda: ctx.world.signals.approval_changed(f"session:{session_id}"))
    holds.sessions_steered(ctx, actor.user, before, steered)
    return steered


def _unknown(unit: Unit, session_id: str) -> str:
    found = [session.id for session in sessions.running(unit)]
    others = f"Running now: {', '.join(found)}." if found else "No session is running now."
    return f"There is no running session {session_id}. {others}"


def _withdraw(ctx: Context, actor: Actor, session: Session) -> None:
    note = f"Session {session.id} was cancelled."
    for state in ("pending", "approved", "edited", "chosen", "answered"):
        for approval in approvals.listed(
            ctx.unit, agent_id=session.agent_id, session_id=session.id, state=state, limit=1000
        ):
            try:
                withdraw(ctx, approval, actor.user, note)
            except Settled:
                continue


def stop(world: World, actor: Actor) -> bool:
    """Hold every execution at once; False when it was held already. Raises Refused."""
    _require_admin(actor)

    def work(ctx: Context) -> bool:
        changed = sessions.stop(ctx.unit, actor.user)
        if changed:
            ctx.unit.record(_switch_entry(ctx.unit, actor, "stop"))
            holds.stopped(ctx, actor.user)
        return changed

    return world.run(work)


def start(world: World, actor: Actor) -> bool:
    """Let executions go on; False when nothing was held. Raises Refused."""
    _require_admin(actor)

    def work(ctx: Context) -> bool:
        since = sessions.stopped_at(ctx.unit)
        changed = sessions.start(ctx.unit)
        if changed:
            ctx.unit.record(_switch_entry(ctx.unit, actor, "start"))
            holds.started(ctx, actor.user, since)
        return changed

    return world.run(work)


def _switch_entry(unit: Unit, actor: Actor, word: str) -> Entry:
    return Entry(event=EVENTS[word], at=unit.now, actor=actor.user, decision=word, rationale=f"global {word}")


@dataclass(frozen=True, slots=True)
class Covered:
    """In which of somebody's roles their delegate stands in, and in which they cannot."""

    roles: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


def away(world: World, actor: Actor, until: datetime | None, delegate: str | None = None) -> Covered:
    """Take no new approvals until then; `delegate` takes their turns. Raises Refused, InvalidInput.

    Standing in gives nobody a right: a delegate is asked in the roles that they hold themselves (guarantee 4).
    """
    refusal = genuine(actor)
    if refusal is not None:
        raise Refused(refusal)
    covered = _covered(world, actor, delegate) if delegate else Covered()
    world.database.run(lambda unit: directory.set_away(unit, actor.user, until, delegate))
    return covered


def _covered(world: World, actor: Actor, delegate: str) -> Covered:
    if delegate == actor.user:
        raise InvalidInput("must be somebody else", field="delegate")
    theirs = {role for role in actor.roles if delegate in world.directory.could_decide(world.book.roster, role)}
    if not theirs:
        raise InvalidInput("holds none of your roles, so they cannot decide for you", field="delegate")
    return Covered(tuple(sorted(theirs)), tuple(sorted(actor.roles - theirs)))


def back(world: World, actor: Actor) -> bool:
    """Take approvals again; False when one was not away."""
    refusal = genuine(actor)
    if refusal is not None:
        raise Refused(refusal)
    return world.database.run(lambda unit: directory.set_back(unit, actor.user))
