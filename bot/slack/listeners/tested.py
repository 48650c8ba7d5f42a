"""`/sayso tests`: how I did in tests of reviewers, and for admins how everybody does."""

from __future__ import annotations

from bot.render.labels import mention
from bot.render.visible_text import escape, visible
from bot.service import authorization, tested
from bot.slack.listeners import pages
from bot.slack.listeners.desk import Desk
from policies.permissions import Actor


async def tests(desk: Desk, actor: Actor, rest: str) -> str:
    """The lines."""
    authorization.require_genuine(actor)
    own, found = await desk.call(desk.runtime.world.read, lambda ctx: tested.figures_for(ctx, actor))
    lines = [f"Your tests: {own}", *(tested.in_words(found, mention, _said) if found else [])]
    return pages.first([str(line) for line in lines])


def _said(text: str) -> str:
    return str(escape(visible(text)))
