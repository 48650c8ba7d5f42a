"""Asking again: what an agent asked before, told on the card, sent to whoever said no, and refused when it is enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.service import staffing
from bot.service.advance import advance
from bot.service.authority import Authority
from bot.service.context import Context, World
from policies import resubmission, sameness
from policies.amounts import amount_of
from policies.approval import Approval, Decided
from policies.assignment import Choice
from policies.deadlines import Clock
from policies.earlier import Again, Earlier, What
from policies.files.policy import Policy
from policies.frozen_values import replace
from policies.levels import Level
from policies.lifecycle import EXECUTED, GRANTED, State
from policies.principals import Principal
from policies.request import Request
from policies.resubmission import HOUR, SHOWN
from policies.routing import Route, RouteName
from store import resubmissions
from store.agents import Agent
from store.prior_history import Asking, Before
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Past:
    """What the store knows of a request that may have been asked before.

    `meant` is the open approval that is meant again; `others` are open ones of the same that are another thing. Where the
    agent did not withdraw anything within the hour, nobody was pinged for nothing.
    """

    again: Again | None = None
    meant: Approval | None = None
    others: tuple[Approval, ...] = ()
    withdrew: bool = True


def past_of(
    ctx: Context,
    agent: Agent,
    request: Request,
    *,
    policy: Policy,
    authority: Authority,
    step: str | None,
    asked_as: str,
    known: Before,
) -> Past:
    """What this agent and those it acts for asked before; `step` is what the agent calls this one, if it does."""
    if not policy.known:
        return Past(withdrew=known.withdrew)
    above = authority.above_ids(agent)
    if known.kin is not None and not above:
        found = resubmissions.these(ctx.unit, known.kin)
    else:
        since = _since(ctx, policy)
        found = resubmissions.kin(ctx.unit, {agent.id, *above}, request.action, asked_as=asked_as, since=since)
    same = [one for one in found if one.asked_as == asked_as]
    waiting = tuple(one for one in same if one.pending)
    meant = next((one for one in waiting if _meant(one, agent, request, authority, step)), None)
    if meant is not None:
        return Past(meant=meant)
    allowed_at = _last_allowed(same)
    told = [
        earlier
        for one in found
        if (earlier := _earlier(ctx, agent, request, policy=policy, one=one, asked_as=asked_as)) is not None
        and not (earlier.no and not earlier.differs and earlier.at <= allowed_at)
    ]
    return Past(resubmission.again(told), None, waiting, known.withdrew)


def asking(ctx: Context, agent: Agent, request: Request, *, policy: Policy, asked_as: str) -> Asking:
    """What `past_of` asks of the agent's own past, for the read that asks for all the rest."""
    return Asking(agent.token, request.action, asked_as, _since(ctx, policy))


def _since(ctx: Context, policy: Policy) -> datetime:
    return ctx.now - timedelta(seconds=policy.resubmit_seconds)


def _meant(one: Approval, agent: Agent, request: Request, authority: Authority, step: str | None) -> bool:
    """Whether asking `request` now means the open approval `one`: for the same person, with the same authority and effect."""
    if one.agent_id != agent.id or sameness.another_step(one.request, request, one.step, step):
        return False
    if (
        one.request.kind != request.kind
        or not _for_the_same(one, authority)
        or sameness.exactly(one.request) != sameness.exactly(request)
    ):
        return False
    # Where silence lets it run, a doubt that came up since must not be lost.
    return one.level is not Level.SOFT_APPROVAL or _doubts(one.request) == _doubts(request)


def _for_the_same(one: Approval, authority: Authority) -> bool:
    """Whether an open approval is for the same people, on the word of the same agents."""
    people = [principal.name for principal in one.principals] == [principal.name for principal in authority.principals]
    return people and one.chain == authority.chain


def _doubts(request: Request) -> tuple[object, ...]:
    own = (request.evidence, request.confidence, request.risk_score, request.recommended_review)
    return (*own, tuple(request.uncertainty_factors))


