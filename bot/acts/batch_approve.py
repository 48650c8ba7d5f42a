"""Approve several: what is ticked on a screen of several requests, or all of it, decided one by one (docs/rules.md: D4)."""

from __future__ import annotations

from bot.acts.act import Act, Press, Tell
from bot.acts.batches import offered, several, told_of_all
from bot.render.batch_card import batchable
from bot.service import batch
from bot.service.context import World


def _at_once(world: World, press: Press) -> Tell:
    tally = batch.approve_each(world, several(world, press), seen_enough=batchable)
    return Tell(told_of_all(world, press, tally, "approved", offered(press)))


ACT: Act[None] = Act("batch_approve", at_once=_at_once)
