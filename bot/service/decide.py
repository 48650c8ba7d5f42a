"""A person decides: what each verb does to an approval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.service import ballots, judge, notices, resubmission, seating, showing, staffing, submit
from bot.service.advance import Draft
from bot.service.authorization import MAX_NOTE, Check, Tap, UnseenInPart, role_of
from bot.service.context import Context, World
from bot.service.decision_transaction import act, closed, decision_of, granted
from bot.service.notices import Say
from bot.service.reassignment import reassigned
from policies import deadlines, edits
from policies.approval import Approval, Decided, InfoRequest, Vote, meant
from policies.edits import Edit
from policies.errors import InvalidInput
from policies.frozen_values import replace
from policies.lifecycle import Verb, transition
from policies.messages import Notice
from policies.permissions import Actor
from policies.request import check_params
from policies.routing import Level, Route, RouteName
from policies.sentences import sentence
from store.unit import Unit

SeenEnough = Callable[[Approval], bool]


def _all_seen(_: Approval) -> bool:
    """A form shows everything on its pages before it can be sent."""
    return True


def approve(
    world: World,
    tap: Tap,
    *,
    seen_enough: SeenEnough = _all_seen,
    check: Check | None = None,
    granting: Say | None = None,
) -> Approval:
    """Say yes; where more people are needed, one of the yeses. With the last one, `granting` happens too.

    Raises UnseenInPart where `seen_enough` denies that this tap came from a view of everything, and what `check` raises.
    """

    def change(ctx: Context, approval: Approval) -> Draft | Approval:
        if check is not None:
            check(ctx.unit, approval)
        found = _consented(ctx, approval, tap, yes=_Yes(Verb.APPROVE, Decided.APPROVED), seen_enough=seen_enough)
        return Draft(found, (granting,)) if granting and isinstance(found, Approval) and found.granted else found

    return act(world, tap, Verb.APPROVE, change)


def reject(world: World, tap: Tap, *, check: Check | None = None) -> Approval:
    """Say no, with the reason the agent is told (docs/rules.md: B6); raises what `check` raises too."""

    def change(ctx: Context, approval: Approval) -> Draft | Approval:
        if check is not None:
            check(ctx.unit, approval)
        rejected = closed(ctx.unit, approval, Verb.REJECT, decision_of(ctx.unit, approval, Decided.REJECTED, tap))
        return Draft(rejected, (partial(resubmission.tell_others, by=tap.actor.user),))

    if not (tap.note and tap.note.strip()):
        raise InvalidInput("a reason is needed", field="reason")
    return act(world, tap, Verb.REJECT, change)


def choose(world: World, tap: Tap, choice: str, *, seen_enough: SeenEnough = _all_seen) -> Approval:
    """Say yes with one of the candidates; of several people, only those who pick the same one count together.

    Raises UnseenInPart as `approve` does.
    """

    def change(ctx: Context, approval: Approval) -> Draft | Approval:
        if choice not in {option.id for option in approval.request.choices or []}:
            raise InvalidInput("is not one of the candidates", field="choose")
        return _consented(
            ctx, approval, tap, yes=_Yes(Verb.CHOOSE, Decided.CHOSEN, choice=choice), seen_enough=seen_enough
        )

    return act(world, tap, Verb.CHOOSE, change)


def answer(world: World, tap: Tap, text: str) -> Approval:
    """Say yes with an answer to the agent's open question; of several people, only the same answer counts together."""

    def change(ctx: Context, approval: Approval) -> Draft | Approval:
        return _consented(
            ctx, approval, tap, yes=_Yes(Verb.ANSWER, Decided.ANSWERED, answer=text), seen_enough=_all_seen
        )

    if not text.strip():
        raise InvalidInput("an answer is needed", field="answer")
    if len(text) > MAX_NOTE:
        raise InvalidInput(f"longer than {MAX_NOTE} characters", field="answer")
    return act(world, tap, Verb.ANSWER, change)


@dataclass(frozen=True, slots=True)
class _Yes:
    """A yes to the action, whatever the question was: plain, with a choice, or with an answer."""

    verb: Verb
    kind: Decided
    choice: str | None = None
    answer: str | None = None


