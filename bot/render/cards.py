"""An approval as a Slack message that cannot lie: exact parameters, facts and the agent's words kept apart.

Pure functions of their arguments. Every card stays within Slack's 50 blocks and 12 kB: each part has its own room, the
parameters a fixed one, and what others said gets what is left.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.render import quoted_text
from bot.render.asked_before import asked_before
from bot.render.batch_card import BATCH, MOST, batch_card, batchable, digest_card, fits, read_batch_value
from bot.render.blocks import MESSAGE_BLOCKS, MESSAGE_BYTES, Block, render, size
from bot.render.buttons import Offers, Seen, button_value, controls, full_view_first, read_value
from bot.render.facts import facts, origin, status, why
from bot.render.labels import consequence, mention, outcome_line, settled_sentence, stamp, verdict
from bot.render.message import Message, block_ids, link_to, look, metadata, summary
from bot.render.notices import Notice, alert, notice
from bot.render.parameters import Listing, changes, listing, remainder
from bot.render.queues import queue_message
from bot.render.redaction import Redactor, redactor_of
from bot.render.visible_text import Shown, clip, fill, json_size, notification, visible
from policies.approval import Approval
from policies.hidden import hiding, leaves_of

__all__ = [
    "BATCH",
    "MOST",
    "Face",
    "Message",
    "Notice",
    "alert",
    "approval_card",
    "batch_card",
    "batchable",
    "button_value",
    "changes",
    "digest_card",
    "fits",
    "metadata",
    "needs_full_view",
    "notice",
    "outcome_line",
    "queue_message",
    "read_batch_value",
    "read_value",
    "settled_sentence",
    "summary",
]

PARAMETERS_BYTES = 3600
CHANGES_BYTES = 900
HEADER_CHARS, HEADER_BYTES = 150, 600
SENTENCE_BYTES = 1500
SETTLED_WORDS_BYTES = 2000


class Face(StrEnum):
    """How an approval's card looks: live, or moved on to somebody else's card."""

    LIVE = "live"
    MOVED = "moved"


def approval_card(
    approval: Approval,
    offers: Offers,
    *,
    face: Face = Face.LIVE,
    moved_to: str | None = None,
    undo_until: datetime | None = None,
    link: str | None = None,
) -> Message:
    """The card of an approval in its present state, with those of `offers` that it calls for; `undo_until` offers Undo on what was
    let run (docs/rules.md: A14), `link` leads from a moved card to the one it went to (docs/rules.md: D5)."""
    if face is Face.MOVED and approval.pending:
        return _moved(approval, moved_to or approval.assignee, link)
    found = leaves_of(approval)
    redact = redactor_of(approval, found)
    sentence = redact(approval.sentence)
    listed = listing(found, PARAMETERS_BYTES)
    full_view = full_view_first(approval, listed, sentence)
    seen = Seen(approval, sentence, redact, full_view, undo_until)
    drawn = render("card", _context(seen, listed, offers))
    if not full_view and not _question_fits(approval, redact, drawn):
        drawn = render("card", _context(replace(seen, full_view=True), listed, offers))
    blocks = _with_words(approval, redact, drawn, look(approval, undo_until))
    return Message(blocks, _fallback(approval, sentence), metadata(approval))


def needs_full_view(approval: Approval) -> bool:
    """Whether Approve must show everything first: not every leaf fits the card, or the amount has to be typed."""
    found = leaves_of(approval)
    return full_view_first(approval, listing(found, PARAMETERS_BYTES), redactor_of(approval, found)(approval.sentence))


def _question_fits(approval: Approval, redact: Redactor, drawn: list[Block]) -> bool:
    """Whether what there is to choose from stands whole on the card; where it does not, the form shows it first."""
    if approval.request.kind != "choose" or not approval.pending:
        return True
    _, room = _exchange(approval, redact, drawn, "")
    return quoted_text.fits(quoted_text.agent_asks(approval), redact, room)


def _context(seen: Seen, listed: Listing, offers: Offers) -> dict[str, Any]:
    approval, sentence, redact, undo_until = seen.approval, seen.sentence, seen.redact, seen.undo_until
    shown = visible(sentence)
    short = len(shown) <= HEADER_CHARS and json_size(shown) <= HEADER_BYTES
    press = controls(seen, offers)
    return {
        "id": block_ids(look(approval, undo_until)),
        "header": shown if short else clip(visible(approval.title), HEADER_CHARS, HEADER_BYTES),
        "sentence": None if short else clip(shown, 600, SENTENCE_BYTES),
        "status": status(approval, undo_until),
        "asked_before": asked_before(approval, redact),
        "facts": facts(approval) if approval.pending else [],
        "changed": _changed(approval),
        "parameters": listed.text,
        "remainder": remainder(approval, listed),
        "why": why(approval, redact),
        "rows": press.rows,
        "select": press.select,
        "origin": origin(approval, redact),
    }


def _changed(approval: Approval) -> Shown | None:
    """Before and after of what a person edited; None where nothing differs."""
    if not approval.edited:
        return None
    found = changes(approval.request.params, approval.params, *hiding(approval))
    lines = [f"{change.path}: {change.before or '(absent)'} → {change.after or '(removed)'}" for change in found]
    return clip(Shown("\n".join(lines)), 2000, CHANGES_BYTES) if lines else None


def _with_words(approval: Approval, redact: Redactor, drawn: list[Block], looks: str) -> list[Block]:
    """The card with the words of others in the room that is left, the exchange and the outcome before the rest."""
    exchange, room = _exchange(approval, redact, drawn, looks)
    said = quoted_text.agent_says(approval)
    most = room if approval.pending else min(room, SETTLED_WORDS_BYTES)
    agent = quoted_text.claims(block_ids(looks)("agent"), "The agent says", said, redact, most)
    slots = {"exchange": exchange, "agent_words": agent}
    blocks = [slots[item["slot"]] if "slot" in item else item for item in drawn]
    return [item for item in blocks if item is not None][:MESSAGE_BLOCKS]


def _exchange(approval: Approval, redact: Redactor, drawn: list[Block], looks: str) -> tuple[Block | None, int]:
    """What people and agent told each other, or the outcome; and the bytes that are left for the agent's own words."""
    spoken = quoted_text.exchange(approval) if approval.pending else quoted_text.person_says(approval)
    room = MESSAGE_BYTES - size([item for item in drawn if "slot" not in item])
    block = quoted_text.block(block_ids(looks)("exchange"), spoken, redact, min(room, 3000))
    return block, room - (size(block) + 2 if block else 0)


