"""The sweep: whatever is due gets its reminder, its next reviewer or its end (docs/rules.md: E3). As good three times as once."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Unpack

from bot.service import (
    activity,
    alarms,
    authority,
    demotion,
    morning_digest,
    notices,
    planting,
    recount,
    retention,
    review,
    revoking,
    staffing,
    standing_ends,
    weekly,
)
from bot.service.advance import Draft, Recorded, Saving, advance, set_clock
from bot.service.context import Context, World
from bot.service.reassignment import moved_to, reassigned
from policies import deadlines, silence
from policies.approval import Approval, Decided, Decision
from policies.deadlines import Due
from policies.digest import rfc3339
from policies.errors import Revoked
from policies.files.policy import OnTimeout
from policies.frozen_values import replace
from policies.handover import TIME_IS_UP
from policies.lifecycle import State, Verb, transition
from policies.messages import Notice
from store import approvals, turns
from store.engine import passing
from store.unit import Unit

log = logging.getLogger("sayso.sweep")
BATCH = 200
POISON_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Counts:
    """What one sweep did."""

    reminded: int = 0
    hushed: int = 0
    greeted: int = 0
    weekly: int = 0
    reassigned: int = 0
    exhausted: int = 0
    expired: int = 0
    consented: int = 0
    lapsed: int = 0
    closed: int = 0
    unreverted: int = 0
    reviews: int = 0
    withdrawn: int = 0
    recounted: int = 0
    ended: int = 0
    resolved: int = 0
    removed: int = 0
    planted: int = 0
    tests_over: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """How much was done."""
        return sum(asdict(self).values())


def sweep(world: World) -> Counts:
    """Handle everything that is due, in batches; a row that cannot be handled waits five minutes and stops nobody."""
    counted: Counter[str] = Counter()
    counted["withdrawn"] = revoking.withdraw_strays(world)
    counted["recounted"] = recount.recount_if_changed(world)
    counted["ended"] = standing_ends.end_standings_over(world)
    counted["resolved"] = alarms.end_what_is_over(world)
    counted["tests_over"] = planting.take_back_tests(world)
    while True:
        done = world.run(_batch)
        counted.update(done)
        if sum(done.values()) < BATCH:
            counted["greeted"], counted["weekly"] = morning_digest.greet(world), weekly.send_weekly(world)
            counted["planted"] = planting.plant(world)
            return Counts(**counted, removed=retention.remove_over_time(world))


def _batch(ctx: Context) -> Counter[str]:
    done: Counter[str] = Counter()
    if not turns.try_sweep(ctx.unit):  # one at a time keeps "least loaded" true; any server may be it
        return done
    due, unreadable = approvals.due(ctx.unit, BATCH)
    try:
        with ctx.unit.savepoint():
            desk = _Desk(ctx)
            done.update(desk.handle(approval) for approval in due)
            desk.judge_silence()
    except Exception as error:
        if passing(error):
            raise  # it was not the row's fault: the whole batch is tried again
        log.exception("one of %s due approvals could not be swept; each is tried alone", len(due))
        done = _one_by_one(ctx, due)
    for approval_id in unreadable:
        log.error("approval %s cannot be read; it is set aside", approval_id, extra={"approval_id": approval_id})
        _set_aside(ctx.unit, approval_id)
        done["failed"] += 1
    return done


def _one_by_one(ctx: Context, due: list[Approval]) -> Counter[str]:
    """Each in a savepoint of its own: what cannot be handled is set aside and stops nobody."""
    done: Counter[str] = Counter()
    for approval in due:
        try:
            with ctx.unit.savepoint():
                desk = _Desk(ctx)
                done[desk.handle(approval)] += 1
                desk.judge_silence()
        except Exception as error:
            if passing(error):
                raise
            log.exception("approval %s could not be swept", approval.id, extra={"approval_id": approval.id})
            _set_aside(ctx.unit, approval.id)
            done["failed"] += 1
    return done


def _set_aside(unit: Unit, approval_id: str) -> None:
    approvals.set_aside(unit, approval_id, unit.now + timedelta(seconds=POISON_SECONDS))


def _missed(before: Approval, after: Approval, now: datetime) -> bool:
    """Whether nobody decided within the SLA; silence that consents decides, as the manifest declares (docs/rules.md: B4)."""
    owed = deadlines.owed(before.clock, now)
    return (
        before.pending
        and before.planted is None
        and owed in (Due.REASSIGN, Due.EXPIRE)
        and after.state is not State.APPROVED
    )


class _Desk:
    """What one batch of a sweep works with."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.staff = staffing.Staff(ctx)
        self._silent: list[tuple[Approval, dict[str, Any]]] = []

    def judge_silence(self) -> None:
        """What was claimed and never reported may cost its agent a level, as a failure does; last, and in one order."""
        self.ctx.unit.write()
        for approval, extra in sorted(self._silent, key=lambda one: (one[0].agent_id, one[0].action)):
            extra |= demotion.after_result(self.ctx, approval)

    def handle(self, approval: Approval) -> str:
        with activity.begun(approval.id):
            return self._handled(approval)

    def _handled(self, approval: Approval) -> str:
        owed = deadlines.owed(approval.clock, self.ctx.now, claimed=approval.state is State.CLAIMED)
        if approval.planted is not None and owed in (Due.REASSIGN, Due.EXPIRE):
            return self._end_test(approval)
        match owed:
            case Due.TELL:
                return self._tell(approval)
            case Due.REMIND:
                return self._remind(approval)
            case Due.REASSIGN:
                return self._reassign(approval)
            case Due.EXPIRE:
                return self._expire(approval)
            case Due.LAPSE:
                return self._lapse(approval)
            case Due.CLOSE_UNDO:
                return self._close_undo(approval)
            case Due.ROLL_BACK:
                return self._not_rolled_back(approval)
            case Due.REVIEW:
                return self._review(approval)
            case None:
                raise AssertionError("woken with nothing owed")

    def _advance(self, before: Approval, after: Draft | Approval, event: str, **recorded: Unpack[Recorded]) -> Approval:
        draft = after if isinstance(after, Draft) else Draft(after)
        missed = self.ctx.now if _missed(before, draft.approval, self.ctx.now) else None
        draft = replace(draft, approval=replace(draft.approval, breached_at=before.breached_at or missed))
        if before.pending and not draft.approval.pending:
            self.staff.moved(before.assignee, None)
        return advance(self.ctx, before, draft, event, "system", Saving.TOGETHER, **recorded)

    def _tell(self, approval: Approval) -> str:
        """Quiet hours or a full hour are over: now the assignee is mentioned, unless they have to wait once more."""
        until = staffing.notified(self.ctx, approval)
        if until is not None:
            return self._put_off(approval, deadlines.hushed(approval.clock, until))
        clock = staffing.fresh_sla(self.ctx, approval)
        return self._spoken(approval, Notice.YOURS, clock, "may be notified again")

    def _remind(self, approval: Approval) -> str:
        clock, most = approval.clock, self.ctx.roster.reminders(approval.assignee)
        if clock.reminders >= most:
            return self._put_off(approval, replace(clock, remind_at=None))
        until = staffing.quiet_until(self.ctx, approval) or staffing.off_until(self.ctx, approval)
        if until is not None:
            return self._put_off(approval, replace(clock, remind_at=until))
        why = "75 % of the SLA" if clock.due_at else f"reminder {clock.reminders + 1}"
        return self._spoken(
            approval, Notice.REMINDER, deadlines.reminded(clock, self.ctx.now, approval.created_at), why
        )

    def _put_off(self, approval: Approval, clock: deadlines.Clock) -> str:
        approvals.put_off(self.ctx.unit, approval, clock)
        return "hushed"

    def _spoken(self, approval: Approval, notice: Notice, clock: deadlines.Clock, why: str) -> str:
        outcome = transition(approval.state, Verb.REMIND, self.ctx.now, approval.deadlines)
        after = Draft(replace(approval, clock=clock), (notices.waits(notice),))
        self._advance(approval, after, outcome.event, rationale=f"{why}, {approval.assignee}")
        return "reminded"

    def _reassign(self, approval: Approval) -> str:
        outcome = transition(approval.state, Verb.REASSIGN, self.ctx.now, approval.deadlines)
        roles = staffing.roles_ahead(approval.policy, approval.role)
        draft = reassigned(self.ctx, approval, roles, self.staff, TIME_IS_UP)
        after = draft.approval
        if (after.assignee, after.seats) == (approval.assignee, approval.seats):
            self._advance(approval, draft, "escalated", rationale=_nobody(after))
            return "exhausted"
        event = outcome.event if after.role == approval.role else "escalated"
        self._advance(approval, draft, event, decision=after.assignee, rationale=after.assigned_why)
        return "reassigned"

    def _end_test(self, approval: Approval) -> str:
        """A test that nobody answered in its time goes to nobody else, and ends quietly."""
        why = "nobody answered the test in its time"
        event = transition(approval.state, Verb.END_TEST, self.ctx.now, approval.deadlines).event
        after = planting.unanswered(self.ctx, approval, why, Decided.EXPIRED)
        self._advance(approval, after, event, decision="expired", rationale=why)
        return "tests_over"

    def _expire(self, approval: Approval) -> str:
        meaning = silence.at_expiry(approval) if approval.pending else None
        if meaning is OnTimeout.ESCALATE:
            moved = self._escalated_at_expiry(approval)
            if moved is not None:
                return moved
        if meaning is OnTimeout.APPROVE and self._living(approval):
            return self._consent(approval)
        outcome = transition(approval.state, Verb.EXPIRE, self.ctx.now, approval.deadlines)
        what = "nobody decided in time" if approval.pending else "nobody claimed it in time"
        after = replace(approval, state=outcome.state, clock=deadlines.Clock(), info_request=None)
        if approval.pending:
            after = replace(after, decision=_by_policy(self.ctx.unit, approval, Decided.EXPIRED, what))
        self._advance(approval, after, outcome.event, decision=after.state.value, rationale=what)
        return "expired"

    def _living(self, approval: Approval) -> bool:
        """Whether nobody of those who asked was revoked: then silence consents to nothing."""
        try:
            authority.require_living(self.ctx.unit, approval)
        except Revoked:
            return False
        return True

    def _consent(self, approval: Approval) -> str:
        outcome = transition(approval.state, Verb.CONSENT, self.ctx.now, approval.deadlines)
        why = f"no objection within {silence.speaks_after(approval.policy, approval.level)} s"
        after = replace(
            approval,
            state=outcome.state,
            decision=_by_policy(self.ctx.unit, approval, Decided.APPROVED, why),
            clock=deadlines.granted(self.ctx.now, approval.policy.claim_seconds, approval.undo_seconds),
            info_request=None,
        )
        self._advance(approval, after, outcome.event, decision=after.state.value, rationale=why)
        return "consented"

    def _escalated_at_expiry(self, approval: Approval) -> str | None:
        """`on_timeout: escalate`: the next role gets a time of its own; None when the path is at its end."""
        roles = staffing.roles_ahead(approval.policy, approval.role)[1:]
        seconds = silence.speaks_after(approval.policy, approval.level)
        choice = self.staff.next(approval, roles) if roles and seconds is not None else None
        if choice is None or seconds is None:
            return None
        extended = replace(approval.clock, expires_at=self.ctx.now + timedelta(seconds=seconds))
        self.staff.moved(approval.assignee, choice.user)
        late = replace(choice, why=f"{choice.why}; {TIME_IS_UP}")
        draft = moved_to(self.ctx, replace(approval, clock=extended), late)
        after = draft.approval
        self._advance(approval, draft, "escalated", decision=after.assignee, rationale=after.assigned_why)
        return "reassigned"

    def _lapse(self, approval: Approval) -> str:
        outcome = transition(approval.state, Verb.LAPSE, self.ctx.now, approval.deadlines)
        after = replace(approval, state=outcome.state, clock=deadlines.finished(approval.clock, self.ctx.now))
        notices.outcome_unknown(self.ctx, after)
        extra: dict[str, Any] = {}
        why = "claimed, no result came"
        saved = self._advance(approval, after, outcome.event, decision=after.state.value, rationale=why, extra=extra)
        self._silent.append((saved, extra))
        return "lapsed"

    def _close_undo(self, approval: Approval) -> str:
        """The window is over: nothing moves on, and the card loses its button."""
        set_clock(self.ctx, approval, replace(approval.clock, undo_until=None))
        return "closed"

    def _not_rolled_back(self, approval: Approval) -> str:
        after = replace(approval, clock=replace(approval.clock, roll_back_by=None))
        notices.not_rolled_back(self.ctx, after)
        self._advance(approval, after, "reminded", rationale="undone, and no roll-back was reported in time")
        return "unreverted"

    def _review(self, approval: Approval) -> str:
        """An overdue review goes to the next person, and ends quietly where nobody is left (docs/rules.md: A14)."""
        draft = review.passed_on(self.staff, approval)
        following = draft.approval.review.reviewer if draft.approval.review else None
        event = "reassigned" if following else "timeout"
        self._advance(approval, draft, event, decision=following, rationale="the review after the fact was overdue")
        return "reviews"


def _nobody(approval: Approval) -> str:
    again = approval.clock.due_at
    when = f"; looked for again at {rfc3339(again)}" if again else ""
    return f"nobody is {'there' if again else 'left'} to ask; operations were told{when}"


def _by_policy(unit: Unit, approval: Approval, kind: Decided, note: str) -> Decision:
    return Decision(kind=kind, by="policy", at=unit.now, note=note, latency_ms=approvals.latency_ms(approval, unit.now))
