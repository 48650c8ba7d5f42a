"""A review after the fact as a Slack message: what ran by policy alone, and whether that was right (docs/rules.md: A14)."""

from __future__ import annotations

from typing import Any

from bot.render import facts, quoted_text
from bot.render.blocks import MESSAGE_BYTES, Block, Button, render, size
from bot.render.buttons import button_value
from bot.render.labels import headline, mention, reviewed_sentence, when
from bot.render.message import Message, block_ids, summary
from bot.render.parameters import listing, remainder
from bot.render.redaction import redactor_of
from bot.render.visible_text import Mrkdwn, Shown, fill, notification
from policies.approval import Approval, Review
from policies.hidden import leaves_of

PARAMETERS_BYTES = 3000
WORDS_BYTES = 3000


def review_card(approval: Approval, round_: int) -> Message:
    """The card of whoever was asked as the `round_`-th; it is dead once somebody else is asked, or the review is closed."""
    review = approval.review
    assert review is not None
    mine = not review.closed and len(review.asked) == round_
    sentence, redact = summary(approval, 600, 1500), redactor_of(approval)
    listed = listing(leaves_of(approval), PARAMETERS_BYTES)
    context: dict[str, Any] = {
        "id": block_ids(f"review-{round_}-{approval.version}"),
        "lead": _lead(approval, review, round_),
        "sentence": sentence,
        "parameters": listed.text,
        "remainder": remainder(approval, listed),
        "why": facts.why(approval, redact),
        "buttons": _buttons(approval) if mine else (),
        "small": [],
    }
    payload = {"approval_id": approval.id, "round": round_}
    noted = {"event_type": "sayso_review", "event_payload": payload}
    return Message(
        _with_words(approval, render("notice", context), round_), notification(Shown(f"Review: {sentence}")), noted
    )


def _lead(approval: Approval, review: Review, round_: int) -> Mrkdwn:
    if review.by is not None:
        return fill("🔎 *Reviewed afterwards*: {said}", said=reviewed_sentence(approval))
    if review.closed:
        return Mrkdwn("🔎 *Not reviewed*: nobody had time. Nothing needs to be done")
    if len(review.asked) != round_:
        return fill("➡️ This review moved to {who}", who=mention(review.asked[-1]))
    due = approval.clock.review_by
    sign, state = headline(approval)
    line = fill(
        "🔎 *Was this right?* {who}, {agent} ran this without asking: {sign} {state}. Nothing waits for your answer",
        who=mention(review.asked[-1]),
        agent=facts.brief(approval.agent, 80),
        sign=Mrkdwn(sign),
        state=Mrkdwn(state),
    )
    return fill("{line}\nUntil {at}, then the next person is asked", line=line, at=when(due)) if due else line


def _buttons(approval: Approval) -> tuple[Button, ...]:
    value = button_value(approval)
    return (
        Button("review_correct", "Looks right", value, "primary"),
        Button("review_incident", "Incident", value, "danger"),
        Button("details", "Details", value),
    )


def _with_words(approval: Approval, drawn: list[Block], round_: int) -> list[Block]:
    redact, looks = redactor_of(approval), f"{round_}-{approval.version}"
    room = MESSAGE_BYTES - size([item for item in drawn if "slot" not in item])
    said = quoted_text.block(f"said-{looks}", quoted_text.person_says(approval), redact, min(room, WORDS_BYTES))
    room -= size(said) + 2 if said else 0
    claims = quoted_text.claims(
        f"agent-{looks}", "The agent says", quoted_text.agent_says(approval), redact, min(room, WORDS_BYTES)
    )
    slots = {"said": said, "claims": claims}
    return [block for block in (slots[item["slot"]] if "slot" in item else item for item in drawn) if block is not None]
