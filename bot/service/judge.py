"""What policy says of a request: what came before, on whose authority it is made, and the route that follows (E6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from policies.amounts import aggregate_of
from policies.approval import Approval
from policies.delegation import MAX_CHAIN, Link, bounded
from policies.errors import InvalidInput
from policies.lifecycle import GRANTED, State
from policies.manifest import Policy
from policies.request import Request
from policies.routing import History, Route, route
from store import agents, approvals, history, intake
from store.agents import Agent
from store.intake import Before
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Judgement:
    """A route, and the chain of those on whose authority the agent acts, nearest first; `above` are their ids."""

    route: Route
    chain: tuple[Link, ...] = ()
    above: tuple[str, ...] = ()


def known(unit: Unit, agent: Agent, key: str, request: Request, policy: Policy | None, excluding: str = "") -> Before:
    """What the store knows before it is judged; sums leave out the approval `excluding`."""
    aggregate = aggregate_of(policy, request.params)
    return intake.before(unit, agent.id, key, request.action, aggregate, excluding=excluding)


def judged(unit: Unit, agent: Agent, request: Request, policy: Policy | None, past: History) -> Judgement:
    """The route of this request by this agent after `past`; raises InvalidInput for a parent that is none."""
    chain = _chain(unit, request)
    own = _route(unit, agent, request, policy, past)
    if not chain:
        return Judgement(own)
    above = agents.named(unit, {link.agent for link in chain})
    missing = next((link.agent for link in chain if link.agent not in above), None)
    if missing is not None:
        raise InvalidInput(f"the agent {missing!r} is no longer active", field="delegated_from")
    routes = [_route_of(unit, above[link.agent], request, policy) for link in chain]
    return Judgement(bounded(own, chain, routes), chain, _others(agent, above))


def _others(agent: Agent, above: dict[str, Agent]) -> tuple[str, ...]:
    """The ids of those above who are not the agent itself, always in the same order."""
    return tuple(sorted({one.id for one in above.values()} - {agent.id}))


def again(unit: Unit, approval: Approval, params: dict[str, Any]) -> Route:
    """The route of an open approval with other parameters, under the policy and the chain that it has.

    What counts requests has counted this one already, and sums leave it out.
    """
    agent, policy = Agent(approval.agent_id, approval.agent), approval.policy
    assert policy is not None
    request = approval.request.model_copy(update={"params": params})
    policy = policy.model_copy(update={"quota": None, "checkpoint_every": None})
    own = _route_of(unit, agent, request, policy, approval.id)
    above = agents.named(unit, {link.agent for link in approval.chain})
    held = [link for link in approval.chain if link.agent in above]
    return bounded(own, held, [_route_of(unit, above[link.agent], request, policy, approval.id) for link in held])


def _route_of(unit: Unit, agent: Agent, request: Request, policy: Policy | None, excluding: str = "") -> Route:
    """What this agent would get for this very request."""
    return _route(unit, agent, request, policy, known(unit, agent, "", request, policy, excluding).history)


def _route(unit: Unit, agent: Agent, request: Request, policy: Policy | None, past: History) -> Route:
    if policy is not None:
        past = history.counted(unit, past, policy, request, agent.id)
    return route(agent.name, request, policy, past)


_HELD = GRANTED | {State.CLAIMED}


def _chain(unit: Unit, request: Request) -> tuple[Link, ...]:
    named = request.delegated_from
    if named is None:
        return ()
    parent = approvals.load(unit, named)
    if parent is not None:
        chain = (Link(parent.agent, parent.id), *parent.chain) if _held(unit, parent) else ()
    else:
        chain = (Link(named),) if agents.named(unit, [named]) else ()
    if not chain:
        raise InvalidInput("names neither an approval that holds now nor an agent", field="delegated_from")
    if len(chain) > MAX_CHAIN:
        raise InvalidInput(f"more than {MAX_CHAIN} agents stand above this one", field="delegated_from")
    return chain


def _held(unit: Unit, parent: Approval) -> bool:
    """Whether an approval gives authority: somebody said yes, and it has neither ended nor lapsed."""
    return parent.state in _HELD and (parent.clock.claim_by is None or parent.clock.claim_by > unit.now)
