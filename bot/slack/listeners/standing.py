"""`/sayso standing`: the standing approvals that hold now, and the way to end one."""

from __future__ import annotations

from bot.acts.end_standing import ended
from bot.render import standing as told
from bot.render.message import Message, summary
from bot.render.visible_text import escape
from bot.service import authorization, standing, standing_ends
from bot.slack.listeners.desk import Desk
from policies.errors import InvalidInput
from policies.permissions import Actor

MOST = 20
NOTHING = "No standing approval is in force."


async def listing(desk: Desk, actor: Actor, rest: str) -> Message | str:
    """What holds now, each with its button for those who may end it; `standing end ID` ends one by its name."""
    word, name, *_ = [*rest.split(maxsplit=1), "", ""]
    if word.lower() == "end":
        return await _end(desk, actor, name.strip().strip("`"))
    if word:
        raise InvalidInput("use /sayso standing, or /sayso standing end ID", field="standing")
    authorization.require_genuine(actor)
    found = await desk.call(desk.runtime.world.read, lambda ctx: standing.live_standings(ctx, actor))
    if not found:
        return NOTHING
    lines = [f"• {escape(summary(each.approval))}\n{told.use_line(each, named=True)}" for each in found[:MOST]]
    tail = f"and {len(found) - MOST} more" if len(found) > MOST else "Or by name: /sayso standing end ID"
    blocks = told.list_blocks(found[:MOST], "standing", "Standing approvals", tail, named=True)
    return Message(blocks, "\n".join([*lines, tail]))


async def _end(desk: Desk, actor: Actor, name: str) -> str:
    if not name:
        raise InvalidInput("give its ID: /sayso standing end ID", field="ID")
    return ended(await desk.call(standing_ends.end_standing, desk.runtime.world, actor, name))
