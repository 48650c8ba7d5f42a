"""Sampled review: a share of what ran by policy alone is looked at afterwards, and nobody waits for it (docs/rules.md: A14, F2)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from bot.service import labelling, showing, staffing
from bot.service.advance import Draft, advance, until_settled
from bot.service.authorization import Lost, Tap, authorise, check_note, record_refusal
from bot.service.context import Context, World
from policies.approval import Approval, Review
from policies.errors import InvalidInput, NotAllowed, NotFound, Settled
from policies.frozen_values import replace
from policies.learning.sampling import sampled
from policies.lifecycle import EXECUTED, Verb
from policies.routing import RouteName
from store import approvals, labels, sampling
from store.unit import Unit

log = logging.getLogger("sayso.review")
REVIEW_SECONDS = 3600  # each reviewer's time: the target of an asynchronous review (docs/rules.md: E4)


class AlreadyReviewed(Lost):
    """This review is closed."""


def opened(ctx: Context, approval: Approval) -> Draft:
    """What was executed, with a reviewer and their card where it is in the sample."""
    policy = approval.policy
    if policy.sample_review <= 0 or approval.route is not RouteName.AUTO:
        return Draft(approval)
    if approval.state not in EXECUTED:
        return Draft(approval)
    if not sampled(sampling.key(ctx.unit), approval.id, approval.digest, policy.sample_review):
        return Draft(approval)
    reviewed = _asked(staffing.Staff(ctx), approval, ())
    if reviewed is None:
        log.warning("nobody of %s could review %s", policy.role, approval.id, extra={"approval_id": approval.id})
    return reviewed or Draft(approval)


def passed_on(staff: staffing.Staff, approval: Approval) -> Draft:
    """An overdue review with the next reviewer; closed quietly where nobody is left."""
    review = approval.review
    assert review is not None
    following = _asked(staff, approval, review.asked)
    if following is not None:
        return following
    clock = replace(approval.clock, review_by=None)
    return Draft(replace(approval, review=replace(review, closed=True), clock=clock))


def _asked(staff: staffing.Staff, approval: Approval, already: tuple[str, ...]) -> Draft | None:
    """With somebody new to review it, told by a card of their own."""
    choice = staff.afterwards(approval, already)
    if choice is None:
        return None
    asked = (*already, choice.user)
    begins = staff.not_before(choice.user)
    due = begins + timedelta(seconds=REVIEW_SECONDS)
    reviewed = replace(approval, review=Review(asked), clock=replace(approval.clock, review_by=due))
    return Draft(reviewed, (partial(showing.review_card, round_=len(asked), at=begins),))


def load_to_review(world: World, tap: Tap) -> Approval:
    """The approval for somebody who wants to review it; raises NotFound, NotAllowed and AlreadyReviewed."""
    return _recorded(world, tap, lambda: world.database.read(lambda unit: _open(unit, tap)))


def judge(world: World, tap: Tap, verdict: str) -> Approval:
    """A reviewer says that it was `correct`, or an `incident` (with a note): kept as a label. Raises as `load_to_review` does."""
    check_note(tap)
    if verdict == "incident" and not (tap.note and tap.note.strip()):
        raise InvalidInput("say what went wrong", field="note")

    def once(_look: int) -> Approval:
        return world.run(lambda ctx: _judged(ctx, tap, verdict))

    return _recorded(world, tap, lambda: until_settled(once))


def _judged(ctx: Context, tap: Tap, verdict: str) -> Approval:
    approval = _open(ctx.unit, tap)
    assert approval.review is not None
    review = replace(approval.review, by=tap.actor.user, at=ctx.now, verdict=verdict, note=tap.note, closed=True)
    after = replace(approval, review=review, clock=replace(approval.clock, review_by=None))

    def labelled(ctx: Context, saved: Approval) -> dict[str, Any]:
        labels.keep(ctx.unit, saved, verdict, by=tap.actor.user, detail=tap.note)
        after = labelling.followed(ctx, saved, verdict, by=tap.actor.user, detail=tap.note)
        return {"team": tap.actor.team, "moved": True, **after}

    by = tap.actor.user
    return advance(ctx, approval, after, "labelled", by, decision=verdict, rationale=tap.note, extra=labelled)


def _open(unit: Unit, tap: Tap) -> Approval:
    approval = approvals.load(unit, tap.approval_id)
    if approval is None:
        raise NotFound()
    authorise(approval, tap.actor)
    if approval.review is None or approval.review.closed:
        raise AlreadyReviewed(approval)
    return approval


def _recorded(world: World, tap: Tap, work: Callable[[], Approval]) -> Approval:
    try:
        return work()
    except (NotAllowed, Settled) as error:
        record_refusal(world, tap, Verb.REVIEW, str(error))
        raise
