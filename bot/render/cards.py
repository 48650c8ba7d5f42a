"""An approval as a Slack message that cannot lie, read in ten seconds on a phone: facts and the agent's words kept apart.

What waits shows its sentence, what counts, why, and every parameter that the sentence does not tell; what is decided shrinks
to two lines. Everything else is in Details. Pure functions of their arguments. Every card stays within Slack's 50 blocks and
12 kB: each part has its own room, the parameters a fixed one, and what others said gets what is left.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.render import quoted_text
from bot.render.asked_before import asked_before
from bot.render.batch_card import BATCH, DIGEST, MOST, batch_card, batchable, digest_card, is_batch, read_batch_value
from bot.render.blocks import MESSAGE_BLOCKS, MESSAGE_BYTES, Block, render, size
from bot.render.buttons import Offers, Seen, button_value, controls, full_view_first, read_value
from bot.render.facts import afterwards, asked_by, brief, status, why
from bot.render.glance import glance
from bot.render.labels import Names, headline, mention, outcome_line, settled_sentence
from bot.render.memory import handed_on, remembers
from bot.render.menu import bars
from bot.render.message import NOTHING_MORE, Message, Sent, block_ids, link_to, look, metadata, summary
from bot.render.notices import alert, notice
from bot.render.parameters import Listing, changes, listing, remainder
from bot.render.push import push_line
from bot.render.queues import queue_message
from bot.render.redaction import Redactor, redactor_of
from bot.render.told import told_by_sentence
from bot.render.visible_text import Mrkdwn, Shown, clip, fill, json_size, notification, visible
from policies.approval import Approval
from policies.hidden import Leaf, hiding, leaves_of
from policies.messages import Face, Notice

__all__ = [
    "BATCH",
    "DIGEST",
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
    "is_batch",
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
HEADER_CHARS, HEADER_BYTES = 80, 400
SENTENCE_CHARS, SENTENCE_BYTES = 300, 1500
SPOKEN_BYTES, SPOKEN_CHARS = 2400, 240
ENDING_CHARS = 120


def approval_card(
    approval: Approval,
    offers: Offers,
    *,
    face: Face = Face.LIVE,
    moved_to: str | None = None,
    undo_until: datetime | None = None,
    link: str | None = None,
    sent: Sent = NOTHING_MORE,
) -> Message:
    """The card of an approval in its present state, with those of `offers` that it calls for.

    `undo_until` offers Undo on what was let run (docs/rules.md: A14), `link` leads from a moved card to the one it went to
    (docs/rules.md: D5).
    """
    names = sent.names
    if face is Face.MOVED and approval.pending:
        return _moved(approval, moved_to or approval.assignee, link)
    if not approval.pending:
        return _settled(approval, offers, undo_until, names)
    found = leaves_of(approval)
    redact = redactor_of(approval, found)
    sentence = redact(approval.sentence)
    listed = _listed(approval, found, sentence)
    full_view = full_view_first(approval, listed, sentence)
    seen = Seen(approval, sentence, redact, full_view)
    drawn = render("card", _context(seen, listed, offers, sent))
    if not full_view and not _question_fits(approval, redact, drawn):
        drawn = render("card", _context(replace(seen, full_view=True), listed, offers, sent))
    blocks = _with_words(approval, redact, drawn)
    return Message(blocks, push_line(approval, sentence, sent.now), metadata(approval))


def _listed(approval: Approval, found: list[Leaf], sentence: str) -> Listing:
    """The parameters that need lines of their own, since the sentence does not tell them."""
    shown = visible(sentence)
    said = (
        told_by_sentence(approval, found, shown)
        if shown == clip(shown, SENTENCE_CHARS, SENTENCE_BYTES)
        else frozenset()
    )
    return listing([leaf for leaf in found if leaf.path and leaf.path not in said], PARAMETERS_BYTES, found)


def needs_full_view(approval: Approval) -> bool:
    """Whether Approve must show everything first: not every leaf fits the card, or the amount has to be typed."""
    found = leaves_of(approval)
    sentence = redactor_of(approval, found)(approval.sentence)
    return full_view_first(approval, _listed(approval, found, sentence), sentence)


def _question_fits(approval: Approval, redact: Redactor, drawn: list[Block]) -> bool:
    """Whether what there is to choose from stands whole on the card; where it does not, the form shows it first."""
    if approval.request.kind != "choose" or not approval.pending:
        return True
    _, room = _exchange(approval, redact, drawn)
    return quoted_text.fits(quoted_text.agent_asks(approval), redact, room)


def _context(seen: Seen, listed: Listing, offers: Offers, sent: Sent) -> dict[str, Any]:
    approval, redact = seen.approval, seen.redact
    shown = visible(seen.sentence)
    short = len(shown) <= HEADER_CHARS and json_size(shown) <= HEADER_BYTES
    press = controls(seen, offers)
    needed = why(approval, redact)
    return {
        "id": block_ids(look(approval)),
        "header": shown if short else None,
        "sentence": clip(shown, SENTENCE_CHARS, SENTENCE_BYTES),
        "glance": glance(approval),
        "status": status(approval, sent.names),
        "asked_before": _remembered(approval, redact, sent),
        "changed": _changed(approval),
        "parameters": listed.text if listed.total else None,
        "remainder": remainder(approval, listed),
        "small": [*([needed] if needed else []), *asked_by(approval, redact)],
        "bars": bars(press),
        "select": press.select,
    }


def _remembered(approval: Approval, redact: Redactor, sent: Sent) -> Mrkdwn | None:
    """How it came to whoever is asked, what was asked before, and what else helps of the past."""
    memory, names = sent.memory, sent.names
    told = [handed_on(approval, memory, redact, names) if memory else None, asked_before(approval, redact, names)]
    lines = [*(line for line in told if line), *(remembers(memory, names) if memory else [])]
    return Mrkdwn("\n".join(lines)) if lines else None


def _changed(approval: Approval) -> Shown | None:
    """Before and after of what a person edited; None where nothing differs."""
    if not approval.edited:
        return None
    lines = _changes(approval)
    return clip(Shown("\n".join(lines)), 2000, CHANGES_BYTES) if lines else None


def _changes(approval: Approval) -> list[str]:
    found = changes(approval.request.params, approval.params, *hiding(approval))
    return [f"{change.path}: {change.before or '(absent)'} → {change.after or '(removed)'}" for change in found]


def _with_words(approval: Approval, redact: Redactor, drawn: list[Block]) -> list[Block]:
    """The card with the words of others in the room that is left, the exchange before the rest."""
    exchange, room = _exchange(approval, redact, drawn)
    said = [*quoted_text.agent_asks(approval), *quoted_text.briefly(approval)]
    agent = quoted_text.claims(block_ids(look(approval))("agent"), "", said, redact, room, hint=False)
    slots = {"exchange": exchange, "agent_words": agent}
    blocks = [slots[item["slot"]] if "slot" in item else item for item in drawn]
    return [item for item in blocks if item is not None][:MESSAGE_BLOCKS]


def _exchange(approval: Approval, redact: Redactor, drawn: list[Block]) -> tuple[Block | None, int]:
    """What people and agent told each other; and the bytes that are left for the agent's own words."""
    spoken = [replace(said, chars=min(said.chars, SPOKEN_CHARS)) for said in quoted_text.exchange(approval)]
    room = MESSAGE_BYTES - size([item for item in drawn if "slot" not in item])
    block = quoted_text.block(block_ids(look(approval))("exchange"), spoken, redact, min(room, SPOKEN_BYTES))
    return block, room - (size(block) + 2 if block else 0)


