"""An agent asks: policy decides, a reviewer is found, and all of it is one unit of work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.service import (
    activity,
    authority,
    judge,
    limits,
    notices,
    resubmission,
    seating,
    showing,
    spared,
    staffing,
    standing,
)
from bot.service.authority import Authority
from bot.service.context import Context, World
from bot.service.resubmission import Past
from bot.service.standing import Heard
from policies import deadlines, sameness, silence
from policies.approval import Approval, Decided, Decision, Planted, digest_of_approval
from policies.digest import canonical, fingerprint
from policies.errors import (
    InvalidInput,
    KeyReused,
    NobodyCanDecide,
    Refused,
    SaysoError,
    Unauthorised,
)
from policies.files.manifest import Manifest
from policies.files.policy import Policy
from policies.frozen_values import replace
from policies.kinds import check_kind
from policies.lifecycle import State
from policies.request import Request, check_params, read_request, without_nulls
from policies.routing import Level, Route, RouteName
from policies.sentences import sentence
from policies.strict_json import parse_object
from store import agents, approvals, attempts, ids, prior_history, resubmissions, turns
from store.agents import Agent, Scope
from store.attempts import Kind
from store.audit import Entry, entry_of
from store.duplicates import DuplicateKey
from store.unit import Unit

MAX_KEY = 200


@dataclass(frozen=True, slots=True)
class Submitted:
    """The approval, and whether this call made it."""

    approval: Approval
    created: bool


@dataclass(frozen=True, slots=True)
class _Ask:
    agent: Agent
    key: str
    body_hash: str  # of the body without its nulls, which say nothing
    raw_hash: str  # as servers before kept it, nulls included
    request: Request
    policy: Policy
    manifest: Manifest  # the one that judges: the files may change while it does
    weight: int  # as how many requests it counts
    asked_as: str  # what it asks for, whatever the spelling
    step: str | None = None  # what the agent calls the step that it asks in
    authority: Authority = field(default_factory=Authority)
    also: tuple[str, ...] = ()
    heard: Heard = None
    planted: Planted | None = None  # a test of its reviewer, which no agent sent


# What refuses a request: counted too, so that nobody asks without end for what is refused.
_REFUSALS = (InvalidInput, KeyReused, NobodyCanDecide, Refused)


def submit(
    world: World,
    token_hash: str,
    key: str | None,
    body: bytes,
    step: str | None = None,
    *,
    also: tuple[str, ...] = (),
    heard: Heard = None,
) -> Submitted:
    """Create an approval, or find the one that the same key made before, or that is open and meant again.

    `step` tells two same requests apart that are two things; `also` is told among the reasons.

    Raises Unauthorised, MalformedJson, InvalidInput, TooLarge, KeyReused, LimitReached and NobodyCanDecide; then
    nothing is stored of the request but that it was refused. Raises Unconfirmed, and nothing is stored, where a standing
    approval would let it run and Slack has to be asked first about whoever gave it.
    """
    agent = world.database.glance(lambda unit: _known_agent(unit, token_hash))
    try:
        _require_scope(agent, Scope.CREATE)
        ask = replace(_read(world, agent, key, body, step), also=also, heard=heard)
        return _first_or_again(world, lambda ctx: _submit(ctx, ask))
    except _REFUSALS as error:
        refusal = error
    world.run(lambda ctx: _refused(ctx, agent, body, refusal))
    raise refusal


def submit_test(ctx: Context, agent: Agent, key: str, body: bytes, planted: Planted) -> Approval:
    """Put a test before a reviewer: the same in every respect as a request of `agent`, but nobody's, and never run.

    Raises Spared where it would be no test, or its reviewer is not tested now, whatever refuses a request, and
    DuplicateKey where this very test was put before somebody already.
    """
    ask = _read(ctx.world, agent, key, body)
    return _submit(ctx, replace(ask, planted=planted)).approval


def _refused(ctx: Context, agent: Agent, body: bytes, error: SaysoError) -> None:
    limits.count_refused(ctx, agent, body)
    if isinstance(error, NobodyCanDecide):
        _tell_operations(ctx, agent, body, str(error.facts.get("role")))


def agent_of(unit: Unit, token_hash: str, *scopes: Scope) -> Agent:
    """The agent of a token; raises Unauthorised, and Refused where the token was made for none of these."""
    agent = _known_agent(unit, token_hash)
    _require_scope(agent, *scopes)
    return agent


def _known_agent(unit: Unit, token_hash: str) -> Agent:
    agent = agents.authenticate(unit, token_hash)
    if agent is None:
        raise Unauthorised()
    return agent


def _still(ctx: Context, ask: _Ask) -> tuple[_Ask, prior_history.Before]:
    """The request as it is once its turn has come, and what came before: its agent, or one above it, may have been revoked
    since it was read."""
    authority.require_above(ctx.unit, ask.authority)
    known = _known(
        ctx.unit, ask, resubmission.asking(ctx, ask.agent, ask.request, policy=ask.policy, asked_as=ask.asked_as)
    )
    return replace(ask, agent=known.agent or ask.agent), known


def _require_scope(agent: Agent, *scopes: Scope) -> None:
    if agent.scopes.isdisjoint(scopes):
        raise Refused(f"this token lacks the scope {' or '.join(scopes)}")


def dry_run(world: World, token_hash: str, body: bytes, *, heard: Heard = None) -> Route:
    """The route this request would take; nothing is stored. Raises Unconfirmed as `submit` does."""
    agent = world.database.glance(lambda unit: agent_of(unit, token_hash, Scope.CREATE))
    ask = replace(_read(world, agent, "dry-run", body), heard=heard)

    def look(ctx: Context) -> Route:
        authorised = _authorised(ctx, ask)
        known = _known(ctx.unit, authorised)
        found = _judged(ctx, authorised, known)
        return _after_what_was(ctx, authorised, found, _past(ctx, authorised, known))

    return world.read(look)


def _read(world: World, agent: Agent, key: str | None, body: bytes, step: str | None = None) -> _Ask:
    if key is None or not _printable(key):
        raise InvalidInput(f"a header of 1 to {MAX_KEY} printable characters is required", field="Idempotency-Key")
    if step is not None and not _printable(step):
        raise InvalidInput(f"must be 1 to {MAX_KEY} printable characters", field="Sayso-Step")
    value = parse_object(body)
    request = read_request(value)
    if request.callback_url is not None:
        world.callback_hosts.check(request.callback_url)
    manifest = world.book.manifest
    policy = manifest.policy(request.action)
    check_kind(policy.kinds, request.kind)
    check_params(policy.params_schema, request.params)
    body_hash = fingerprint(without_nulls(Request, value))
    weight = limits.weight(manifest.limits, body)
    asked_as = sameness.identity(request)
    return _Ask(agent, key, body_hash, fingerprint(value), request, policy, manifest, weight, asked_as, step)


def _printable(text: str) -> bool:
    return 1 <= len(text) <= MAX_KEY and text.isprintable()


def _first_or_again(world: World, work: Callable[[Context], Submitted]) -> Submitted:
    try:
        return world.run(work)
    except DuplicateKey:
        # The same key arrived twice at once: by now the other one is the recorded answer.
        return world.run(work)


def _submit(ctx: Context, ask: _Ask) -> Submitted:
    acts_for_others = ask.request.delegated_from is not None or ask.agent.parent_id is not None
    if acts_for_others:
        made = _made_before(ctx.unit, ask, _known(ctx.unit, ask))  # whatever became of those above it since
        if made is not None:
            return made
        ask = _authorised(ctx, ask)
    turns.take(ctx.unit, [ask.agent.id, *ask.authority.above_ids(ask.agent)])
    ask, known = _still(ctx, ask)
    made = _made_before(ctx.unit, ask, known)
    if made is not None:
        return made
    limits.hold(ask.manifest.limits, known.used_last_minute, ask.weight)
    ask = ask if acts_for_others else _authorised(ctx, ask)
    past = _past(ctx, ask, known)
    if past.meant is not None:
        return _meant_again(ctx.unit, ask, past.meant)
    limits.hold_pending(ask.manifest.limits, known.pending)
    with activity.timed("policy"):
        found = _after_what_was(ctx, ask, _judged(ctx, ask, known, use=ask.planted is None), past)
    if ask.planted is not None:
        spared.require_asked(found, known.history, before=past.again is not None)
        return _put_before_reviewer(ctx, ask, found, past)
    ask, found = _urgent_within_limits(ctx.unit, ask, known, found)
    for reason in ask.also:
        found = found.also(reason)
    approval = _decided(ctx, ask, found, past)
    above = ask.authority.above_ids(ask.agent)
    approvals.add(ctx.unit, approval, idempotency_key=ask.key, body_hash=ask.body_hash, above=above)
    limits.count_large(ctx.unit, ask.agent, ask.weight)
    resubmission.name_each_other(ctx, approval, past.others)
    _announce(ctx, approval)
    activity.meets(approval, made=True)
    ctx.unit.after_commit(lambda: _wake(ctx.world, approval))
    return Submitted(approval, created=True)


def _put_before_reviewer(ctx: Context, ask: _Ask, found: Route, past: Past) -> Submitted:
    """Of a test: nothing of it counts in its agent's limits, and no other request is told of it."""
    approval = _decided(ctx, ask, found, past)
    agents.keep_planter(ctx.unit)
    approvals.add(ctx.unit, approval, idempotency_key=ask.key, body_hash=ask.body_hash)
    _announce(ctx, approval)
    ctx.unit.after_commit(lambda: _wake(ctx.world, approval))
    return Submitted(approval, created=True)


