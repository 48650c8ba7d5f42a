"""A person decides: one compare-and-set, re-authorised in the same transaction (DESIGN rule 1; CONTRACT guarantees 1-4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import IntegrityError

from bot.service import judge, notices, showing, staffing, submit
from bot.world import World
from policies import deadlines, quorum
from policies.approval import Approval, Decision, InfoRequest, Vote
from policies.assignment import Choice
from policies.digest import canonical
from policies.errors import (
    AlreadyVoted,
    InvalidInput,
    NotAllowed,
    NotFound,
    Refused,
    SaysoError,
    Settled,
    Stale,
    TooLate,
)
from policies.lifecycle import State, Verb, transition
from policies.permissions import Actor, genuine, may_administer, may_decide
from policies.request import check_params
from policies.routing import Level, Route, RouteName
from policies.sentences import sentence
from store import approvals, outbox
from store.audit import entry_of
from store.unit import Unit

MAX_NOTE = 3000


@dataclass(frozen=True, slots=True)
class Tap:
    """One act of one person on what they saw: `digest` is the one their card or modal carried."""

    approval_id: str
    digest: str
    actor: Actor
    note: str | None = None


class Lost(Settled):
    """This approval is no longer open: it is {state}."""

    def __init__(self, approval: Approval) -> None:
        super().__init__(state=approval.state.value)
        self.approval = approval


class Outdated(Stale):
    """The request has changed since this card was drawn. The card now shows its current state."""

    def __init__(self, approval: Approval) -> None:
        super().__init__()
        self.approval = approval


_Change = Callable[[Unit, Approval], Approval]


class Overtaken(Exception):
    """The row moved on between reading and writing it: look again."""


class UnseenInPart(SaysoError):
    """Not everything fits on the card: read the whole request first."""

    def __init__(self, approval: Approval) -> None:
        super().__init__()
        self.approval = approval


Check = Callable[[Unit, Approval], None]
"""Raises where a tap may not count, asked in the deciding transaction."""


def approve(
    world: World, tap: Tap, *, seen_enough: Callable[[Approval], bool] = lambda _: True, check: Check | None = None
) -> Approval:
    """Say yes; where more people are needed, one of the yeses.

    Raises UnseenInPart where `seen_enough` denies that this tap came from a view of everything, and what `check` raises.
    """

    def change(unit: Unit, approval: Approval) -> Approval:
        if check is not None:
            check(unit, approval)
        if not seen_enough(approval):
            raise UnseenInPart(approval)
        voters = _voters(world, approval, tap.actor)
        assert approval.policy is not None
        if not quorum.met(approval.policy.approvers, voters, approval.reached_roles):
            return _voted(unit, approval, tap.actor)
        return _granted(unit, approval, Verb.APPROVE, _decision(unit, approval, "approved", tap))

    return _act(world, tap, Verb.APPROVE, change)


def reject(world: World, tap: Tap, *, check: Check | None = None) -> Approval:
    """Say no, with the reason the agent is told (B6); raises what `check` raises too."""

    def change(unit: Unit, approval: Approval) -> Approval:
        if check is not None:
            check(unit, approval)
        return _closed(unit, approval, Verb.REJECT, _decision(unit, approval, "rejected", tap))

    if not (tap.note and tap.note.strip()):
        raise InvalidInput("a reason is needed", field="reason")
    return _act(world, tap, Verb.REJECT, change)


def choose(world: World, tap: Tap, choice: str) -> Approval:
    """Pick one of the candidates."""

    def change(unit: Unit, approval: Approval) -> Approval:
        if choice not in {option.id for option in approval.request.choices or []}:
            raise InvalidInput("is not one of the candidates", field="choice")
        return _granted(unit, approval, Verb.CHOOSE, _decision(unit, approval, "chosen", tap, choice=choice))

    return _act(world, tap, Verb.CHOOSE, change)


def answer(world: World, tap: Tap, text: str) -> Approval:
    """Answer the agent's open question."""

    def change(unit: Unit, approval: Approval) -> Approval:
        if approval.request.kind != "input":
            raise InvalidInput("this request asks no open question", field="answer")
        return _granted(unit, approval, Verb.ANSWER, _decision(unit, approval, "answered", tap, answer=text))

    if not text.strip():
        raise InvalidInput("an answer is needed", field="answer")
    return _act(world, tap, Verb.ANSWER, change)


