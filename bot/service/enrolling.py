"""An operator says who an agent is: who answers for it, whom it always acts for, and under which agent."""

from __future__ import annotations

from dataclasses import dataclass

from bot.service.context import World
from policies.chain import MAX_CHAIN
from policies.errors import InvalidInput, Revoked
from store import agents
from store.agents import EVERYTHING, Agent, Scope
from store.audit import Entry
from store.unit import Unit

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Bonds:
    """What an operator says of an agent; None leaves what was said before, and an empty text takes it back."""

    role: str | None = None
    owner: str | None = None
    principal: str | None = None
    under: str | None = None


def enrol(
    world: World, name: str, said: Bonds, *, seconds: float | None = None, scopes: frozenset[Scope] = EVERYTHING
) -> tuple[Agent, str]:
    """A new token for the agent called `name`, with what was said of it.

    Raises InvalidInput, naming the option, for an owner or principal that Sayso does not know, and for a parent that is
    no living agent or stands under this one; then nothing is stored.
    """
    owner = _owner(world, said.owner) if said.owner else said.owner
    principal = _principal(world, said.principal) if said.principal else said.principal

    def work(unit: Unit) -> tuple[Agent, str]:
        parent_id = _parent(unit, name, said.under) if said.under else said.under
        bonds = {"owner": owner, "principal": principal, "parent_id": parent_id}
        agent, token = agents.add(unit, name, role=said.role, **bonds, seconds=seconds, scopes=scopes)
        extra = {"owner": agent.owner, "for": agent.principal, "under": said.under}
        unit.record(Entry("agent_added", unit.now, OPERATOR, agent=name, extra=extra))
        return agent, token

    return world.database.run(work)


def _owner(world: World, text: str) -> str:
    found = world.directory.register(world.book.roster).named(text)
    if found is None:
        raise InvalidInput(f"--owner: {text!r} is nobody that the roster or Slack has named so far", field="--owner")
    given = [user for user in found.accounts if user.casefold() == text.strip().casefold()]
    return (given or list(found.accounts))[0]


def _principal(world: World, text: str) -> str:
    try:
        return world.directory.register(world.book.roster).principal(text).name
    except InvalidInput as error:
        raise InvalidInput(f"--for: {error}", field="--for") from error


def _parent(unit: Unit, name: str, under: str) -> str:
    parent = agents.named(unit, [under]).get(under)
    if parent is None:
        raise InvalidInput(f"--under: {under!r} is no active agent", field="--under")
    try:
        above = [parent, *agents.above(unit, parent, MAX_CHAIN)]
    except Revoked as error:
        raise InvalidInput(f"--under: {under!r} stands under an agent that was revoked", field="--under") from error
    if name in {one.name for one in above}:
        raise InvalidInput(f"--under: {name!r} would stand under itself", field="--under")
    if len(above) > MAX_CHAIN:
        raise InvalidInput(f"--under: more than {MAX_CHAIN} agents would stand above {name!r}", field="--under")
    return parent.id
