"""An agent gives another its word: it may act under one of its approvals (docs/rules.md: E6)."""

from __future__ import annotations

from bot.service.authority import held
from bot.service.context import World
from bot.service.execute import own
from policies.approval import Approval
from policies.chain import MAX_CHAIN
from policies.errors import InvalidInput, NotHeld
from policies.frozen_values import replace
from store import agents, delegation
from store.agents import Agent
from store.audit import entry_of
from store.unit import Unit


def delegate(world: World, agent: Agent, approval_id: str, name: str) -> Approval:
    """Let the agent called `name` act under this approval of `agent`'s own; saying it again changes nothing.

    Raises NotFound, InvalidInput for who is no agent or stands above already, and NotHeld where the approval gives no
    authority now.
    """
    return world.database.run(lambda unit: _delegated(unit, agent, approval_id, name))


def _delegated(unit: Unit, agent: Agent, approval_id: str, name: str) -> Approval:
    approval = own(unit, agent, approval_id)
    child = agents.named(unit, [name]).get(name)
    if child is None:
        raise InvalidInput("is no agent here", field="agent")
    if child.id in {agent.id, *_above(unit, approval)}:
        raise InvalidInput("must be an agent that does not stand above already", field="agent")
    if delegation.given(unit, approval.id, child.id):
        return approval
    if not held(unit, approval):
        raise NotHeld(state=approval.state.value)
    if delegation.give(unit, approval.id, child.id):
        entry = entry_of(approval, "delegated", unit.now, f"agent:{agent.name}", decision=child.name)
        unit.record(replace(entry, params=None))
    return approval


def _above(unit: Unit, approval: Approval) -> set[str]:
    """The ids of those who stand above the agent of an approval."""
    chain = agents.named(unit, {link.agent for link in approval.chain}) if approval.chain else {}
    registered = agents.above(unit, agents.by_id(unit, approval.agent_id), MAX_CHAIN)
    return {one.id for one in (*chain.values(), *registered)}