def take_over(world: World, tap: Tap) -> Approval:
    """Do it by hand: from now on the agent only reads (C4)."""

    def change(unit: Unit, approval: Approval) -> Approval:
        taken = _closed(unit, approval, Verb.TAKE_OVER, _decision(unit, approval, "taken_over", tap))
        notices.takeover(world, unit, taken)
        return taken

    return _act(world, tap, Verb.TAKE_OVER, change)


def hand_back(world: World, tap: Tap, steps: list[str]) -> Approval:
    """Return what was taken over, with the steps done by hand."""

    def change(unit: Unit, approval: Approval) -> Approval:
        decision = _decision(unit, approval, "handed_back", tap, human_steps=steps)
        notices.handed_back(unit, approval)
        return _closed(unit, approval, Verb.HAND_BACK, decision)

    if not steps:
        raise InvalidInput("say what was done, one step a line", field="steps")
    return _act(world, tap, Verb.HAND_BACK, change)


def request_info(world: World, tap: Tap, question: str) -> Approval:
    """Ask the agent; the clock stands still until it answers (C1)."""

    def change(unit: Unit, approval: Approval) -> Approval:
        if approval.info_request is not None:
            raise InvalidInput("a question is open already", field="question")
        outcome = transition(approval.state, Verb.REQUEST_INFO, unit.now, approval.deadlines)
        asked = replace(
            approval,
            state=outcome.state,
            info_request=InfoRequest(question, tap.actor.user, unit.now),
            clock=deadlines.paused(approval.clock, unit.now),
        )
        after = replace(asked, version=asked.version + 1)
        showing.set_apart(unit, after)
        notices.in_thread(unit, after, "info_requested")
        return asked

    if not question.strip():
        raise InvalidInput("a question is needed", field="question")
    return _act(world, replace(tap, note=question), Verb.REQUEST_INFO, change)


def escalate(world: World, tap: Tap) -> Approval:
    """Not sure either: hand the card to the next role of the path, or tell operations where there is none (C1)."""

    def change(unit: Unit, approval: Approval) -> Approval:
        assert approval.policy is not None
        outcome = transition(approval.state, Verb.ESCALATE, unit.now, approval.deadlines)
        roles = staffing.roles_ahead(approval.policy, approval.role)[1:]
        abstained = replace(approval, state=outcome.state, asked=(*approval.asked, tap.actor.user))
        return reassigned(world, unit, abstained, roles, staffing.Staff(world, unit))

    return _act(world, tap, Verb.ESCALATE, change)


def edit(world: World, tap: Tap, params: dict[str, Any]) -> Approval:
    """Change the parameters and go on; the policy judges the new ones (CONTRACT, fine print)."""

    def change(unit: Unit, approval: Approval) -> Approval:
        assert approval.policy is not None
        check_params(approval.policy.params_schema, params)
        if params == approval.params and _typed(params) == _typed(approval.params):
            raise InvalidInput("nothing was changed", field="params")
        return _edited(world, unit, approval, tap, params)

    return _act(world, tap, Verb.EDIT, change)


def _typed(params: dict[str, Any]) -> str:
    return canonical(params)


def _edited(world: World, unit: Unit, approval: Approval, tap: Tap, params: dict[str, Any]) -> Approval:
    policy = approval.policy
    assert policy is not None
    found = judge.again(unit, approval, params)
    if found.name is RouteName.DENY:
        raise InvalidInput(f"refused by policy: {found.why[0]}", field="params")
    before = judge.again(unit, approval, approval.params)
    words = sentence(policy.describe, policy.title, params)
    changed = replace(approval, params=params, sentence=words, why=found.cited, votes=())
    if _riskier(before, found) or found.role != before.role or quorum.total(policy.approvers) > 1:
        return _revised(unit, changed, found)
    decision = _decision(unit, approval, "edited", tap, edited_params=params)
    return submit.sealed(_granted(unit, changed, Verb.EDIT, decision))


def _riskier(before: Route, after: Route) -> bool:
    """Whether it now has to be taken over, or passes a limit or a rule of the manifest that it did not pass before."""
    if after.level is Level.HUMAN_TAKEOVER:
        return True
    fresh = {key for key in after.keys if key} - set(before.keys)
    return any(key == "conditions.always_approve_above_usd" or key.startswith("rules.") for key in fresh)


