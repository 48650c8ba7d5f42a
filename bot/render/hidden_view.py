"""What a card hides, in plain: for one reviewer who may decide, page by page, with the card's buttons on the last one."""

from __future__ import annotations

from bot.render.blocks import VIEW_BLOCKS
from bot.render.full_view import CHUNK, cost, sheets
from bot.render.modal_parts import AnyPart, View, code, modal, small, words
from bot.render.modals import about, deciding, turning
from bot.render.parameters import pages
from bot.render.quoted_text import Group
from bot.render.visible_text import Shown, visible
from policies.approval import Approval
from policies.hidden import Leaf, hidden_of

HERE, NAME = "show_hidden", "show_hidden_modal"


def show_hidden_modal(approval: Approval, channel: str = "", ts: str = "", page: int = 0) -> View:
    """One page of it."""
    found = _sheets(approval)
    page = max(0, min(page, len(found) - 1))
    last = deciding(approval, HERE) if page + 1 == len(found) and approval.pending else []
    parts = [*found[page], *turning(page, len(found)), *last]
    return modal(NAME, "Hidden values", parts, private=about(approval, channel, ts, page))


def is_last(approval: Approval, page: int) -> bool:
    """Whether nothing follows this page."""
    return page + 1 >= len(_sheets(approval))


def _sheets(approval: Approval) -> list[list[AnyPart]]:
    ending = deciding(approval, HERE) if approval.pending else []
    return sheets(_plain(approval), blocks=VIEW_BLOCKS - 6 - len(ending), spare=sum(map(cost, ending)))


def _plain(approval: Approval) -> list[AnyPart]:
    hidden = hidden_of(approval)
    told = "Only you see this. The audit trail keeps that you looked." if hidden.count else "Nothing is hidden here."
    plain = [Leaf(leaf.path, leaf.value) for leaf in hidden.leaves]
    parts: list[AnyPart] = [small([Shown(told)])]
    parts += [code(piece, "Hidden on cards" if not at else None) for at, piece in enumerate(pages(plain, CHUNK))]
    for word, _ in hidden.words:
        text = visible(word.text, lines=True)
        parts += [words([Group(word.label, [piece], True, None)]) for piece in _chunks(text)]
    return parts


def _chunks(text: Shown) -> list[Shown]:
    return [Shown(text[at : at + CHUNK]) for at in range(0, len(text), CHUNK)]
