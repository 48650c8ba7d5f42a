"""`/sayso tune [PAGE]`: what the record suggests, for admins only, as a change of the manifest that nothing applies (docs/rules.md: F3)."""

from __future__ import annotations

from bot.render.visible_text import Mrkdwn, escape, visible
from bot.service import authorization, tuning
from bot.slack.listeners import pages
from bot.slack.listeners.desk import Desk
from policies.errors import InvalidInput
from policies.permissions import Actor

MOST_DIFF, MOST_LINES = 1500, 38


async def tune(desk: Desk, actor: Actor, rest: str) -> str:
    """One page of the report."""
    authorization.require_admin(actor)
    if rest and not (rest.isascii() and rest.isdigit()):
        raise InvalidInput("give a page number, such as /sayso tune 2", field="PAGE")
    world = desk.runtime.world
    book = world.book
    found = await desk.call(world.database.read, lambda unit: tuning.report(unit, book.manifest, book.roster))
    told = [_drawn(one) for one in tuning.paragraphs(found)]
    return pages.page(told, int(rest[:6] or 1), " parts: `/sayso tune {page}`", lines=MOST_LINES)


def _drawn(one: tuning.Paragraph) -> str:
    first, *rest = one.lines
    head, colon, tail = first.partition(": ")
    lead = Mrkdwn(f"*{_said(head)}*{colon}{_said(tail)}") if colon or rest else _said(first)
    lines = [lead, *map(_said, rest)]
    if one.diff:
        lines.append(_diff(one.diff.rstrip()))
    return "\n".join([*lines, ""])


def _diff(diff: str) -> Mrkdwn:
    """The diff as `patch` takes it, to the character; where Slack could not show it so, where it is to be had."""
    shown = visible(diff, lines=True)
    if len(diff) > MOST_DIFF or shown != diff or "```" in diff:
        return Mrkdwn("_Its diff does not fit here: `python -m bot policy tune` prints it._")
    return Mrkdwn(f"```\n{escape(shown)}\n```")


def _said(line: str) -> Mrkdwn:
    return escape(visible(line))