def _revised(unit: Unit, approval: Approval, found: Route) -> Approval:
    """Still open for another person, with no less oversight than it had."""
    outcome = transition(approval.state, Verb.REVISE, unit.now, approval.deadlines)
    reached = dict.fromkeys([*approval.reached_roles, *([found.role] if found.role else [])])
    level = max((level for level in (approval.level, found.level) if level), key=lambda level: level.rank)
    revised = replace(approval, state=outcome.state, level=level, reached_roles=tuple(reached))
    showing.set_apart(unit, replace(revised, version=approval.version + 1))
    return submit.sealed(revised)


def reassigned(
    world: World, unit: Unit, approval: Approval, roles: list[str], staff: staffing.Staff, because: str = ""
) -> Approval:
    """The approval with its next reviewer, told by a new card; where nobody is left, operations hear of it (E3).

    Where those who are left are only not there now, they are looked for again when they are back. The caller saves it:
    the version here is the one before.
    """
    choice = staff.next(approval, roles) if roles else None
    if choice is not None:
        why = f"{choice.why}; {because}" if because else choice.why
        staff.moved(approval.assignee, choice.user)
        return moved_to(world, unit, approval, replace(choice, why=why))
    again = staff.soonest(approval, roles) if roles else None
    clock, now, since = approval.clock, unit.now, approval.created_at
    after = deadlines.asked_again(clock, again, now, since) if again else deadlines.exhausted(clock, now, since)
    left = replace(approval, clock=after)
    notices.nobody_left(world, unit, left)
    return left


def moved_to(world: World, unit: Unit, approval: Approval, choice: Choice) -> Approval:
    """The approval on somebody else's desk, with a fresh SLA: a new card for them, and the old one says where it went."""
    moved = replace(
        approval,
        assignee=choice.user,
        role=choice.role,
        reached_roles=tuple(dict.fromkeys([*approval.reached_roles, *choice.passed_roles])),
        asked=(*approval.asked, choice.user),
        assigned_why=choice.why,
    )
    moved = staffing.handed(world, unit, replace(moved, clock=staffing.fresh_sla(world, unit, moved)))
    showing.next_card(unit, replace(moved, version=approval.version + 1))
    return moved


def look(world: World, approval_id: str, actor: Actor) -> Approval:
    """The approval for somebody who wants to decide it; raises NotFound and NotAllowed."""

    def work(unit: Unit) -> Approval:
        approval = loaded(unit, approval_id)
        authorise(approval, actor)
        return approval

    return world.database.read(work)


def loaded(unit: Unit, approval_id: str) -> Approval:
    """The approval as it is now; raises NotFound."""
    approval = approvals.load(unit, approval_id)
    if approval is None:
        raise NotFound()
    return approval


def read(world: World, approval_id: str, actor: Actor) -> Approval:
    """The approval for anybody of the home team who wants to see it; raises NotFound and Refused."""
    require_genuine(actor)
    return world.database.read(lambda unit: loaded(unit, approval_id))


def require_genuine(actor: Actor) -> None:
    """Raise Refused unless this is an active, full member of the home team."""
    refusal = genuine(actor)
    if refusal is not None:
        raise Refused(refusal)


def require_admin(actor: Actor) -> None:
    """Raise Refused unless this person may steer Sayso."""
    refusal = may_administer(actor)
    if refusal is not None:
        raise Refused(refusal)


def require_open(approval: Approval, tap: Tap) -> None:
    """Raise Lost where it is decided, Outdated where the person saw an earlier version."""
    if not (approval.pending or approval.state is State.TAKEN_OVER):
        raise Lost(approval)
    if approval.digest != tap.digest:
        raise Outdated(approval)


def refusal_of(approval: Approval, actor: Actor) -> str | None:
    """Why this person may not decide it, in words for them; None where they may."""
    return may_decide(actor, roles=approval.roles_that_decide, on_behalf_of=approval.request.on_behalf_of)


def authorise(approval: Approval, actor: Actor) -> None:
    """Raise NotAllowed unless this person may decide this approval."""
    refusal = refusal_of(approval, actor)
    if refusal is not None:
        raise NotAllowed(refusal)


def _act(world: World, tap: Tap, verb: Verb, change: _Change) -> Approval:
    """Load, authorise, change, compare-and-set, record: one unit; every refusal is recorded too."""
    check_note(tap)
    try:
        return until_settled(
            lambda look: world.database.run(lambda unit: _acted(world, unit, tap, verb, change, again=look > 1))
        )
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


