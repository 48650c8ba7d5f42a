"""Sampled review: a share of what ran by policy alone is looked at afterwards, and nobody waits for it (docs/rules.md: A14, F2)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from bot.service import demotion, labels, staffing
from bot.service.authorization import Lost, Tap, authorise, check_note, record_refusal
from bot.service.context import World
from bot.service.decision_transaction import Overtaken, until_settled
from bot.service.waking import wake
from policies.approval import Approval, Review
from policies.errors import InvalidInput, NotAllowed, NotFound, Settled
from policies.learning.sampling import sampled
from policies.lifecycle import EXECUTED, Verb
from policies.routing import RouteName
from store import approvals, outbox, sampling
from store.audit import entry_of
from store.unit import Unit

log = logging.getLogger("sayso.review")
REVIEW_SECONDS = 3600  # each reviewer's time: the target of an asynchronous review (docs/rules.md: E4)


class AlreadyReviewed(Lost):
    """This review is closed."""


def opened(world: World, unit: Unit, approval: Approval) -> Approval:
    """What was executed, with a reviewer and their card where it is in the sample. The caller saves it."""
    policy = approval.policy
    if policy is None or policy.sample_review <= 0 or approval.route is not RouteName.AUTO:
        return approval
    if approval.state not in EXECUTED:
        return approval
    if not sampled(sampling.key(unit), approval.id, approval.digest, policy.sample_review):
        return approval
    reviewed = _asked(staffing.Staff(world, unit), unit, approval, ())
    if reviewed is None:
        log.warning("nobody of %s could review %s", policy.role, approval.id)
    return reviewed or approval


def moved_on(staff: staffing.Staff, unit: Unit, approval: Approval) -> Approval:
    """An overdue review with the next reviewer; closed quietly where nobody is left. The caller saves it."""
    review = approval.review
    assert review is not None
    following = _asked(staff, unit, approval, review.asked)
    if following is not None:
        return following
    return replace(approval, review=replace(review, closed=True), clock=replace(approval.clock, review_by=None))


def _asked(staff: staffing.Staff, unit: Unit, approval: Approval, already: tuple[str, ...]) -> Approval | None:
    """With somebody new to review it, told by a card of their own; `approval.version` is the one to be saved."""
    assert approval.policy is not None
    choice = staff.afterwards(approval, already)
    if choice is None:
        return None
    asked = (*already, choice.user)
    begins = staff.not_before(choice.user)
    outbox.put_review(unit, approval, channel=approval.policy.channel, round_=len(asked), at=begins)
    due = begins + timedelta(seconds=REVIEW_SECONDS)
    return replace(approval, review=Review(asked), clock=replace(approval.clock, review_by=due))


def look(world: World, tap: Tap) -> Approval:
    """The approval for somebody who wants to review it; raises NotFound, NotAllowed and AlreadyReviewed."""
    return _recorded(world, tap, lambda: world.database.read(lambda unit: _open(unit, tap)))


def judge(world: World, tap: Tap, verdict: str) -> Approval:
    """A reviewer says that it was `correct`, or an `incident` (with a note): kept as a label. Raises as `look` does."""
    check_note(tap)
    if verdict == "incident" and not (tap.note and tap.note.strip()):
        raise InvalidInput("say what went wrong", field="note")

    def once(_look: int) -> Approval:
        return world.database.run(lambda unit: _judged(world, unit, tap, verdict))

    return _recorded(world, tap, lambda: until_settled(once))


def _judged(world: World, unit: Unit, tap: Tap, verdict: str) -> Approval:
    approval = _open(unit, tap)
    assert approval.review is not None
    review = replace(approval.review, by=tap.actor.user, at=unit.now, verdict=verdict, note=tap.note, closed=True)
    clock = replace(approval.clock, review_by=None)
    after = replace(approval, review=review, clock=clock, version=approval.version + 1, updated_at=unit.now)
    if not approvals.save(unit, approval, after):
        raise Overtaken
    labels.keep(unit, after, verdict, tap.actor.user, tap.note)
    extra = {"team": tap.actor.team, "moved": True, **demotion.after_label(world, unit, after, verdict)}
    unit.record(
        entry_of(after, "labelled", unit.now, tap.actor.user, decision=verdict, rationale=tap.note, extra=extra)
    )
    outbox.refresh(unit, after.id, after.version)
    unit.after_commit(lambda: wake(world, after))
    return after


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
