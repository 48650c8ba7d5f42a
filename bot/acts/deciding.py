"""The buttons of an approval's card inside a modal, with the same friction."""

from __future__ import annotations

from bot.render.buttons import Seen, controls
from bot.render.cards import needs_full_view
from bot.render.modal_parts import AnyPart, press
from bot.render.modals import Where
from bot.render.redaction import redactor_of
from policies.approval import Approval


def deciding(approval: Approval, where: Where, here: str) -> list[AnyPart]:
    """All of them but those that lead `here` and to the details; a menu opens its form."""
    full_view = needs_full_view(approval) or approval.request.kind == "choose"
    redact = redactor_of(approval)
    found = controls(Seen(approval, redact(approval.sentence), redact, full_view), where.offers)
    kept = [[item for item in row if item.action not in ("details", here)] for row in (*found.rows, found.behind)]
    return [press(f"decide-{number}", row) for number, row in enumerate(kept, 1) if row]
