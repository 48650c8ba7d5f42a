"""One act on an approval: one compare-and-set, re-authorised in the same transaction (docs/rules.md: I1)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from bot.service import authority, disclosure, integrity, notices
from bot.service.advance import Draft, Overtaken, Saving, advance, until_settled
from bot.service.authorization import (
    Lost,
    Outdated,
    Tap,
    authorise,
    check_note,
    loaded,
    record_refusal,
    require_confirmed,
    role_of,
)
from bot.service.context import Context, World
from policies import deadlines
from policies.approval import Approval, Decided, Decision, Vote, meant
from policies.errors import AlreadyVoted, InvalidInput, NotAllowed, Revoked, Settled, Stale, Tampered, TooLate
from policies.frozen_values import replace
from policies.kinds import Kind
from policies.lifecycle import State, Verb, transition
from policies.routing import Level
from store import approvals, evidence
from store.evidence import Witnessed
from store.unit import Unit

Change = Callable[[Context, Approval], Draft | Approval]


def act(world: World, tap: Tap, verb: Verb, change: Change) -> Approval:
    """Load, authorise, change, compare-and-set, record: one unit; every refusal is recorded too."""
    check_note(tap)
    try:
        return until_settled(lambda look: world.run(lambda ctx: _acted(ctx, tap, verb, change, again=look > 1)))
    except Tampered as error:
        integrity.tell(world, tap.approval_id, tap.actor.user, verb=verb, error=error)
        raise
    except (NotAllowed, AlreadyVoted, Stale, Settled, TooLate) as error:
        record_refusal(world, tap, verb, str(error))
        raise


def _acted(ctx: Context, tap: Tap, verb: Verb, change: Change, *, again: bool) -> Approval:
    found = evidence.witnessed(ctx.unit, tap.approval_id)
    approval = found.approval
    authorise(approval, tap.actor)
    if _repeats(approval, tap, verb):
        return approval
    _require_current(ctx.unit, found, tap, verb)
    if verb in _GRANTING:
        if not evidence.holds(ctx.unit, found):
            raise Overtaken
        require_confirmed(ctx.world, approval)
    if approval.planted is not None:
        return _test_answered(ctx, approval, tap, verb, change)
    changed = change(ctx, approval)
    draft = changed if isinstance(changed, Draft) else Draft(changed)
    if verb in (*_GRANTING, Verb.REJECT):
        _vote_once(ctx.unit, approval, draft.approval, tap, verb, again=again)
    return advance(
        ctx,
        approval,
        draft,
        transition(approval.state, verb, ctx.now, approval.deadlines).event,
        tap.actor.user,
        Saving.IN_TIME if approval.pending else Saving.AT_ANY_TIME,
        touched=True,
        put_off=True,
        decision=draft.approval.state.value,
        rationale=tap.note,
        latency_ms=approvals.latency_ms(approval, ctx.now),
        extra={"team": tap.actor.team, **_specifics(approval, draft.approval, tap, verb)},
    )


class _Tried(Exception):
    """An act on a test came to its end, and nothing of it may remain."""


def _test_answered(ctx: Context, approval: Approval, tap: Tap, verb: Verb, change: Change) -> Approval:
    """A test is over with any act: whatever that would refuse is refused, and whatever it would do to anybody is not done."""
    with suppress(_Tried), ctx.unit.savepoint():
        change(ctx, approval)
        raise _Tried
    outcome = transition(approval.state, Verb.END_TEST, ctx.now, approval.deadlines)
    decision = decision_of(ctx.unit, approval, _SAID_OF_TEST.get(verb, Decided.CANCELLED), tap)
    over = replace(approval, state=outcome.state, decision=decision, clock=deadlines.Clock())
    return advance(
        ctx,
        approval,
        Draft(over, (notices.told_of_test,)),
        outcome.event,
        tap.actor.user,
        Saving.IN_TIME,
        touched=True,
        put_off=True,
        decision=decision.kind.value,
        rationale=tap.note,
        latency_ms=decision.latency_ms,
        extra={"team": tap.actor.team},
    )


# What somebody said to a test; that they asked back or passed it on is no decision.
_SAID_OF_TEST = {
    **dict.fromkeys((Verb.APPROVE, Verb.CHOOSE, Verb.ANSWER), Decided.APPROVED),
    Verb.EDIT: Decided.EDITED,
    Verb.REJECT: Decided.REJECTED,
    Verb.TAKE_OVER: Decided.TAKEN_OVER,
}


def _repeats(approval: Approval, tap: Tap, verb: Verb) -> bool:
    """A second tap of the same person for what they already decided changes nothing and is no error (docs/rules.md: G2)."""
    decision = approval.decision
    if decision is None or decision.by != tap.actor.user or decision.kind not in _DONE_BY.get(verb, ()):
        return False
    return (
        decision.kind is not Decided.EDITED or tap.digest == approval.digest
    )  # else it was another request that they saw


_DONE_BY = {
    Verb.APPROVE: (Decided.APPROVED, Decided.EDITED),
    Verb.REJECT: (Decided.REJECTED,),
    Verb.TAKE_OVER: (Decided.TAKEN_OVER,),
    Verb.HAND_BACK: (Decided.HANDED_BACK,),
}


_GRANTING = (Verb.APPROVE, Verb.EDIT, Verb.CHOOSE, Verb.ANSWER)


def _require_current(unit: Unit, found: Witnessed, tap: Tap, verb: Verb) -> None:
    approval = found.approval
    try:
        transition(approval.state, verb, unit.now, approval.deadlines)
    except Settled as error:
        raise Lost(approval) from error
    if tap.digest != approval.digest:
        raise Outdated(approval)
    if verb in _GRANTING:
        _require_living(unit, found)
    if verb in _GRANTING and approval.level is Level.HUMAN_TAKEOVER:
        raise NotAllowed("A person has to take this over or reject it; the agent may not run it.")
    if verb in _GRANTING:
        disclosure.require_shown(unit, approval, tap.actor.user)
    wanted = _OF_KIND.get(verb, approval.request.kind)
    if wanted != approval.request.kind:
        raise InvalidInput(_ASKS_FOR[approval.request.kind], field="kind")


_OF_KIND = {Verb.APPROVE: Kind.CONFIRM, Verb.EDIT: Kind.CONFIRM, Verb.CHOOSE: Kind.CHOOSE, Verb.ANSWER: Kind.INPUT}
_ASKS_FOR: dict[str, str] = {
    Kind.CONFIRM: "this request asks for a plain yes or no",
    Kind.CHOOSE: "this request asks for one of its candidates, not for a plain yes",
    Kind.INPUT: "this request asks for an answer, not for a plain yes",
}


def _require_living(unit: Unit, found: Witnessed) -> None:
    try:
        authority.require_living(unit, found.approval, revoked=found.agent_revoked)
    except Revoked as error:
        raise NotAllowed(str(error)) from error


def _vote_once(unit: Unit, before: Approval, after: Approval, tap: Tap, verb: Verb, *, again: bool) -> None:
    """Insert who decided, on the digest that now holds; the constraint refuses a second time.

    What the constraint sees is not read first: only when it refused, or where this person has other accounts, of which
    the constraint knows nothing. Then the same yes again is an error, and another choice or answer, or a yes to what
    was edited since, takes the place of the one before.
    """
    accounts = tap.actor.accounts or (tap.actor.user,)
    act, role = _act(unit, after, tap, verb), role_of(before, tap.actor)
    earlier = approvals.act_of(unit, after, accounts) if again or len(accounts) > 1 else None
    if earlier is None:
        approvals.add_decision(unit, after, act, role=role, note=tap.note)
    elif verb is Verb.REJECT:
        return  # a veto after one's own yes: the state records it
    elif loaded(unit, before.id).version != before.version:
        raise Overtaken  # that vote came after the reading, and may have settled it
    elif _same_yes(earlier, act, after):
        raise AlreadyVoted()
    else:
        approvals.change_decision(unit, after, earlier, act, role=role, note=tap.note)


def _same_yes(earlier: approvals.Act, act: approvals.Act, after: Approval) -> bool:
    """Whether somebody only says again what still stands: an edit since has made every earlier yes void."""
    void = bool(after.edits) and earlier.at < after.edits[-1].at
    return not void and meant(earlier.choice, earlier.answer) == meant(act.choice, act.answer)


# What leaves the decision to others is one yes of several.
_OPEN_AS = {Verb.EDIT: Verb.REVISE, **dict.fromkeys((Verb.APPROVE, Verb.CHOOSE, Verb.ANSWER), Verb.VOTE)}
# By what it became: who confirms another's edit has edited too, who changes it back has approved.
_SETTLED_AS = {State.EDITED: Verb.EDIT, State.APPROVED: Verb.APPROVE}


def _act(unit: Unit, after: Approval, tap: Tap, verb: Verb) -> approvals.Act:
    """What is recorded: of what leaves the decision to others, that it is one yes of several."""
    said = _said(after, tap)
    named = (said.choice, said.answer) if said else (None, None)
    word = _OPEN_AS.get(verb, verb) if after.pending else _SETTLED_AS.get(after.state, verb)
    return approvals.Act(tap.actor.user, word.value, unit.now, *named)


def _said(after: Approval, tap: Tap) -> Decision | Vote | None:
    """What this tap became: the decision, or one yes of several."""
    return after.decision or next((vote for vote in after.votes if vote.user == tap.actor.user), None)


def decision_of(unit: Unit, approval: Approval, kind: Decided, tap: Tap, **more: Any) -> Decision:
    """What this tap decides, with how long it took."""
    latency = approvals.latency_ms(approval, unit.now)
    note = tap.note.strip() if tap.note and tap.note.strip() else None
    return Decision(kind=kind, by=tap.actor.user, at=unit.now, note=note, latency_ms=latency, **more)


_NO_CLOCK = deadlines.Clock()


def granted(unit: Unit, approval: Approval, verb: Verb, decision: Decision) -> Approval:
    """The approval with a yes, which has to be claimed in time."""
    clock = deadlines.granted(unit.now, approval.policy.claim_seconds, approval.undo_seconds)
    return closed(unit, approval, verb, decision, clock)


def closed(
    unit: Unit, approval: Approval, verb: Verb, decision: Decision, clock: deadlines.Clock = _NO_CLOCK
) -> Approval:
    """The approval with its decision, and no clock that runs on but this one."""
    outcome = transition(approval.state, verb, unit.now, approval.deadlines)
    return replace(approval, state=outcome.state, decision=decision, clock=clock, info_request=None)


def _specifics(before: Approval, after: Approval, tap: Tap, verb: Verb) -> dict[str, Any]:
    """What the trail keeps of an act beside its state: the parameters before an edit, what was chosen or answered."""
    if verb is Verb.EDIT:
        return {"before": before.params}
    said = _said(after, tap)
    named = {"choice": said.choice, "answer": said.answer} if said else {}
    return {name: value for name, value in named.items() if value is not None}
