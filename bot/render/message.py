"""What a message to Slack is, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bot.render.blocks import Block
from bot.render.labels import Names, nobody
from bot.render.redaction import redactor_of
from bot.render.visible_text import Mrkdwn, Shown, clip, visible
from policies.approval import Approval
from policies.memory import Memory


@dataclass(frozen=True, slots=True)
class Message:
    """What chat.postMessage and chat.update take: send `text` with parse="none" and without unfurling."""

    blocks: list[Block]
    text: str
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a message says beyond its approval: when it is sent, what those who decided are called (nobody is mentioned on what they
    decided), and what is remembered of requests like it."""

    now: datetime | None = None
    names: Names = nobody
    memory: Memory | None = None


NOTHING_MORE: Final = Sent()


def metadata(approval: Approval) -> dict[str, Any]:
    """The message metadata by which a card is found again."""
    return {"event_type": "sayso_card", "event_payload": {"approval_id": approval.id}}


def summary(approval: Approval, chars: int = 300, room: int | None = None) -> Shown:
    """The sentence as it may be shown anywhere: redacted, visible, one line."""
    return clip(visible(redactor_of(approval)(approval.sentence)), chars, room)


def look(approval: Approval, undo_until: datetime | None = None) -> str:
    """Names one look of a message: an undo window that ends, or what becomes of others, redraws it at the same version."""
    earlier = "".join(one.what.value[0] for one in approval.again.earlier) if approval.again else ""
    return f"{approval.version}{'u' if undo_until else ''}{earlier}"


def block_ids(version: object) -> Callable[..., str]:
    """Names for a revision's blocks: Slack wants new ones when a message changes."""

    def named(name: str, index: int | None = None) -> str:
        return f"{name}-{version}" if index is None else f"{name}-{index}-{version}"

    return named


def link_to(url: str | None, label: str = "Open the card") -> Mrkdwn | None:
    """A link of ours, such as a card's permalink; None where it is no plain https address."""
    if not url or not url.startswith(("https://", "http://")) or any(sign in url for sign in "<>|\n "):
        return None
    return Mrkdwn(f"<{url.replace('&', '&amp;')}|{label}>")