def _made_before(unit: Unit, ask: _Ask, known: prior_history.Before) -> Submitted | None:
    """What the same key made before; None where it is new. Raises KeyReused."""
    if known.existing_id is None:
        return None
    if known.existing_body_hash not in (ask.body_hash, ask.raw_hash):
        raise KeyReused()
    existing = approvals.load(unit, known.existing_id)
    assert existing is not None
    return Submitted(existing, created=False)


def _meant_again(unit: Unit, ask: _Ask, meant: Approval) -> Submitted:
    """The approval that is open already, and is found under this key too from now on."""
    attempts.add(unit, ask.agent.id, Kind.AGAIN, ask.weight)
    resubmissions.remember_key(unit, meant, ask.key, ask.body_hash)
    return Submitted(meant, created=False)


def _wake(world: World, approval: Approval) -> None:
    world.signals.outbox_filled()
    if approval.clock.wake_at:
        world.signals.deadline_set(approval.clock.wake_at)


def _authorised(ctx: Context, ask: _Ask) -> _Ask:
    """The request with whom it is for and who stands above; raises what `authority.of` raises."""
    found = authority.of(ctx, ask.agent, ask.request)
    return replace(ask, request=found.signed(ask.request), authority=found)


def _known(unit: Unit, ask: _Ask, asking: prior_history.Asking | None = None) -> prior_history.Before:
    return judge.known(unit, ask.agent, ask.key, request=ask.request, policy=ask.policy, asking=asking)


