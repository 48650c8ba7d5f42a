"""How a standing approval ends: by a person, by itself, or because something happened that nobody said yes to."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable

from bot.service import authorization
from bot.service.authorization import Tap
from bot.service.context import Context, World
from bot.service.withdrawing import withdraw
from policies.approval import Approval
from policies.errors import NotAllowed, NotFound, Settled, StandingOver, Tampered
from policies.lifecycle import Verb
from policies.permissions import Actor, may_decide
from policies.standing import BY_HAND, Standing
from store import outbox, standings
from store.audit import Entry

log = logging.getLogger("sayso.standing")
POLICY, SYSTEM = "policy", "system"
USED_UP, OVER, CHANGED = "all of it was used", "its time was over", "the policy of the action has changed"


def notice_key(standing_id: str) -> str:
    """The outbox's name of the one message that counts its uses."""
    return f"standing:{standing_id}"


def end_standing(world: World, actor: Actor, standing_id: str) -> Standing:
    """A person ends it: whoever may decide the request that it was given with. What is not claimed yet is withdrawn.

    Raises NotFound, NotAllowed and StandingOver.
    """

    def work(ctx: Context) -> Standing:
        one = standings.get(ctx.unit, standing_id)
        if one is None:
            raise NotFound("There is no such standing approval.")
        authorization.authorise(authorization.loaded(ctx.unit, one.approval_id), actor)
        if not _ended(ctx, one, actor.user, BY_HAND):
            raise StandingOver(why=one.ended_why or "somebody was first")
        return _as_it_is(ctx, standing_id)

    try:
        return world.run(work)
    except NotAllowed as error:
        found = world.database.read(lambda unit: standings.get(unit, standing_id))
        if found is not None:
            tap = Tap(found.approval_id, "", actor)
            authorization.record_refusal(world, tap, Verb.END_STANDING, str(error))
        raise


def _as_it_is(ctx: Context, standing_id: str) -> Standing:
    found = standings.get(ctx.unit, standing_id)
    assert found is not None, "standing approvals are never deleted"
    return found


def after_use(ctx: Context, one: Standing) -> None:
    """All of it is used: what it let run last may still be claimed."""
    if one.used_up:
        _ended(ctx, one, POLICY, USED_UP, withdrawing=False)


def after_incident(ctx: Context, approval: Approval) -> None:
    """Something of this agent and action turned out wrong, whoever said so."""
    policy = ctx.manifest.policy(approval.action)
    names = {approval.action, *([policy.action] if policy else [])}
    why = f"{approval.id} was called an incident"
    _end_all(ctx, approval.agent_id, POLICY, why, lambda one: not names.isdisjoint((one.action, one.entry)))


def after_failure(ctx: Context, agent_id: str, entry: str) -> None:
    """The agent lost a level of this action by its failures."""
    _end_all(ctx, agent_id, POLICY, "the agent lost a level by its failures", lambda one: one.entry == entry)


def after_session(ctx: Context, agent_id: str, session_id: str, by: str) -> None:
    """A person cancelled the session that it was given for."""
    _end_all(ctx, agent_id, by, f"session {session_id} was cancelled", lambda one: one.session_id == session_id)


def after_agent(ctx: Context, agent_id: str, by: str, why: str) -> None:
    """The agent is no more."""
    _end_all(ctx, agent_id, by, why, lambda one: True)


def end_standings_over(world: World) -> int:
    """End what is over by time, by a changed policy, or because its giver may no longer decide; gives how many."""
    try:
        found = world.read(lambda ctx: [one.id for one in standings.unended(ctx.unit) if _over(ctx, one)])
        return world.run(lambda ctx: sum(_swept(ctx, standing_id) for standing_id in found)) if found else 0
    except Tampered as error:
        log.error("standing approvals were not looked through: %s", error)
        return 0


def _swept(ctx: Context, standing_id: str) -> bool:
    one = standings.get(ctx.unit, standing_id)
    told = _over(ctx, one) if one is not None else None
    if one is None or told is None:
        return False
    by, why = told
    return _ended(ctx, one, by, why, withdrawing=why != OVER)


def _over(ctx: Context, one: Standing) -> tuple[str, str] | None:
    """Who ends it and why, where it is over by itself; None while it holds."""
    if ctx.now >= one.until:
        return SYSTEM, OVER
    if ctx.manifest.policy(one.action).fingerprint != one.fingerprint:
        return POLICY, CHANGED
    return (POLICY, "its giver may no longer decide") if _gone(ctx, one) else None


def _gone(ctx: Context, one: Standing) -> bool:
    """Whether Slack and the roster are sure that its giver may no longer decide: silence of Slack ends nothing."""
    giver = ctx.directory.actor(ctx.roster, one.by)
    return giver.known and not giver.unsure.intersection(one.roles) and may_decide(giver, roles=one.roles) is not None


def _end_all(ctx: Context, agent_id: str, by: str, why: str, wanted: Callable[[Standing], bool]) -> None:
    for one in standings.unended(ctx.unit, agent_id=agent_id):
        if wanted(one):
            _ended(ctx, one, by, why)


def _ended(ctx: Context, one: Standing, by: str, why: str, *, withdrawing: bool = True) -> bool:
    """End it and say so, once; what it let run and nobody has claimed is withdrawn."""
    if not standings.end(ctx.unit, one.id, by, why):
        return False
    if withdrawing:
        for approval in standings.unclaimed(ctx.unit, one.id):
            with contextlib.suppress(Settled):  # it was claimed at this moment
                withdraw(ctx, approval, by, f"The standing approval that let it run has ended: {why}.")
    extra = {"standing": one.id, "uses": one.uses, "spent_usd": str(one.spent)}
    ctx.unit.record(
        Entry(
            event="standing_ended",
            at=ctx.now,
            actor=by,
            approval_id=one.approval_id,
            session_id=one.session_id,
            agent=one.agent,
            action=one.action,
            decision=one.id,
            rationale=why,
            extra=extra,
        )
    )
    outbox.again(ctx.unit, [notice_key(one.id)])
    ctx.unit.after_commit(ctx.world.signals.outbox_filled)
    return True
