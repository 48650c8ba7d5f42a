"""End a standing approval: one tap, for everybody who may decide the request that it was given with (docs/standing.md)."""

from __future__ import annotations

from bot.acts.act import Act, Press, Tell
from bot.service import standing_ends
from bot.service.context import World
from policies.standing import Standing


def _at_once(world: World, press: Press) -> Tell:
    return Tell(ended(standing_ends.end_standing(world, press.tap.actor, press.value)))


def ended(one: Standing) -> str:
    """What the one who ended it is told."""
    return f"Ended: {one.so_far} used. From now on each of these is asked again."


ACT: Act[None] = Act("end_standing", at_once=_at_once)
