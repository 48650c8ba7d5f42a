"""A person decides: what each verb does to an approval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.service import judge, notices, showing, staffing, submit
from bot.service.acts import act, closed, decision_of, granted
from bot.service.moving import reassigned
from bot.service.taps import Check, Tap, UnseenInPart, role_of
from bot.world import World
from policies import deadlines, quorum
from policies.approval import Approval, InfoRequest, Vote
from policies.digest import canonical
from policies.errors import InvalidInput
from policies.lifecycle import Verb, transition
from policies.permissions import Actor
from policies.principals import by_person
from policies.request import check_params
from policies.routing import Level, Route, RouteName
from policies.sentences import sentence
from store.unit import Unit


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
        return granted(unit, approval, Verb.APPROVE, decision_of(unit, approval, "approved", tap))

    return act(world, tap, Verb.APPROVE, change)


def reject(world: World, tap: Tap, *, check: Check | None = None) -> Approval:
    """Say no, with the reason the agent is told (B6); raises what `check` raises too."""

    def change(unit: Unit, approval: Approval) -> Approval:
        if check is not None:
            check(unit, approval)
        return closed(unit, approval, Verb.REJECT, decision_of(unit, approval, "rejected", tap))

    if not (tap.note and tap.note.strip()):
        raise InvalidInput("a reason is needed", field="reason")
    return act(world, tap, Verb.REJECT, change)


def choose(world: World, tap: Tap, choice: str) -> Approval:
    """Pick one of the candidates."""

    def change(unit: Unit, approval: Approval) -> Approval:
        if choice not in {option.id for option in approval.request.choices or []}:
            raise InvalidInput("is not one of the candidates", field="choice")
        return granted(unit, approval, Verb.CHOOSE, decision_of(unit, approval, "chosen", tap, choice=choice))

    return act(world, tap, Verb.CHOOSE, change)


def answer(world: World, tap: Tap, text: str) -> Approval:
    """Answer the agent's open question."""

    def change(unit: Unit, approval: Approval) -> Approval:
        if approval.request.kind != "input":
            raise InvalidInput("this request asks no open question", field="answer")
        return granted(unit, approval, Verb.ANSWER, decision_of(unit, approval, "answered", tap, answer=text))

    if not text.strip():
        raise InvalidInput("an answer is needed", field="answer")
    return act(world, tap, Verb.ANSWER, change)


def take_over(world: World, tap: Tap) -> Approval:
    """Do it by hand: from now on the agent only reads (C4)."""

    def change(unit: Unit, approval: Approval) -> Approval:
        taken = closed(unit, approval, Verb.TAKE_OVER, decision_of(unit, approval, "taken_over", tap))
        notices.takeover(world, unit, taken)
        return taken

    return act(world, tap, Verb.TAKE_OVER, change)


def hand_back(world: World, tap: Tap, steps: list[str]) -> Approval:
    """Return what was taken over, with the steps done by hand."""

    def change(unit: Unit, approval: Approval) -> Approval:
        decision = decision_of(unit, approval, "handed_back", tap, human_steps=steps)
        notices.handed_back(unit, approval)
        return closed(unit, approval, Verb.HAND_BACK, decision)

    if not steps:
        raise InvalidInput("say what was done, one step a line", field="steps")
    return act(world, tap, Verb.HAND_BACK, change)


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
    return act(world, replace(tap, note=question), Verb.REQUEST_INFO, change)


def escalate(world: World, tap: Tap) -> Approval:
    """Not sure either: hand the card to the next role of the path, or tell operations where there is none (C1)."""

    def change(unit: Unit, approval: Approval) -> Approval:
        assert approval.policy is not None
        outcome = transition(approval.state, Verb.ESCALATE, unit.now, approval.deadlines)
        roles = staffing.roles_ahead(approval.policy, approval.role)[1:]
        abstained = replace(approval, state=outcome.state, asked=(*approval.asked, tap.actor.user))
        return reassigned(world, unit, abstained, roles, staffing.Staff(world, unit))

    return act(world, tap, Verb.ESCALATE, change)


def edit(world: World, tap: Tap, params: dict[str, Any]) -> Approval:
    """Change the parameters and go on; the policy judges the new ones (CONTRACT, fine print)."""

    def change(unit: Unit, approval: Approval) -> Approval:
        assert approval.policy is not None
        check_params(approval.policy.params_schema, params)
        if params == approval.params and _typed(params) == _typed(approval.params):
            raise InvalidInput("nothing was changed", field="params")
        return _edited(world, unit, approval, tap, params)

    return act(world, tap, Verb.EDIT, change)


def _typed(params: dict[str, Any]) -> str:
    return canonical(params)


def _edited(world: World, unit: Unit, approval: Approval, tap: Tap, params: dict[str, Any]) -> Approval:
    policy = approval.policy
    assert policy is not None
    judge.take_turn(unit, approval)
    found = judge.again(unit, approval, params)
    if found.name is RouteName.DENY:
        raise InvalidInput(f"refused by policy: {found.why[0]}", field="params")
    before = judge.again(unit, approval, approval.params)
    words = sentence(policy.describe, policy.title, params)
    changed = replace(approval, params=params, sentence=words, why=found.cited, votes=())
    if _riskier(before, found) or found.role != before.role or quorum.total(policy.approvers) > 1:
        return _revised(unit, changed, found)
    decision = decision_of(unit, approval, "edited", tap, edited_params=params)
    return submit.sealed(granted(unit, changed, Verb.EDIT, decision))


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


def _voters(world: World, approval: Approval, actor: Actor) -> dict[str, frozenset[str]]:
    """Every person who said yes, by whichever account, with the roles they hold today: who left one no longer counts."""
    roster = world.book.roster
    earlier = {vote.user: world.directory.roles_of(roster, vote.user) for vote in approval.votes}
    return by_person(world.directory.register(roster), earlier | {actor.user: actor.roles})


def _voted(unit: Unit, approval: Approval, actor: Actor) -> Approval:
    outcome = transition(approval.state, Verb.VOTE, unit.now, approval.deadlines)
    vote = Vote(actor.user, role_of(approval, actor), unit.now)
    return replace(approval, state=outcome.state, votes=(*approval.votes, vote))