def _consented(ctx: Context, approval: Approval, tap: Tap, *, yes: _Yes, seen_enough: SeenEnough) -> Draft | Approval:
    """The approval with one more yes: granted where it was the last that was needed."""
    if not seen_enough(approval):
        raise UnseenInPart(approval)
    said = {"choice": yes.choice, "answer": yes.answer}
    if not ballots.tally(ctx.world, approval, meant(**said), tap.actor).met:
        voted = _voted(ctx.unit, approval, tap.actor, **said)
        return seating.reseated(ctx, voted, f"{staffing.name_of(ctx.world, tap.actor.user)} said yes")
    if approval.edited:
        decision = decision_of(ctx.unit, approval, Decided.EDITED, tap, edited_params=approval.params, **said)
        return granted(ctx.unit, approval, Verb.CONFIRM, decision)
    return granted(ctx.unit, approval, yes.verb, decision_of(ctx.unit, approval, yes.kind, tap, **said))


def take_over(world: World, tap: Tap) -> Approval:
    """Do it by hand: from now on the agent only reads (docs/rules.md: C4)."""

    def change(ctx: Context, approval: Approval) -> Draft | Approval:
        taken = closed(ctx.unit, approval, Verb.TAKE_OVER, decision_of(ctx.unit, approval, Decided.TAKEN_OVER, tap))
        return Draft(taken, (notices.takeover,))

    return act(world, tap, Verb.TAKE_OVER, change)


def hand_back(world: World, tap: Tap, steps: list[str]) -> Approval:
    """Return what was taken over, with the steps done by hand."""

    def change(ctx: Context, approval: Approval) -> Draft | Approval:
        decision = decision_of(ctx.unit, approval, Decided.HANDED_BACK, tap, human_steps=steps)
        given = closed(ctx.unit, approval, Verb.HAND_BACK, decision)
        return Draft(given, (notices.takeover_over(approval),))

    if not steps:
        raise InvalidInput("say what was done, one step per line", field="steps")
    return act(world, tap, Verb.HAND_BACK, change)


def request_info(world: World, tap: Tap, question: str) -> Approval:
    """Ask the agent; the clock stands still until it answers (docs/rules.md: C1)."""

    def change(ctx: Context, approval: Approval) -> Draft | Approval:
        if approval.info_request is not None:
            raise InvalidInput("a question is open already", field="question")
        outcome = transition(approval.state, Verb.REQUEST_INFO, ctx.now, approval.deadlines)
        asked = replace(
            approval,
            state=outcome.state,
            info_request=InfoRequest(question, tap.actor.user, ctx.now),
            clock=deadlines.paused(approval.clock, ctx.now),
        )
        return Draft(asked, (showing.set_apart, notices.in_thread(Notice.INFO_REQUESTED)))

    if not question.strip():
        raise InvalidInput("a question is needed", field="question")
    return act(world, replace(tap, note=question), Verb.REQUEST_INFO, change)


def escalate(world: World, tap: Tap) -> Approval:
    """Not sure either: hand the card to the next role of the path, or tell operations where there is none (docs/rules.md: C1)."""

    def change(ctx: Context, approval: Approval) -> Draft | Approval:
        outcome = transition(approval.state, Verb.ESCALATE, ctx.now, approval.deadlines)
        roles, staff = staffing.roles_ahead(approval.policy, approval.role)[1:], staffing.Staff(ctx)
        abstained = replace(approval, state=outcome.state, asked=(*approval.asked, tap.actor.user))
        own = [seat for seat in approval.seats if seat.user in (tap.actor.user, *tap.actor.accounts)]
        if any(staff.instead_of(abstained, seat) for seat in own):
            roles = []  # somebody else of their role takes their seat, and the turn stays where it is
        return reassigned(ctx, abstained, roles, staff, going=own.__contains__)

    return act(world, tap, Verb.ESCALATE, change)


