"""One act on an approval: one compare-and-set, re-authorised in the same transaction (DESIGN rule 1; CONTRACT guarantees 1-4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import IntegrityError

from bot.service import authority, disclosure, integrity, notices
from bot.service.taps import Lost, Outdated, Tap, authorise, check_note, loaded, record_refusal, role_of
from bot.service.waking import wake
from bot.world import World
from policies import deadlines
from policies.approval import Approval, Decision
from policies.errors import AlreadyVoted, InvalidInput, NotAllowed, Revoked, Settled, Stale, Tampered, TooLate
from policies.lifecycle import Verb, transition
from policies.routing import Level
from store import approvals, evidence, outbox
from store.audit import entry_of
from store.unit import Unit

Change = Callable[[Unit, Approval], Approval]


class Overtaken(Exception):
    """The row moved on between reading and writing it: look again."""


def act(world: World, tap: Tap, verb: Verb, change: Change) -> Approval:
    """Load, authorise, change, compare-and-set, record: one unit; every refusal is recorded too."""
    check_note(tap)
    try:
        return until_settled(
            lambda look: world.database.run(lambda unit: _acted(world, unit, tap, verb, change, again=look > 1))
        )
    except Tampered as error:
        integrity.tell(world, tap.approval_id, tap.actor.user, verb, error)
        raise
    except (NotAllowed, AlreadyVoted, Stale, Settled, TooLate) as error:
        record_refusal(world, tap, verb, str(error))
        raise


LOOKS = 10


def until_settled(work: Callable[[int], Approval]) -> Approval:
    """Look again whenever somebody else was between reading and writing: they may have voted, or have decided."""
    for look in range(1, LOOKS + 1):
        try:
            return work(look)
        except Overtaken:
            if look == LOOKS:
                raise Stale() from None
        except IntegrityError as error:
            if "uq_decisions_once_each" not in str(error) and "decisions.approval_id" not in str(error):
                raise
            if look == LOOKS:
                raise AlreadyVoted() from None
    raise AssertionError("unreachable")


def _acted(world: World, unit: Unit, tap: Tap, verb: Verb, change: Change, *, again: bool) -> Approval:
    approval = loaded(unit, tap.approval_id)
    authorise(approval, tap.actor)
    if _repeats(approval, tap, verb):
        return approval
    _require_current(unit, approval, tap, verb)
    if verb in _GRANTING and not evidence.holds(unit, approval):
        raise Overtaken
    changed = replace(change(unit, approval), version=approval.version + 1, updated_at=unit.now)
    if verb not in (Verb.REQUEST_INFO, Verb.ESCALATE, Verb.HAND_BACK, Verb.TAKE_OVER):
        _vote_once(unit, approval, changed, tap, verb, again=again)
    if not approvals.save(unit, approval, changed, in_time=approval.pending):
        raise Overtaken
    outbox.refresh(unit, changed.id, changed.version)
    notices.outcome(world, unit, changed)
    _record(unit, approval, changed, tap, verb)
    unit.after_commit(lambda: wake(world, changed))
    return changed


def _repeats(approval: Approval, tap: Tap, verb: Verb) -> bool:
    """A second tap of the same person for what they already decided changes nothing and is no error (G2)."""
    done = _DONE_BY.get(verb)
    decision = approval.decision
    return decision is not None and decision.kind == done and decision.by == tap.actor.user


_DONE_BY = {
    Verb.APPROVE: "approved",
    Verb.REJECT: "rejected",
    Verb.TAKE_OVER: "taken_over",
    Verb.HAND_BACK: "handed_back",
}


_GRANTING = (Verb.APPROVE, Verb.EDIT, Verb.CHOOSE, Verb.ANSWER)


def _require_current(unit: Unit, approval: Approval, tap: Tap, verb: Verb) -> None:
    try:
        transition(approval.state, verb, unit.now, approval.deadlines)
    except Settled as error:
        raise Lost(approval) from error
    if tap.digest != approval.digest:
        raise Outdated(approval)
    if verb in _GRANTING:
        _require_living(unit, approval)
    if verb in _GRANTING and approval.level is Level.HUMAN_TAKEOVER:
        raise NotAllowed("A person has to take this over or reject it; the agent may not run it.")
    if verb in _GRANTING:
        disclosure.require_shown(unit, approval, tap.actor.user)
    if verb is Verb.APPROVE and approval.request.kind != "confirm":
        raise InvalidInput("this request asks for an answer, not for a yes", field="kind")


def _require_living(unit: Unit, approval: Approval) -> None:
    try:
        authority.require_living(unit, approval)
    except Revoked as error:
        raise NotAllowed(str(error)) from error


def _vote_once(unit: Unit, before: Approval, after: Approval, tap: Tap, verb: Verb, *, again: bool) -> None:
    """Insert who decided, on the digest that now holds; the constraint refuses a second time.

    What the constraint sees is not read first: only when it refused, where the digest is about to be another, or where
    this person has other accounts, of which the constraint knows nothing.
    """
    accounts = tap.actor.accounts or (tap.actor.user,)
    look = again or after.digest != before.digest or len(accounts) > 1
    if look and approvals.vote_of(unit, before, accounts) is not None:
        if verb is Verb.REJECT:
            return  # a veto after one's own yes: the state records it
        if loaded(unit, before.id).version != before.version:
            raise Overtaken  # that vote came after the reading, and may have settled it
        raise AlreadyVoted()
    verb_word = _UNFINISHED.get(verb, verb) if after.pending else verb
    approvals.add_decision(
        unit, after, verb=verb_word.value, by=tap.actor.user, role=role_of(before, tap.actor), note=tap.note
    )


# What is recorded of an act that leaves the decision to others: a first yes of several, an edit to be confirmed.
_UNFINISHED = {Verb.APPROVE: Verb.VOTE, Verb.EDIT: Verb.REVISE}


def decision_of(unit: Unit, approval: Approval, kind: str, tap: Tap, **more: Any) -> Decision:
    """What this tap decides, with how long it took."""
    latency = approvals.latency_ms(approval, unit.now)
    note = tap.note.strip() if tap.note and tap.note.strip() else None
    return Decision(kind=kind, by=tap.actor.user, at=unit.now, note=note, latency_ms=latency, **more)


def granted(unit: Unit, approval: Approval, verb: Verb, decision: Decision) -> Approval:
    """The approval with a yes, which has to be claimed in time."""
    assert approval.policy is not None
    clock = deadlines.granted(unit.now, approval.policy.claim_seconds, approval.undo_seconds)
    return replace(closed(unit, approval, verb, decision), clock=clock)


def closed(unit: Unit, approval: Approval, verb: Verb, decision: Decision) -> Approval:
    """The approval with its decision, and no clock that runs on."""
    outcome = transition(approval.state, verb, unit.now, approval.deadlines)
    return replace(approval, state=outcome.state, decision=decision, clock=deadlines.Clock(), info_request=None)


def _record(unit: Unit, before: Approval, after: Approval, tap: Tap, verb: Verb) -> None:
    event = transition(before.state, verb, unit.now, before.deadlines).event
    unit.record(
        entry_of(
            after,
            event,
            unit.now,
            tap.actor.user,
            decision=after.state.value,
            rationale=tap.note,
            latency_ms=approvals.latency_ms(before, unit.now),
            extra={"team": tap.actor.team, "before": before.params} if verb is Verb.EDIT else {"team": tap.actor.team},
        )
    )