def _settled(approval: Approval, offers: Offers, undo_until: datetime | None, names: Names) -> Message:
    """What is decided, in two lines, with what can still be done about it."""
    redact = redactor_of(approval)
    sentence = redact(approval.sentence)
    seen = Seen(approval, sentence, redact, undo_until=undo_until)
    context = {
        "id": block_ids(look(approval, undo_until)),
        "sentence": clip(visible(sentence), SENTENCE_CHARS, SENTENCE_BYTES),
        "lines": [_ending(approval, redact, names), *afterwards(approval, undo_until, names)],
        "bars": bars(controls(seen, offers)),
        "details": seen.press("details", "Details"),
    }
    return Message(render("settled", context), push_line(approval, sentence), metadata(approval))


def _ending(approval: Approval, redact: Redactor, names: Names) -> Mrkdwn:
    """How it ended, with what was chosen, answered or changed."""
    line = fill("{sign} {line}", sign=Mrkdwn(headline(approval)[0]), line=outcome_line(approval, names=names))
    decision = approval.decision
    more: str | None = None
    if decision and (decision.choice or decision.answer):
        label = next(
            (one.label for one in approval.request.choices or () if one.id == decision.choice), decision.choice
        )
        more = redact(label or decision.answer or "")
    elif approval.edited and (lines := _changes(approval)):
        more = lines[0] if len(lines) == 1 else f"{len(lines)} values changed"
    return fill("{line} · {more}", line=line, more=brief(" ".join(more.split()), ENDING_CHARS)) if more else line


def _moved(approval: Approval, moved_to: str | None, link: str | None) -> Message:
    sentence = summary(approval)
    # Why somebody is asked now says nothing of whoever was asked before them.
    reason = clip(visible(approval.assigned_why or ""), 200, 400) if moved_to == approval.assignee else None
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
    }
    return Message(render("moved", context), notification(Shown(f"Moved: {sentence}")), metadata(approval))
