"""An agent is revoked: its tokens end, and with them whatever it has open, and what others asked under it."""

from __future__ import annotations

from bot.service.context import World
from bot.service.execute import cancelled
from policies.approval import Approval
from policies.errors import Settled
from store import agents, delegation, turns
from store.agents import Agent
from store.audit import Entry
from store.unit import Unit

OPERATOR = "operator"  # who acts at the command line


def revoke(world: World, name: str) -> int:
    """Revoke the agent called `name`, and withdraw in the same transaction what it and those under it have open.

    Gives how many approvals were withdrawn. Raises NotFound.
    """
    return world.database.run(lambda unit: _revoked(world, unit, name))


def _revoked(world: World, unit: Unit, name: str) -> int:
    agent = agents.called(unit, name)
    turns.take(unit, [agent.id])  # what it is asking for at this moment is stored first, or not at all
    agents.revoke(unit, name)
    for approval_id in delegation.forget(unit, agent.id):
        unit.record(Entry("undelegated", unit.now, OPERATOR, approval_id=approval_id, decision=name))
    unit.record(Entry("agent_revoked", unit.now, OPERATOR, agent=name, rationale=f"the agent {name} was revoked"))
    found = delegation.open_under(unit, agent.id)
    return sum(_withdrawn(world, unit, agent, approval) for approval in found)


def _withdrawn(world: World, unit: Unit, agent: Agent, approval: Approval) -> bool:
    under = "" if approval.agent_id == agent.id else f", under which {approval.agent} asked,"
    try:
        cancelled(world, unit, approval, OPERATOR, f"The agent {agent.name}{under} was revoked.")
    except Settled:
        return False
    return True


def withdraw_strays(world: World) -> int:
    """Withdraw what is still open of agents that were revoked by other means; gives how many."""
    if not world.database.read(delegation.strays):
        return 0
    return world.database.run(lambda unit: _strays_withdrawn(world, unit))


def _strays_withdrawn(world: World, unit: Unit) -> int:
    return sum(_withdrawn(world, unit, agents.by_id(unit, one.agent_id), one) for one in delegation.strays(unit))
