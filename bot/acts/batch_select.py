"""Tick some of several: the card that somebody chooses on takes no more requests, and nothing is decided (docs/rules.md: D4)."""

from __future__ import annotations

from bot.acts.act import Act, Press
from bot.service import batch
from bot.service.context import World


def _at_once(world: World, press: Press) -> None:
    if press.ticked:
        batch.touched(world, press.tap.actor, press.ticked[0])


ACT: Act[None] = Act("batch_select", at_once=_at_once)
