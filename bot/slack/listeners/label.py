"""`/sayso label ID correct|incident|reverted [why]`: a person says how something turned out (docs/rules.md: F2)."""

from __future__ import annotations

from bot.acts.label import kept
from bot.service import labelling
from bot.service.authorization import Tap
from bot.slack.listeners.desk import Desk
from policies.errors import InvalidInput
from policies.permissions import Actor

USAGE = f"use /sayso label ID {'|'.join(labelling.WORDS)} [why]"


async def label(desk: Desk, actor: Actor, rest: str) -> str:
    """Keep it, and say so."""
    name, word, why, *_ = [*rest.split(maxsplit=2), "", "", ""]
    if not name or not word:
        raise InvalidInput(USAGE, field="ID" if not name else "label")
    tap = Tap(name.strip("`"), "", actor, why.strip() or None)
    word = word.lower()
    return kept(await desk.call(labelling.label_by_person, desk.runtime.world, tap, word), word)
