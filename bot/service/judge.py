"""What policy says of a request: what came before, on whose authority it is made, and the route that follows (docs/rules.md: E6)."""

from __future__ import annotations

from typing import Any

from bot.service.authority import Authority
from policies.amounts import aggregate_of
from policies.approval import Approval
from policies.delegation import bounded_by_chain
from policies.files.policy import Policy
from policies.request import Request
from policies.routing import History, Route, route
from store import agents, history, prior_history, turns
from store.agents import Agent
from store.prior_history import Asking, Before
from store.unit import Unit


def known(
    unit: Unit,
    agent: Agent,
    key: str,
    *,
    request: Request,
    policy: Policy,
    excluding: str = "",
    asking: Asking | None = None,
) -> Before:
    """What the store knows before it is judged; sums leave out the approval `excluding`. Raises Unauthorised as `before`."""
    aggregate, session = aggregate_of(policy, request.params), request.session_id
    return prior_history.before(
        unit,
        agent.id,
        key,
        action=policy.action,
        aggregate=aggregate,
        excluding=excluding,
        session_id=session,
        asking=asking,
    )


def judged(unit: Unit, agent: Agent, request: Request, policy: Policy, *, past: History, authority: Authority) -> Route:
    """The route of this request by this agent after `past`, bounded by everybody above it."""
    own = _route(unit, agent, request, policy, past=past)
    return bounded_by_chain(
        own, authority.chain, [_route_of(unit, one, request, policy=policy) for one in authority.above]
    )


def again(unit: Unit, approval: Approval, params: dict[str, Any]) -> Route:
    """The route of an open approval with other parameters, under the policy and the chain that it has.

    What counts requests has counted this one already, and sums leave it out. Whoever writes what follows takes the
    turn before (`take_turn`).
    """
    agent, policy = Agent(approval.told_agent_id, approval.agent), approval.policy
    request = approval.request.model_copy(update={"params": params})
    policy = policy.model_copy(update={"quota": None, "checkpoint_every": None})
    own = _route_of(unit, agent, request, policy=policy, excluding=approval.id)
    above = _above(unit, approval)
    held = [link for link in approval.chain if link.agent in above]
    return bounded_by_chain(
        own, held, [_route_of(unit, above[link.agent], request, policy=policy, excluding=approval.id) for link in held]
    )


def take_turn(unit: Unit, approval: Approval) -> None:
    """Until this unit ends, nobody else counts in the sums that this approval counts in."""
    turns.take(unit, [approval.agent_id, *(one.id for one in _above(unit, approval).values())])


def _above(unit: Unit, approval: Approval) -> dict[str, Agent]:
    """Those above by name, as far as they live."""
    return agents.named(unit, {link.agent for link in approval.chain}) if approval.chain else {}


def _route_of(unit: Unit, agent: Agent, request: Request, *, policy: Policy, excluding: str = "") -> Route:
    """What this agent would get for this very request."""
    return _route(
        unit,
        agent,
        request,
        policy,
        past=known(unit, agent, "", request=request, policy=policy, excluding=excluding).history,
    )


def _route(unit: Unit, agent: Agent, request: Request, policy: Policy, *, past: History) -> Route:
    return route(agent.name, request, policy, history.counted(unit, past, policy, request, agent.id))
