"""The address of the card that a message is about (docs/rules.md: D5): asked of Slack once, and never worth losing the message for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.server.runtime import Runtime
from bot.server.slack_client import SlackTrouble
from policies.approval import Approval
from store import outbox
from store.outbox import Item, Place

log = logging.getLogger("sayso.courier")
MOST_ASKED, LIST_WAITS = 10, 1.0  # links that one list asks Slack for, and the seconds it waits for them
LINK_TRIES = 4  # a message waits this often for its card, then goes without a link


@dataclass(frozen=True, slots=True)
class Link:
    """The permalink, None where there is none; `early` where it was looked for before its card was posted."""

    url: str | None = None
    early: bool = False


async def to_card(runtime: Runtime, item: Item, approval: Approval | None) -> Link:
    """The way to the card. Raises SlackTrouble where a message had better wait until that is posted."""
    if approval is None or item.approval_id is None or item.live:
        return Link()
    approval_id, database = approval.id, runtime.world.database
    card: Place | None = await runtime.call(database.glance, lambda unit: outbox.newest_card(unit, approval_id))
    if card is None or card.id == item.id or card.permalink is not None:
        return Link(card.permalink if card and card.id != item.id else None)
    if card.ts is None:
        if not item.posted and item.attempts < LINK_TRIES:
            raise SlackTrouble("its card is not posted yet")
        return Link(early=True)
    return Link(await _asked(runtime, card))


async def to_cards(runtime: Runtime, approvals: Sequence[Approval]) -> dict[str, str]:
    """The permalinks of the cards of these approvals, by approval id; without those that Slack does not give within a second."""
    ids = [approval.id for approval in approvals]
    places = await runtime.call(
        runtime.world.database.read, lambda unit: {one: outbox.newest_card(unit, one) for one in ids}
    )
    known = {one: card.permalink for one, card in places.items() if card and card.permalink}
    missing = {one: card for one, card in places.items() if card and card.ts and not card.permalink}
    asking = [asyncio.create_task(_asked(runtime, card)) for card in list(missing.values())[:MOST_ASKED]]
    if asking:
        done, late = await asyncio.wait(asking, timeout=LIST_WAITS)
        for task in late:
            task.cancel()
        found = zip(missing, asking, strict=False)
        known |= {one: link for one, task in found if task in done and (link := task.result())}
    return known


async def _asked(runtime: Runtime, card: Place) -> str | None:
    try:
        said = await runtime.slack.call("chat.getPermalink", channel=card.channel, message_ts=card.ts)
        link = str(said["permalink"])
    except (SlackTrouble, KeyError) as error:
        log.info("no link to the card in %s: %s", card.channel, error)
        return None
    await runtime.call(runtime.world.database.run, lambda unit: outbox.keep_permalink(unit, card, link))
    return link