def _judged(ctx: Context, ask: _Ask, known: prior_history.Before, *, use: bool = False) -> Route:
    held = standing.holding_standings(
        ctx, ask.agent, ask.request, policy=ask.policy, above=ask.authority, heard=ask.heard, use=use
    )
    past = replace(known.history, standings=held) if held else known.history
    return judge.judged(ctx.unit, ask.agent, ask.request, ask.policy, past=past, authority=ask.authority)


def _past(ctx: Context, ask: _Ask, known: prior_history.Before) -> Past:
    return resubmission.past_of(
        ctx,
        ask.agent,
        ask.request,
        policy=ask.policy,
        authority=ask.authority,
        step=ask.step,
        asked_as=ask.asked_as,
        known=known,
    )


def _after_what_was(ctx: Context, ask: _Ask, found: Route, past: Past) -> Route:
    return resubmission.tightened(
        ctx.world, found, past, now=ctx.now, policy=ask.policy, principals=ask.authority.principals
    )


def _urgent_within_limits(unit: Unit, ask: _Ask, known: prior_history.Before, found: Route) -> tuple[_Ask, Route]:
    """The ask as it counts: what is urgent beyond the agent's limit is normal, and `why` says so."""
    most = ask.manifest.limits.urgent_per_hour
    if ask.request.urgency != "high" or found.name is not RouteName.ASK:
        return ask, found
    if known.urgent_last_hour < most:
        attempts.add(unit, ask.agent.id, Kind.URGENT)
        return ask, found
    said = f"it counts as normal: the agent has called {known.urgent_last_hour} requests urgent within an hour, the limit is {most}"
    return (
        replace(ask, request=ask.request.model_copy(update={"urgency": "normal"})),
        found.also(said),
    )


