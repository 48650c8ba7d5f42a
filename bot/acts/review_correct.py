"""Looks right: a reviewer after the fact says so, in one tap (docs/rules.md: F2)."""

from __future__ import annotations

from bot.acts.act import Act, Press
from bot.service import review
from bot.service.context import World


def _at_once(world: World, press: Press) -> None:
    review.judge(world, press.tap, "correct")


ACT: Act[None] = Act("review_correct", at_once=_at_once)
