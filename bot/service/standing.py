"""Standing approvals at work: what they let run, counted, and asked again at the claim (docs/standing.md)."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.service import notices, showing, staffing, standing_ends
from bot.service.authority import Authority
from bot.service.authorization import Unconfirmed, refusal_of
from bot.service.context import Context
from bot.service.standing_ends import notice_key
from policies.approval import Approval
from policies.deadlines import Clock
from policies.errors import StandingEnded, Tampered, TooLate
from policies.files.policy import Policy
from policies.frozen_values import replace
from policies.messages import AlertFacts
from policies.permissions import Actor, genuine, may_decide
from policies.principals import Principal
from policies.request import Request
from policies.standing import Standing, uncovered
from store import approvals, outbox, standings
from store.agents import Agent
from store.audit import entry_of

log = logging.getLogger("sayso.standing")
Heard = Collection[str] | None
"""Of which givers Slack was asked just now; None where nobody asks, and what is known of them has to do."""


# --- using -------------------------------------------------------------------------------------------------------------


def holding_standings(
    ctx: Context, agent: Agent, request: Request, *, policy: Policy, above: Authority, heard: Heard, use: bool
) -> tuple[Standing, ...]:
    """Those of this agent and action that hold now, and whose givers may still decide such a request.

    With `use` nobody ends one before this unit does. Raises Unconfirmed where Slack has to be asked about a giver first.
    """
    if policy.standing is None or above.chain:
        return ()
    try:
        found = standings.holding(ctx.unit, agent.id, request.action, lock=use)
    except Tampered as error:
        _refused(ctx, agent, request, error, told=use)
        return ()
    covering = [one for one in found if uncovered(one, agent.name, request, policy) is None]
    _require_heard(covering, heard)
    gone = {one.id for one in covering if _refusal(ctx, one, above.principals) is not None}
    return tuple(one for one in found if one.id not in gone)


def _require_heard(found: Sequence[Standing], heard: Heard) -> None:
    unheard = {one.by for one in found}.difference(heard) if heard is not None else set()
    if unheard:
        raise Unconfirmed(unheard)


def _refusal(ctx: Context, one: Standing, principals: Collection[Principal]) -> str | None:
    """Why its giver could not say yes to such a request today; None where they could."""
    return may_decide(ctx.directory.actor(ctx.roster, one.by), roles=one.roles, principals=principals)


def _refused(ctx: Context, agent: Agent, request: Request, error: Tampered, *, told: bool) -> None:
    log.error("no standing approval of %s for %s is used: %s", agent.name, request.action, error)
    if told:
        text = (
            f"Standing approvals of {agent.name} for {request.action} are not as recorded, and cover nothing: {error}"
        )
        key = f"standing_tampered:{agent.id}:{request.action}:{ctx.now:%Y%m%d%H}"
        title = "A standing approval was changed outside Sayso"
        notices.operations(ctx, key, AlertFacts(title, text))


def within_its_time(ctx: Context, approval: Approval, clock: Clock) -> Clock:
    """The clock of what it let run: nobody claims that after its time."""
    if approval.standing is None:
        return clock
    assert clock.claim_by is not None
    return replace(clock, claim_by=min(clock.claim_by, _held(ctx, approval.standing).until))


def _held(ctx: Context, standing_id: str) -> Standing:
    one = standings.get(ctx.unit, standing_id)
    assert one is not None, "this unit holds it"
    return one


def count_use(ctx: Context, approval: Approval) -> None:
    """What it let run is recorded and counted on its one message; the last use ends it.

    Nothing is posted for it, but in the thread of the first one where people may undo it.
    """
    assert approval.standing is not None
    one = _held(ctx, approval.standing)
    if approval.undo_seconds:
        showing.told(ctx.unit, approval, thread_of=one.approval_id)
    extra = {"standing": one.id, "use": one.uses, "uses": one.max_uses, "spent_usd": str(one.spent), "given_by": one.by}
    ctx.unit.record(
        entry_of(
            approval, "standing_used", ctx.now, "policy", decision=one.id, rationale=f"{one.so_far} used", extra=extra
        )
    )
    outbox.again(ctx.unit, [notice_key(one.id)])
    standing_ends.after_use(ctx, one)


def require_standing(ctx: Context, approval: Approval, heard: Heard) -> None:
    """Raise where what a standing approval let run may no longer run: StandingEnded, TooLate, Tampered, Unconfirmed."""
    if approval.standing is None:
        return
    one = standings.prove(ctx.unit, approval.standing)
    if one is None:
        raise Tampered(what="the standing approval that let it run is gone")
    if one.ended_at is not None and one.ended_why != standing_ends.USED_UP:
        raise StandingEnded(why=one.ended_why)
    if ctx.now >= one.until:
        raise TooLate(state=approval.state.value)
    if ctx.manifest.policy(one.action).fingerprint != one.fingerprint:
        raise StandingEnded(why=standing_ends.CHANGED)
    _require_heard([one], heard)
    refusal = _refusal(ctx, one, approval.principals)
    if refusal is not None:
        raise StandingEnded(why="its giver may no longer decide")


# --- looking -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Live:
    """One that holds now, with the request it was given with, its giver's name, and whether whoever looks may end it."""

    one: Standing
    approval: Approval
    by: str
    may_end: bool


def live_standings(ctx: Context, actor: Actor) -> list[Live]:
    """Those that hold now, the oldest first; none for whoever is no active, full member."""
    if genuine(actor) is not None:
        return []
    found = [one for one in standings.unended(ctx.unit) if one.until > ctx.now]
    given = approvals.several(ctx.unit, [one.approval_id for one in found])
    return [
        Live(one, given[one.approval_id], staffing.name_of(ctx.world, one.by), _may_end(given[one.approval_id], actor))
        for one in found
    ]


def _may_end(approval: Approval, actor: Actor) -> bool:
    return refusal_of(approval, actor) is None


# How often somebody has to have said yes to the like before they are asked whether to let it run.
OFTEN, LATELY = 5, timedelta(days=14)


def yeses_to_the_like(ctx: Context, approval: Approval, actor: Actor) -> int | None:
    """How many of the like this person was asked and said yes to, every time and often; None where it was not so."""
    every, yes = standings.said_yes(
        ctx.unit, actor.user, approval.told_agent_id, action=approval.action, since=ctx.now - LATELY
    )
    return yes if yes == every >= OFTEN else None
