"""Everything about an approval, cut into pages that a modal can hold."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render import facts as card_facts
from bot.render import quoted_text
from bot.render.asked_before import asked_before
from bot.render.blocks import VIEW_BLOCKS, VIEW_BYTES
from bot.render.labels import mention, when
from bot.render.line_diff import TextChange
from bot.render.modal_parts import AnyPart, Input, bold, code, heading, in_columns, line, quotes, small
from bot.render.parameters import in_pieces, pages
from bot.render.redaction import redactor_of, witness
from bot.render.visible_text import Shown, clip, fill, json_size, visible
from policies.approval import Approval
from policies.hidden import leaves_of

CHUNK = 2800  # characters of one text in a modal
SHEET_BYTES = VIEW_BYTES - 20_000  # the rest is for what every modal adds
SHEET_BLOCKS = VIEW_BLOCKS - 6
PART_COST = 900  # bytes of JSON around one part's texts


def full_view(approval: Approval) -> list[AnyPart]:
    """The whole approval in the order of its card, nothing shortened."""
    found = leaves_of(approval)
    redact = redactor_of(approval, found)
    sentence = visible(redact(approval.sentence))
    state = card_facts.status(approval)
    before = asked_before(approval, redact)
    said = [
        *quoted_text.exchange_in_full(approval),
        *quoted_text.person_says(approval),
        *quoted_text.agent_says(approval),
    ]
    hides = witness(approval)
    parts: list[AnyPart] = [
        heading(sentence) if len(sentence) <= 150 else bold(sentence),
        *([line(state)] if state else []),
        *([line(before)] if before else []),
        in_columns(card_facts.facts(approval)),
        *(code(piece, _label(index)) for index, piece in enumerate(pages(found, CHUNK))),
        *([small([Shown(hides)])] if hides else []),
        *(quotes(groups) for groups in quoted_text.in_full(said, redact)),
        *_votes(approval),
    ]
    if approval.why:
        parts.append(code(clip(visible(redact("\n".join(approval.why)), lines=True), CHUNK), "Every rule that spoke"))
    origin = [clip(line_, 2000) for line_ in card_facts.origin(approval, redact)]
    session = (
        [Shown(f"session {clip(visible(approval.request.session_id), 200)}")] if approval.request.session_id else []
    )
    parts.append(small([*origin, *session, Shown(f"whole digest {approval.digest}")]))
    return parts


def _label(index: int) -> str:
    return "Exact parameters (continued)" if index else "Exact parameters"


def _votes(approval: Approval) -> list[AnyPart]:
    """Who has said yes so far; a modal notifies nobody, so names may stand here."""
    return [
        line(fill("✅ {who} for {role}, {at}", who=mention(vote.user), role=vote.role, at=when(vote.at)))
        for vote in approval.votes[:20]
    ]


def changed(change: TextChange) -> list[AnyPart]:
    """What a reply in the thread changes, line by line and whole."""
    pieces = in_pieces(change.lines, CHUNK)
    label = clip(visible(change.label, exact=True), 100)
    return [code(piece, f"Your change to {label}{' (continued)' if at else ''}") for at, piece in enumerate(pieces)]


def sheets(parts: Sequence[AnyPart], blocks: int = SHEET_BLOCKS, spare: int = 0) -> list[list[AnyPart]]:
    """`parts` on as few pages as a modal's 100 blocks and 250 kB allow; `spare` bytes are left free on each."""
    found: list[list[AnyPart]] = [[]]
    used = 0
    room = max(SHEET_BYTES - spare, VIEW_BYTES // 10)
    for part in parts:
        needed = cost(part)
        if found[-1] and (used + needed > room or len(found[-1]) >= blocks):
            found.append([])
            used = 0
        found[-1].append(part)
        used += needed
    return found


def cost(part: AnyPart) -> int:
    """An upper bound of a part's bytes."""
    if isinstance(part, Input):
        texts = [part.label, part.initial or "", part.hint or "", *(option.label for option in part.options)]
        return PART_COST + sum(json_size(visible(text)) + 200 for text in texts)
    texts = [part.text, *part.texts, part.label or ""]
    said = [text for group in part.groups for text in (group.label, *group.items)]
    return PART_COST * (1 + len(part.groups)) + sum(json_size(text) + 120 for text in [*texts, *said])
