"""An agent registers a session, or beats: new ones count in its limits, and a thousand that nobody steered are kept."""

from __future__ import annotations

from bot.service import limits
from bot.service.context import Context, World
from policies.errors import InvalidInput
from store import approvals, sessions
from store.agents import Agent
from store.sessions import Session

MAX_ID = 200


def beat(world: World, agent: Agent, session_id: str, title: str | None) -> tuple[Session, str | None]:
    """The session as people set it, and who does one of its requests by hand now.

    Raises InvalidInput, and LimitReached where the agent's minute has no room for a new one.
    """
    if len(session_id) > MAX_ID or not session_id.isprintable():
        raise InvalidInput(f"must be at most {MAX_ID} printable characters", field="session_id")

    def work(ctx: Context) -> tuple[Session, str | None]:
        if sessions.get(ctx.unit, agent.id, session_id) is None:
            limits.count_session(ctx, agent)
            sessions.forget_oldest(ctx.unit, agent.id, limits.MOST_SESSIONS - 1)
        found = sessions.beat(ctx.unit, agent.id, session_id, title)
        return found, approvals.taken_over_by(ctx.unit, agent.id, session_id)

    return world.run(work)