def _decided(ctx: Context, ask: _Ask, found: Route, past: Past) -> Approval:
    approval = _fresh(ctx.unit, ask, found, past)
    match found.name:
        case RouteName.BLOCK:
            return _by_policy(approval, State.BLOCKED, Decided.BLOCKED)
        case RouteName.DENY:
            return _by_policy(approval, State.DENIED, Decided.DENIED)
        case RouteName.AUTO:
            clock = deadlines.granted(ctx.now, ask.policy.claim_seconds, approval.undo_seconds)
            clock = standing.within_its_time(ctx, approval, clock)
            return sealed(
                replace(_by_policy(approval, State.APPROVED, Decided.APPROVED), clock=clock, expires_at=clock.claim_by)
            )
        case RouteName.ASK:
            return _asked(ctx, approval, ask.policy, found, past)


def _fresh(unit: Unit, ask: _Ask, found: Route, past: Past) -> Approval:
    request, policy = ask.request, ask.policy
    made = Approval(
        id=ids.new("apr", unit.now),
        agent_id=agents.PLANTER if ask.planted else ask.agent.id,
        agent=ask.agent.name,
        request=request,
        params=request.params,
        sentence=sentence(policy.describe, policy.title, request.params),
        state=State.PENDING,
        version=1,
        level=found.level,
        route=found.name,
        why=found.cited,
        chain=ask.authority.chain,
        principals=ask.authority.principals,
        owner=ask.authority.owner,
        digest="",
        policy=policy,
        policy_version=ask.manifest.version,
        created_at=unit.now,
        updated_at=unit.now,
        asked_as=ask.asked_as,
        again=past.again,
        step=ask.step,
        standing=found.standing if found.name is RouteName.AUTO else None,
        trace=activity.kept_trace(),
        planted=ask.planted,
    )
    return activity.meets(made)


def _by_policy(approval: Approval, state: State, kind: Decided) -> Approval:
    decision = Decision(kind=kind, by="policy", at=approval.created_at, note=approval.why[0], latency_ms=0)
    return sealed(replace(approval, state=state, decision=decision))


