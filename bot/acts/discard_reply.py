"""Discard: what somebody wrote in a thread instead of a long text shall not count."""

from __future__ import annotations

from bot.acts.act import Act, Press, Tell
from bot.service import replies
from bot.service.context import World


def _at_once(world: World, press: Press) -> Tell:
    replies.discarded(world, press.tap, press.word)
    return Tell("Discarded: nothing was changed.")


ACT: Act[None] = Act("discard_reply", at_once=_at_once, words=True)