def _moved(approval: Approval, moved_to: str | None, link: str | None) -> Message:
    sentence = summary(approval)
    reason = clip(visible(approval.assigned_why or ""), 200, 400)
    target = mention(moved_to) if moved_to else fill("{role}", role=approval.role or "the next role")
    line = (
        fill("➡️ Moved to {target}: {reason}", target=target, reason=reason)
        if reason
        else fill("➡️ Moved to {target}", target=target)
    )
    url = link_to(link)
    line = fill("{line} · {url}", line=line, url=url) if url else line
    context = {
        "id": block_ids(f"{approval.version}{'l' if url else ''}"),
        "line": line,
        "sentence": clip(sentence, 300, 1200),
        "origin": approval.id,
    }
    return Message(render("moved", context), notification(f"Moved: {sentence}"), metadata(approval))


def _fallback(approval: Approval, sentence: str) -> str:
    """What a notification shows: action, consequence and deadline (docs/rules.md: D5)."""
    if not approval.pending:
        return notification(f"{verdict(approval)}: {sentence}")
    _, severity, undo = consequence(approval.policy)
    due = approval.clock.due_at or approval.expires_at
    deadline = f" Decide by {stamp(due)}." if due else ""
    return notification(f"{sentence} — {severity}, {undo[0].lower()}{undo[1:]}.{deadline}")