def _last_allowed(same: Iterable[Approval]) -> datetime:
    """When a person last said yes to the same: what was refused before that no longer counts."""
    yes = (
        one.decision.at
        for one in same
        if one.undo is None
        and one.decision is not None
        and one.decision.by != "policy"
        and one.state in (*GRANTED, *EXECUTED, State.CLAIMED, State.OUTCOME_UNKNOWN)
    )
    return max(yes, default=datetime.min.replace(tzinfo=UTC))


_WHAT = {
    State.PENDING: What.OPEN,
    State.REJECTED: What.REJECTED,
    State.CANCELLED: What.CANCELLED,
    State.EXPIRED: What.EXPIRED,
    State.TAKEN_OVER: What.BY_HAND,
    State.HANDED_BACK: What.BY_HAND,
}


def _earlier(
    ctx: Context, agent: Agent, request: Request, *, policy: Policy, one: Approval, asked_as: str
) -> Earlier | None:
    """What is told of `one` on the card of `request`; None where they are two things, or nothing is to be told."""
    differs = _differences(policy, one, request, asked_as)
    if differs is None:
        return None
    told = described(ctx, one)
    if told is None or (differs and not (told.no or told.what is What.CANCELLED)):
        return None
    was, now = amount_of(policy, one.request.params), amount_of(policy, request.params)
    more = bool(differs) and was is not None and now is not None and now < was
    return replace(told, differs=differs, more=more, agent="" if one.agent_id == agent.id else one.agent)


def _differences(policy: Policy, one: Approval, request: Request, asked_as: str) -> tuple[str, ...] | None:
    """In what `one` is not the same as `request`; None where it is another thing."""
    return () if one.asked_as == asked_as else sameness.differences_of(policy, one.request, request)


def described(ctx: Context, one: Approval) -> Earlier | None:
    """What became of an approval, as others like it tell it; None where it was allowed, or policy decided it."""
    session_id, role = one.request.session_id, one.role or one.policy.role
    if one.undo is not None:
        undo = one.undo
        return _named(ctx, Earlier(one.id, What.UNDONE, undo.at, by=undo.by, note=undo.note, role=role))
    what, decision = _WHAT.get(one.state), one.decision
    if what is None or (what is What.EXPIRED and (decision is None or decision.kind is not Decided.EXPIRED)):
        return None
    if what is What.OPEN or decision is None:
        return Earlier(one.id, What.OPEN, one.created_at, by=one.assignee, session_id=session_id)
    by = one.assignee if what in (What.CANCELLED, What.EXPIRED) else decision.by
    note = decision.note if what is What.REJECTED else None
    told = Earlier(one.id, what, decision.at, by=by, note=note, role=role, session_id=session_id)
    return _named(ctx, told)


def _named(ctx: Context, one: Earlier) -> Earlier:
    """With the name of whom it mentions where they must not be notified now."""
    if one.by is None or ctx.roster.quiet_until(one.by, ctx.now) is None:
        return one
    facts = ctx.directory.people.get(one.by)
    return replace(one, named=facts.name if facts and facts.name else one.by)


def tightened(
    world: World, route: Route, past: Past, *, now: datetime, policy: Policy, principals: Sequence[Principal]
) -> Route:
    """The route of what was asked before: never looser, and denied after two noes to the same.

    Denied, too, where naming whoever said no as the one it is for would hand it to a peer.
    """
    if past.again is None:
        return route
    found = resubmission.tightened(route, past.again, now, policy.resubmit_seconds)
    if found.name is RouteName.ASK and _names_whoever_said_no(world, past.again, policy, found, principals):
        return resubmission.shut_out(found, past.again)
    return found


