"""On whose authority an agent asks: the people it acts for, and the agents above it that gave their word (docs/rules.md: E5, E6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.service.context import Context, World
from policies.approval import Approval
from policies.chain import MAX_CHAIN, Link
from policies.errors import InvalidInput, Refused, Revoked, Unauthorised
from policies.lifecycle import GRANTED, State
from policies.permissions import may_act
from policies.principals import Principal, Register, UnknownPrincipal
from policies.request import Request
from store import agents, approvals, delegation
from store.agents import Agent
from store.unit import Unit

FIELD = "delegated_from"
_HELD = GRANTED | {State.CLAIMED}


@dataclass(frozen=True, slots=True)
class Authority:
    """Whom a request is for, its own principal first, and the agents above, nearest first, as links and as they are."""

    principals: tuple[Principal, ...] = ()
    chain: tuple[Link, ...] = ()
    above: tuple[Agent, ...] = ()
    owner: str | None = None

    def above_ids(self, agent: Agent) -> tuple[str, ...]:
        """The ids of those above who are not the agent itself, always in the same order."""
        return tuple(sorted({one.id for one in self.above} - {agent.id}))

    def signed(self, request: Request) -> Request:
        """The request with the name that counts in `on_behalf_of`, however it was spelled or left out."""
        return request.model_copy(update={"on_behalf_of": self.principals[0].name if self.principals else None})


class NoWord(InvalidInput):
    """names neither an agent nor an approval that holds now and has given this agent its word"""

    def __init__(self) -> None:
        super().__init__(field=FIELD)


def of(ctx: Context, agent: Agent, request: Request) -> Authority:
    """On whose authority `agent` makes this request.

    Raises UnknownPrincipal or InvalidInput for `on_behalf_of`, and NoWord or InvalidInput for `delegated_from`: the same
    for a parent that has not given its word and for one that does not exist.
    """
    register = ctx.directory.register(ctx.roster)
    held, links = _links(ctx.unit, agent, request.delegated_from)
    if len(links) > MAX_CHAIN:
        raise InvalidInput(f"more than {MAX_CHAIN} agents stand above this one", field=FIELD)
    living = agents.named(ctx.unit, {link.agent for link in links}) if links else {}
    if len(living) < len({link.agent for link in links}):
        raise NoWord()
    above = tuple(living[link.agent] for link in links)
    inherited = [*held.principals] if held else []
    inherited += [_bound(register, one) for one in above if one.principal]
    principals = dict.fromkeys([*_stated(register, agent, request), *inherited])
    return Authority(tuple(principals), links, above, _owner(ctx.world, agent))


def _stated(register: Register, agent: Agent, request: Request) -> Iterator[Principal]:
    """Whom the request itself is for: the person to whom an operator bound the agent, or whom it names."""
    stated = register.principal(request.on_behalf_of) if request.on_behalf_of is not None else None
    if agent.principal is None:
        if stated is not None:
            yield stated
        return
    bound = _bound(register, agent)
    if stated is not None and stated.names.isdisjoint(bound.names):
        raise InvalidInput(
            "this agent always acts for the person an operator named, and for nobody else", field="on_behalf_of"
        )
    yield bound


def _bound(register: Register, agent: Agent) -> Principal:
    assert agent.principal is not None
    try:
        return register.principal(agent.principal)
    except UnknownPrincipal:
        words = f"the person for whom {agent.name} acts is not known any more: an operator has to name them anew"
        raise InvalidInput(words, field="on_behalf_of") from None


def _owner(world: World, agent: Agent) -> str | None:
    if agent.owner is None:
        return None
    facts = world.directory.people.get(agent.owner)
    return f"{facts.name} ({agent.owner})" if facts and facts.name else agent.owner


def _links(unit: Unit, agent: Agent, named: str | None) -> tuple[Approval | None, tuple[Link, ...]]:
    """The approval that was named as parent, and everybody above: those of the parent, then those an operator set."""
    registered = [Link(one.name) for one in _registered(unit, agent)]
    if named is None or named in {link.agent for link in registered}:
        return None, tuple(registered)
    parent = approvals.load(unit, named)
    if parent is None or parent.agent_id == agent.id or not held(unit, parent):
        raise NoWord()
    if parent.agent not in {link.agent for link in registered} and not delegation.given(unit, parent.id, agent.id):
        raise NoWord()
    links = (Link(parent.agent, parent.id), *parent.chain)
    known = {link.agent for link in links}
    return parent, (*links, *(link for link in registered if link.agent not in known))


def _registered(unit: Unit, agent: Agent) -> list[Agent]:
    try:
        return agents.above(unit, agent, MAX_CHAIN + 1)
    except Revoked:
        words = "an agent above this one was revoked: an operator has to put it under another, or under none"
        raise InvalidInput(words, field=FIELD) from None


def require_still(ctx: Context, agent: Agent, approval: Approval) -> None:
    """Raise where `agent` may no longer act on its approval.

    Unauthorised where its token ended, Revoked where it or an agent above it was revoked, and Refused where one of them
    may not use the action any more, as the manifest says now.
    """
    if agent.token is not None and agents.authenticate(ctx.unit, agent.token) is None:
        raise Unauthorised()
    if approval.chain or agent.token is None:
        require_living(ctx.unit, approval)
    policy = ctx.manifest.policy(approval.action)
    names = [approval.agent, *(link.agent for link in approval.chain)]
    refusal = next((words for name in names if (words := may_act(policy, name))), None)
    if refusal is not None:
        raise Refused(f"{approval.action} cannot be claimed: {refusal}")


def require_above(unit: Unit, found: Authority) -> None:
    """Raise NoWord where somebody of those above was revoked meanwhile."""
    if found.above and agents.revoked_among(unit, [one.name for one in found.above]) is not None:
        raise NoWord()


def require_living(unit: Unit, approval: Approval, *, revoked: bool | None = None) -> None:
    """Raise Revoked where the agent that asked, or one above it, was revoked; `revoked` is what is known of itself."""
    if revoked is False and not approval.chain:
        return
    gone = agents.revoked_among(unit, [approval.agent, *(link.agent for link in approval.chain)])
    if gone is not None:
        raise Revoked(name=gone)


def held(unit: Unit, parent: Approval) -> bool:
    """Whether an approval gives authority: somebody said yes, and it has neither ended nor lapsed."""
    return parent.state in _HELD and (parent.clock.claim_by is None or parent.clock.claim_by > unit.now)
