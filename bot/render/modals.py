"""What the forms of the acts (bot/acts) share: what a modal remembers, its pages, and inputs that several of them have. Pure.

Every modal's private_metadata names the approval, the digest its reviewer saw, and the card it came from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.render.blocks import VIEW_BLOCKS, Button, Option
from bot.render.buttons import Offers, button_value
from bot.render.facts import brief
from bot.render.full_view import changed, cost, full_view, sheets
from bot.render.labels import consequence, settled_sentence
from bot.render.line_diff import TextChange
from bot.render.modal_parts import (
    AnyPart,
    Input,
    View,
    bold,
    heading,
    line,
    modal,
    press,
    quotes,
    small,
)
from bot.render.quoted_text import Group
from bot.render.redaction import redactor_of
from bot.render.visible_text import Mrkdwn, Shown, clip, fill, visible
from policies.amounts import to_type
from policies.approval import Approval
from policies.sentences import usd

REJECT_REASONS: Final = {
    "wrong_target": "Wrong amount or wrong target",
    "not_needed": "Not needed",
    "evidence": "Not enough evidence",
    "policy": "Against our policy",
    "done": "Already done",
}


@dataclass(frozen=True, slots=True)
class Where:
    """Where a form is drawn: the message it came from, its page, and what else of the card may be pressed in it.

    `reply` is the key of what was written in the thread instead of in an input, and `change` what that changes.
    """

    channel: str = ""
    ts: str = ""
    page: int = 0
    offers: Offers = ()
    reply: str = ""
    change: TextChange | None = None


def about(approval: Approval, where: Where) -> dict[str, Any]:
    """What a modal remembers (private_metadata)."""
    noted = {"approval_id": approval.id, "digest": approval.digest, "channel": where.channel, "ts": where.ts}
    return {**noted, "page": where.page} | ({"reply": where.reply} if where.reply else {})


def read_metadata(view: dict[str, Any]) -> dict[str, Any]:
    """A view's private_metadata; empty where there is none or it is not ours."""
    try:
        noted = json.loads(view.get("private_metadata") or "{}")
    except (ValueError, RecursionError):
        return {}
    return noted if isinstance(noted, dict) else {}


def approval_of(view: dict[str, Any]) -> str | None:
    """The approval that a modal is about; None where it is about none."""
    named = read_metadata(view).get("approval_id")
    return named if isinstance(named, str) and named else None


def lead(approval: Approval) -> list[AnyPart]:
    """What it is about, first in every modal."""
    shown = visible(redactor_of(approval)(approval.sentence))
    _, severity, undo = consequence(approval.policy)
    top = heading(shown) if len(shown) <= 150 else bold(shown)
    return [top, small([Shown(f"{severity} · {undo}")])]


def note(label: str = "Note", hint: str | None = None) -> Input:
    """Words for the agent and for colleagues, which may be left out."""
    return Input("note", label, optional=True, multiline=True, hint=hint)


def quoted(approval: Approval, label: str, text: str) -> AnyPart:
    """What the agent said, in full."""
    redact = redactor_of(approval)
    return quotes([Group(label, [clip(visible(redact(text), lines=True), 2800)], True, None)])


def turning(page: int, pages: int) -> list[AnyPart]:
    """Which page this is, and the buttons to the ones beside it."""
    if pages == 1:
        return []
    turn: list[AnyPart] = [small([Shown(f"Page {page + 1} of {pages}")])]
    if page > 0:
        turn.append(press("previous_page", [Button("details_page", "Previous page", str(page - 1))]))
    if page + 1 < pages:
        turn.append(press("next_page", [Button("details_page", "Next page", str(page + 1), "primary")]))
    return turn


def in_pages(
    title: str, approval: Approval, ending: Sequence[AnyPart], where: Where, *, name: str, submit: str
) -> View:
    """The full view with `ending` and its submit button on the last page only, so that everything was shown before.

    What was written in the thread stands first, by line.
    """
    written = changed(where.change) if where.change else []
    pages = sheets([*written, *full_view(approval)], blocks=VIEW_BLOCKS - 4 - len(ending), spare=sum(map(cost, ending)))
    page = max(0, min(where.page, len(pages) - 1))
    parts = [*pages[page], *turning(page, len(pages))]
    private = about(approval, replace(where, page=page))
    if page + 1 < len(pages):
        return modal(name, title, parts, private=private)
    return modal(name, title, [*parts, *ending], submit=submit, private=private)


def amount_input(approval: Approval) -> list[AnyPart]:
    """Where a large amount has to be typed again."""
    wanted = to_type(approval.policy, approval.params)
    if wanted is None:
        return []
    return [Input("amount", "Type the amount to approve it", hint=f"It is {usd(wanted)}", most_chars=40)]


def approves(approval: Approval, what: str) -> list[AnyPart]:
    """That sending the form says yes to the action, and the way to say no."""
    said = fill("⚠️ *Sending {what} approves the action*: the agent may then run it. To say no, reject it.", what=what)
    reject = Button("reject", "Reject instead…", button_value(approval), "danger")
    return [line(said), press("instead", [reject])]


def why_not() -> list[AnyPart]:
    """A common reason, words, or both."""
    options = [Option(value, label) for value, label in REJECT_REASONS.items()]
    return [
        Input("reject_reason", "Reason", "static_select", optional=True, options=options, placeholder="Pick one"),
        Input(
            "reason", "In your words", optional=True, multiline=True, hint="The agent reads this. Give at least one."
        ),
    ]


def notice_modal(title: str, text: str, approval: Approval | None = None) -> View:
    """A refusal or the news that something changed; with `approval`, its present state too."""
    parts: list[AnyPart] = [line(text if isinstance(text, Mrkdwn) else brief(text, 700))]
    if approval is not None:
        parts += [*lead(approval), line(settled_sentence(approval))]
    return modal("notice_modal", title, parts, private=about(approval, Where()) if approval else {})


def loading_modal(title: str = "One moment") -> View:
    """What opens at once while the real view is made; a trigger lives only 3 s."""
    return modal("loading_modal", title, [line(Mrkdwn("⏳ Loading…"))])