def _names_whoever_said_no(
    world: World, known: Again, policy: Policy, found: Route, principals: Sequence[Principal]
) -> bool:
    """Whether whoever said no may not decide it only because it is for them, and no further role is left to ask."""
    if known.role is None:
        return False
    roster, directory = world.book.roster, world.directory
    holding = set(directory.could_decide(roster, known.role, ())).intersection(known.reviewers)
    allowed = set(directory.could_decide(roster, known.role, principals)).intersection(known.reviewers)
    further = [role for role in _from_the_no_on(known, policy, _roles(policy, found)) if role != known.role]
    return (
        bool(holding) and not allowed and not any(directory.could_decide(roster, role, principals) for role in further)
    )


def _roles(policy: Policy, found: Route) -> list[str]:
    return staffing.roles_ahead(policy, found.role)


def first(
    staff: staffing.Staff, approval: Approval, policy: Policy, roles: Sequence[str]
) -> tuple[Choice | None, bool]:
    """Who is asked first, and whether they are there: whoever said no to it, or had it when the agent cancelled it."""
    known = approval.again
    last = known.withdrawn if known and not known.reviewers else None
    if last is not None and last.by is not None:
        choice = staff.this_one(approval, roles, last.by)
        if choice is not None:
            return replace(choice, why=f"{choice.why}; had it before it was cancelled"), True
    choice, available = staff.first(approval, _from_the_no_on(known, policy, roles))
    return (choice, available) if choice is not None else staff.first(approval, roles)


def _from_the_no_on(known: Again | None, policy: Policy, roles: Sequence[str]) -> Sequence[str]:
    """The roles from the one on in which somebody said no: those before it are not asked again."""
    refused_in = known.role if known else None
    if refused_in is None:
        return roles
    if refused_in in roles:
        return roles[roles.index(refused_in) :]
    return roles if refused_in in (policy.role, *policy.escalation_path) else [refused_in, *roles]


def silent_until(unit: Unit, approval: Approval, user: str, *, withdrew: bool) -> datetime | None:
    """Until when `user` is not pinged of it, because this agent pinged them for nothing; None where they are.

    `withdrew` is whether it withdrew anything within the hour.
    """
    withdrawn = resubmissions.withdrawn(unit, approval.told_agent_id, user, HOUR) if withdrew else []
    return resubmission.silent_until(approval.again, withdrawn, user, unit.now)


def silenced(approval: Approval) -> Approval:
    """An approval whose reviewer is not pinged: their silence says nothing, so it consents to nothing."""
    if approval.level is not Level.SOFT_APPROVAL:
        return approval
    reason = "silence does not consent to it: its reviewer is not pinged, after what the agent withdrew"
    return replace(approval, level=Level.HARD_APPROVAL, why=(*approval.why, reason))


def told_at(silent: datetime | None, clock: Clock, now: datetime) -> datetime | None:
    """When somebody hears of it who is not pinged until `silent`: half of the time to decide is theirs in any case."""
    if silent is None or clock.expires_at is None:
        return silent
    return min(silent, now + (clock.expires_at - now) / 2)


def name_each_other(ctx: Context, approval: Approval, others: Iterable[Approval]) -> None:
    """Let the cards of the same request that is open elsewhere name this one too."""
    told = described(ctx, approval)
    for other in list(others)[:SHOWN]:
        _tell(ctx, other, told, f"agent:{approval.agent}")


def tell_others(ctx: Context, after: Approval, by: str) -> None:
    """A person said no: the cards of what the agent has open of the same, or nearly the same, say so."""
    told, policy = described(ctx, after), after.policy
    if told is None:
        return
    for other in resubmissions.still_open(ctx.unit, {after.agent_id}, after.action, after.id):
        differs = _differences(policy, after, other.request, other.asked_as)
        if differs is not None:
            _tell(ctx, other, replace(told, differs=differs), by)


def _tell(ctx: Context, other: Approval, told: Earlier | None, actor: str) -> None:
    now = resubmissions.locked(ctx.unit, other.id) if told is not None else None
    if told is None or now is None:
        return
    again = resubmission.with_one_more(now.again, told)
    advance(ctx, now, replace(now, again=again), "noted", actor, rationale=resubmission.reason(told))
