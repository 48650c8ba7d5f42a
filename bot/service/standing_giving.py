"""Approve, and let the like run: a standing approval is given with one request, within the manifest's bounds."""

from __future__ import annotations

from bot.service import decide, staffing
from bot.service.authorization import Tap
from bot.service.context import Context, World
from bot.service.standing_ends import notice_key
from policies.approval import Approval
from policies.errors import NotAllowed, Settled
from policies.messages import StandingFacts
from policies.standing import Standing
from policies.standing_offer import Wanted, drafted, require_within, withheld
from store import ids, outbox, standings
from store.audit import entry_of
from store.standings import terms_of
from store.unit import Unit


class NotGiven(Settled):
    """You approved this already, and gave no standing approval with it. The next one like it can be."""


def give_standing(world: World, tap: Tap, wanted: Wanted) -> Approval:
    """Approve, and let the like run: one transaction. Raises what `decide.approve` raises, and InvalidInput.

    NotGiven where this person approved it before, by itself.
    """

    def check(unit: Unit, approval: Approval) -> None:
        require_standing_offered(world, approval)
        require_within(approval, wanted)

    def given(ctx: Context, approval: Approval) -> None:
        _keep(ctx, drafted(approval, wanted, ids.new("std", ctx.now), tap.actor.user, ctx.now), approval)

    approval = decide.approve(world, tap, check=check, granting=given)
    if approval.planted is None and world.database.read(lambda unit: standings.given_with(unit, approval.id)) is None:
        raise NotGiven(state=approval.state.value)
    return approval


def require_standing_offered(world: World, approval: Approval) -> None:
    """Raise NotAllowed where no standing approval may be given with this one, as the manifest in force says too."""
    reason = withheld(approval)
    if reason is None and not _same_policy(world, approval):
        reason = "the policy of the action has changed since it was asked: approve it by itself"
    if reason is not None:
        raise NotAllowed(f"No standing approval can be given with this: {reason}.")


def _same_policy(world: World, approval: Approval) -> bool:
    return world.book.manifest.policy(approval.action).fingerprint == approval.policy.fingerprint


def _keep(ctx: Context, one: Standing, approval: Approval) -> None:
    standings.add(ctx.unit, one)
    extra = {"standing": one.id, "terms": terms_of(one), "until": one.until.isoformat()}
    ctx.unit.record(entry_of(approval, "standing_given", ctx.now, one.by, decision=one.id, extra=extra))
    facts = StandingFacts(one.id, staffing.name_of(ctx.world, one.by))
    outbox.put_notice(ctx.unit, notice_key(one.id), channel=one.channel, facts=facts, approval_id=one.approval_id)
    ctx.unit.after_commit(lambda: ctx.world.signals.deadline_set(one.until))
