"""`/sayso tune [PAGE]`: what the record suggests, for admins only, as a change of the manifest that nothing applies (docs/rules.md: F3)."""

from __future__ import annotations

import re

from bot.render.labels import mention
from bot.render.visible_text import Mrkdwn, clip, escape, visible
from bot.service import authorization, tuning
from bot.slack.listeners import pages
from bot.slack.listeners.desk import Desk
from policies.errors import InvalidInput
from policies.permissions import Actor

MOST_DIFF = 1800
_PERSON = re.compile(r"^(  (?:RUBBER-STAMPING\? )?)([UW][A-Z0-9]{2,20}):")


async def tune(desk: Desk, actor: Actor, rest: str) -> str:
    """One page of the report."""
    authorization.require_admin(actor)
    if rest and not (rest.isascii() and rest.isdigit()):
        raise InvalidInput("give a page number, such as /sayso tune 2", field="PAGE")
    world = desk.runtime.world
    book = world.book
    found = await desk.call(world.database.read, lambda unit: tuning.report(unit, book.manifest, book.roster))
    told = [_drawn(one) for one in tuning.paragraphs(found)]
    return pages.page(told, int(rest[:6] or 1), " parts: `/sayso tune {page}`")


def _drawn(one: tuning.Paragraph) -> str:
    first, *rest = one.lines
    head, colon, tail = first.partition(": ")
    lead = Mrkdwn(f"*{_said(head)}*{colon}{_said(tail)}") if colon or rest else _said(first)
    lines = [lead, *map(_said, rest)]
    if one.diff:
        # A fence inside the diff would end the block it stands in.
        diff = clip(visible(one.diff.rstrip(), lines=True), MOST_DIFF).replace("```", "'''")
        lines.append(Mrkdwn(f"```\n{escape(diff)}\n```"))
    return "\n".join([*lines, ""])


def _said(line: str) -> Mrkdwn:
    person = _PERSON.match(line)
    if person is None:
        return escape(visible(line))
    return Mrkdwn(f"{escape(person[1])}{mention(person[2])}{escape(visible(line[person.end(2) :]))}")