def edit(world: World, tap: Tap, params: dict[str, Any]) -> Approval:
    """Change the parameters and say yes to them; the policy judges the new ones."""

    def change(ctx: Context, approval: Approval) -> Draft | Approval:
        check_params(approval.policy.params_schema, params)
        if not edits.differ(approval.params, params):
            raise InvalidInput("nothing was changed", field="params")
        edits.check_room(approval.edits)
        return _edited(ctx, approval, tap, params)

    return act(world, tap, Verb.EDIT, change)


def _edited(ctx: Context, approval: Approval, tap: Tap, params: dict[str, Any]) -> Draft | Approval:
    """The approval with the new parameters, and its editor's yes to them; every earlier yes was to other ones."""
    policy = approval.policy
    judge.take_turn(ctx.unit, approval)
    found = judge.again(ctx.unit, approval, params)
    if found.name is RouteName.DENY:
        raise InvalidInput(f"refused by policy: {found.why[0]}", field="params")
    decision = decision_of(ctx.unit, approval, Decided.EDITED, tap, edited_params=params)
    edit_ = Edit(
        tap.actor.user, ctx.now, decision.note, approval.params, _alone(ctx, approval, tap, params=params, found=found)
    )
    words = sentence(policy.describe, policy.title, params)
    changed = replace(
        approval, params=params, sentence=words, why=found.cited, votes=(), edits=(*approval.edits, edit_)
    )
    if not ballots.tally(ctx.world, changed, actor=tap.actor).met:
        because = f"{staffing.name_of(ctx.world, tap.actor.user)} changed it"
        role = None if found.role == policy.role else found.role
        revised = _revised(ctx.unit, changed, found, tap.actor)
        moved = seating.reseated(ctx, revised, because, role=role, changed=True)
        return replace(moved, says=(showing.set_apart, *moved.says))
    if not changed.edited:  # changed back to what was asked
        return submit.sealed(
            granted(ctx.unit, changed, Verb.APPROVE, decision_of(ctx.unit, approval, Decided.APPROVED, tap))
        )
    return submit.sealed(granted(ctx.unit, changed, Verb.EDIT, decision))


def _alone(ctx: Context, approval: Approval, tap: Tap, *, params: dict[str, Any], found: Route) -> bool:
    """Whether one person may change so much: within their reach, and policy wants no more than it did before."""
    policy, me = approval.policy, ballots.person_of(ctx.world, tap.actor.user)
    base = edits.base(approval.edits, approval.params, lambda user: ballots.person_of(ctx.world, user) == me)
    before = judge.again(ctx.unit, approval, base)
    return edits.alone(policy, base, params) and not _riskier(before, found) and found.role == before.role


def _riskier(before: Route, after: Route) -> bool:
    """Whether it now has to be taken over, or passes a limit or a rule of the manifest that it did not pass before."""
    if after.level is Level.HUMAN_TAKEOVER:
        return True
    fresh = {key for key in after.keys if key} - set(before.keys)
    return any(key == "conditions.always_approve_above_usd" or key.startswith("rules.") for key in fresh)


def _revised(unit: Unit, approval: Approval, found: Route, actor: Actor) -> Approval:
    """Still open for another person, with no less oversight than it had."""
    outcome = transition(approval.state, Verb.REVISE, unit.now, approval.deadlines)
    reached = dict.fromkeys([*approval.reached_roles, *([found.role] if found.role else [])])
    level = max((level for level in (approval.level, found.level) if level), key=lambda level: level.rank)
    votes = (Vote(actor.user, role_of(approval, actor), unit.now),)
    revised = replace(approval, state=outcome.state, level=level, reached_roles=tuple(reached), votes=votes)
    return submit.sealed(revised)


def _voted(
    unit: Unit, approval: Approval, actor: Actor, *, choice: str | None = None, answer: str | None = None
) -> Approval:
    """One more yes of several; who meant something else before means this now."""
    outcome = transition(approval.state, Verb.VOTE, unit.now, approval.deadlines)
    vote = Vote(actor.user, role_of(approval, actor), unit.now, choice, answer)
    others = (other for other in approval.votes if other.user not in (actor.user, *actor.accounts))
    return replace(approval, state=outcome.state, votes=(*others, vote))