def _acted(world: World, unit: Unit, tap: Tap, verb: Verb, change: _Change, *, again: bool) -> Approval:
    approval = loaded(unit, tap.approval_id)
    authorise(approval, tap.actor)
    if _repeats(approval, tap, verb):
        return approval
    _require_current(unit, approval, tap, verb)
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
    if verb in _GRANTING and approval.level is Level.HUMAN_TAKEOVER:
        raise NotAllowed("A person has to take this over or reject it; the agent may not run it.")
    if verb is Verb.APPROVE and approval.request.kind != "confirm":
        raise InvalidInput("this request asks for an answer, not for a yes", field="kind")


def _vote_once(unit: Unit, before: Approval, after: Approval, tap: Tap, verb: Verb, *, again: bool) -> None:
    """Insert who decided, on the digest that now holds; the constraint refuses a second time.

    What the constraint sees is not read first: only when it refused, or where the digest is about to be another.
    """
    if (again or after.digest != before.digest) and approvals.vote_of(unit, before, tap.actor.user) is not None:
        if verb is Verb.REJECT:
            return  # a veto after one's own yes: the state records it
        if loaded(unit, before.id).version != before.version:
            raise Overtaken  # that vote came after the reading, and may have settled it
        raise AlreadyVoted()
    role = next(iter(sorted(tap.actor.roles.intersection(before.roles_that_decide))), "")
    verb_word = _UNFINISHED.get(verb, verb) if after.pending else verb
    approvals.add_decision(unit, after, verb=verb_word.value, by=tap.actor.user, role=role, note=tap.note)


# What is recorded of an act that leaves the decision to others: a first yes of several, an edit to be confirmed.
_UNFINISHED = {Verb.APPROVE: Verb.VOTE, Verb.EDIT: Verb.REVISE}


def _voters(world: World, approval: Approval, actor: Actor) -> dict[str, frozenset[str]]:
    """Everybody who said yes, with the roles they hold today: who left a role since no longer counts."""
    roster = world.book.roster
    earlier = {vote.user: world.directory.roles_of(roster, vote.user) for vote in approval.votes}
    return earlier | {actor.user: actor.roles}


def _voted(unit: Unit, approval: Approval, actor: Actor) -> Approval:
    outcome = transition(approval.state, Verb.VOTE, unit.now, approval.deadlines)
    role = next(iter(sorted(actor.roles.intersection(approval.roles_that_decide))), "")
    return replace(approval, state=outcome.state, votes=(*approval.votes, Vote(actor.user, role, unit.now)))


def _decision(unit: Unit, approval: Approval, kind: str, tap: Tap, **more: Any) -> Decision:
    latency = approvals.latency_ms(approval, unit.now)
    note = tap.note.strip() if tap.note and tap.note.strip() else None
    return Decision(kind=kind, by=tap.actor.user, at=unit.now, note=note, latency_ms=latency, **more)


def _granted(unit: Unit, approval: Approval, verb: Verb, decision: Decision) -> Approval:
    assert approval.policy is not None
    closed = _closed(unit, approval, verb, decision)
    clock = deadlines.granted(unit.now, approval.policy.claim_seconds, approval.undo_seconds)
    return replace(closed, clock=clock)


def _closed(unit: Unit, approval: Approval, verb: Verb, decision: Decision) -> Approval:
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


def record_refusal(world: World, tap: Tap, verb: Verb, reason: str) -> None:
    """Keep in the audit that somebody tried, and why it was refused."""

    def record(unit: Unit) -> None:
        approval = approvals.load(unit, tap.approval_id)
        if approval is not None:
            unit.record(entry_of(approval, "refused", unit.now, tap.actor.user, decision=verb.value, rationale=reason))

    world.database.run(record)


def wake(world: World, approval: Approval) -> None:
    """After the commit: whoever waits for it, the courier, and the sweep's alarm."""
    world.signals.approval_changed(approval.id)
    world.signals.outbox_filled()
    if approval.clock.wake_at:
        world.signals.deadline_set(approval.clock.wake_at)


def check_note(tap: Tap) -> None:
    """Raise InvalidInput for a note that is too long."""
    if tap.note is not None and len(tap.note) > MAX_NOTE:
        raise InvalidInput(f"longer than {MAX_NOTE} characters", field="note")
