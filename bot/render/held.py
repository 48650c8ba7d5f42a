"""What people hold: said on the cards that it concerns, so that nobody waits for what does not run (docs/rules.md: A13)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.render.blocks import MESSAGE_BLOCKS, MESSAGE_BYTES, Block, mrkdwn_object, size
from bot.render.labels import Names, person
from bot.render.message import Message
from bot.render.visible_text import Mrkdwn, fill


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds it: everything, or the agent's session alone."""

    by: str
    session: bool = False


def hold_line(held: Held, names: Names) -> Mrkdwn:
    """Who holds it, and until when."""
    words = (
        "⏸️ *The agent's session is paused* by {who}: nothing of it runs until somebody resumes it"
        if held.session
        else "⏸️ *Everything is stopped* by {who}: nothing runs until an admin starts it again"
    )
    return fill(words, who=person(held.by, names))


def on_card(message: Message, held: Held | None, names: Names) -> Message:
    """The card with that said under its first block; as it is where nobody holds it, or no room is left."""
    if held is None:
        return message
    said: Block = {
        "type": "context",
        "block_id": f"held-{held.by}",
        "elements": [mrkdwn_object(hold_line(held, names))],
    }
    blocks = [*message.blocks[:1], said, *message.blocks[1:]]
    return (
        replace(message, blocks=blocks) if len(blocks) <= MESSAGE_BLOCKS and size(blocks) <= MESSAGE_BYTES else message
    )