def _asked(ctx: Context, approval: Approval, policy: Policy, found: Route, past: Past) -> Approval:
    roles, staff = staffing.roles_ahead(policy, found.role), staffing.Staff(ctx)
    staffing.require_somebody(ctx.world, policy, approval.principals, roles)
    choice, available = resubmission.first(staff, approval, policy, staffing.roles_first(policy, found.role))
    assert choice is not None, "require_somebody found somebody"
    silent_until = resubmission.silent_until(ctx.unit, approval, choice.user, withdrew=past.withdrew)
    if approval.planted is not None:
        spared.require_free(ctx, approval, choice.user, available=available, silent=silent_until is not None)
    if silent_until is not None:
        approval = resubmission.silenced(approval)
    clock = deadlines.opened(
        ctx.now,
        sla_seconds=deadlines.urgent(policy.sla_seconds, approval.request.urgency),
        timeout_seconds=silence.speaks_after(policy, approval.level),
        hours=staffing.sla_hours(ctx.world, policy, choice.user),
    )
    reached = dict.fromkeys([policy.role, *(choice.passed_roles or (choice.role,))])
    asked = replace(
        approval,
        clock=clock,
        expires_at=clock.expires_at,
        assignee=choice.user,
        role=choice.role,
        reached_roles=tuple(reached),
        asked=(choice.user,),
        assigned_why=choice.why,
    )
    told_at = resubmission.told_at(silent_until, clock, ctx.now)
    if told_at is None:
        asked = seating.beside(ctx, staffing.handed(ctx, asked), staff)
    else:
        asked = staffing.hushed(ctx.world, replace(asked, clock=replace(clock, due_at=None)), told_at)
    if not available and not asked.heard_in_time:
        notices.nobody_available(ctx, asked)
    return sealed(asked)


def sealed(approval: Approval) -> Approval:
    """The approval with the digest of what it now is."""
    return replace(approval, digest=digest_of_approval(approval))


def _announce(ctx: Context, approval: Approval) -> None:
    """The audit rows of a new approval, and what Slack shall show of it."""
    actor = f"agent:{approval.agent}"
    extra: dict[str, Any] = {"delegation": [str(link) for link in approval.chain]} if approval.chain else {}
    if approval.principals:
        extra["on_behalf_of"] = [principal.name for principal in approval.principals]
    reason = approval.request.reason or None
    ctx.unit.record(entry_of(approval, "requested", ctx.now, actor, rationale=reason, extra=extra))
    event = _POLICY_EVENTS.get((approval.route, approval.level))
    if event is not None:
        rationale = approval.why[0]
        ctx.unit.record(
            entry_of(approval, event, ctx.now, "policy", decision=approval.state.value, rationale=rationale)
        )
    if approval.pending:
        showing.first_card(ctx, approval)
    elif approval.state is State.BLOCKED:
        notices.unknown_action(ctx, approval)
    elif approval.standing is not None:
        standing.count_use(ctx, approval)
    elif approval.route is RouteName.AUTO and (approval.level is Level.NOTIFY_ONLY or approval.undo_seconds):
        showing.told(
            ctx.unit, approval
        )  # people are told afterwards (docs/rules.md: A5), and may undo it (docs/rules.md: A14)


_POLICY_EVENTS: dict[tuple[RouteName, Level | None], str] = {
    (RouteName.AUTO, Level.FULL_AUTO): "auto_proceeded",
    (RouteName.AUTO, Level.NOTIFY_ONLY): "notified",
    (RouteName.DENY, None): "denied",
    (RouteName.BLOCK, None): "blocked",
}


def _tell_operations(ctx: Context, agent: Agent, body: bytes, role: str) -> None:
    """Keep that nobody could decide it, without the parameters: what is refused must not fill the trail."""
    request, manifest = read_request(parse_object(body)), ctx.manifest
    params = canonical(request.params).encode()
    ctx.unit.record(
        Entry(
            event="refused",
            at=ctx.now,
            actor="policy",
            agent=agent.name,
            action=request.action,
            session_id=request.session_id,
            rationale=f"nobody could ever decide this: {role}",
            policy_version=manifest.version,
            extra={"params_sha256": fingerprint(request.params), "params_bytes": len(params)},
        )
    )
    notices.nobody_can_decide(ctx, request.action, role)
    ctx.unit.after_commit(ctx.world.signals.outbox_filled)
