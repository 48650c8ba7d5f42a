"""What a reply in a card's thread would change, shown to its writer alone."""

from __future__ import annotations

from typing import Any

from bot.render.blocks import Button, render
from bot.render.buttons import button_value
from bot.render.line_diff import TextChange
from bot.render.message import Message, block_ids, metadata, summary
from bot.render.parameters import in_pieces
from bot.render.visible_text import Mrkdwn, Shown, clip, fill, notification, visible
from policies.approval import Approval

SHOWN = 2800  # characters of the change in the message; all of it stands in the form that Confirm opens


def change_message(approval: Approval, change: TextChange, key: str) -> Message:
    """The change with Confirm, which opens the form with all of it, and Discard."""
    pieces = list(in_pieces(change.lines, SHOWN))
    label = clip(visible(change.label, exact=True), 100)
    value = button_value(approval)
    context: dict[str, Any] = {
        "id": block_ids(f"reply-{key.partition('.')[0]}"),
        "lead": fill("✏️ *Your change to {label}* counts when you confirm it:", label=label),
        "sentence": summary(approval, 600, 1500),
        "parameters": pieces[0] if pieces else Shown(""),
        "remainder": Shown("The rest of the change stands in the form that Confirm opens.")
        if len(pieces) > 1
        else None,
        "why": None,
        "buttons": (
            Button(f"edit:{key}", "Confirm…", value, "primary"),
            Button(f"discard_reply:{key}", "Discard", value),
        ),
        "small": [Mrkdwn("Only you see this. Writing or changing messages decides nothing.")],
    }
    blocks = [block for block in render("notice", context) if "slot" not in block]
    return Message(blocks, notification(f"Your change to {label}: confirm or discard it"), metadata(approval))
