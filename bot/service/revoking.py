"""An agent is revoked: its tokens end, and with them whatever it has open, and what others asked under it."""

from __future__ import annotations

from bot.service import standing_ends
from bot.service.context import Context, World
from bot.service.withdrawing import withdraw
from policies.approval import Approval
from policies.errors import Settled
from store import agents, delegation, turns
from store.agents import Agent
from store.audit import Entry

OPERATOR = "operator"  # who acts at the command line


def revoke(world: World, name: str) -> int:
    """Revoke the agent called `name`, and withdraw in the same transaction what it and those under it have open.

    Gives how many approvals were withdrawn. Raises NotFound.
    """
    return world.run(lambda ctx: _revoked(ctx, name))


def _revoked(ctx: Context, name: str) -> int:
    agent = agents.called(ctx.unit, name)
    turns.take(ctx.unit, [agent.id])  # what it is asking for at this moment is stored first, or not at all
    agents.revoke(ctx.unit, name)
    for approval_id in delegation.forget(ctx.unit, agent.id):
        ctx.unit.record(Entry("undelegated", ctx.now, OPERATOR, approval_id=approval_id, decision=name))
    ctx.unit.record(Entry("agent_revoked", ctx.now, OPERATOR, agent=name, rationale=f"the agent {name} was revoked"))
    standing_ends.after_agent(ctx, agent.id, OPERATOR, f"the agent {name} was revoked")
    found = delegation.open_under(ctx.unit, agent.id)
    return sum(_withdrawn(ctx, agent, approval) for approval in found)


def _withdrawn(ctx: Context, agent: Agent, approval: Approval) -> bool:
    under = "" if approval.agent_id == agent.id else f", under which {approval.agent} asked,"
    try:
        withdraw(ctx, approval, OPERATOR, f"The agent {agent.name}{under} was revoked.")
    except Settled:
        return False
    return True


def withdraw_strays(world: World) -> int:
    """Withdraw what is still open of agents that were revoked by other means; gives how many."""
    if not world.database.read(delegation.strays):
        return 0
    return world.run(lambda ctx: _strays_withdrawn(ctx))


def _strays_withdrawn(ctx: Context) -> int:
    return sum(_withdrawn(ctx, agents.by_id(ctx.unit, one.agent_id), one) for one in delegation.strays(ctx.unit))
