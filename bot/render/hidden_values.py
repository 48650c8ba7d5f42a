"""What a card hides, in plain, for one reviewer who may decide."""

from __future__ import annotations

from bot.render.full_view import CHUNK
from bot.render.modal_parts import AnyPart, code, quotes, small
from bot.render.parameters import pages
from bot.render.quoted_text import Group
from bot.render.visible_text import Shown, visible
from policies.approval import Approval
from policies.hidden import Leaf, hidden_of


def in_plain(approval: Approval) -> list[AnyPart]:
    """Every value and every word that its card hides."""
    hidden = hidden_of(approval)
    told = "Only you see this. The audit trail keeps that you looked." if hidden.count else "Nothing is hidden here."
    plain = [Leaf(leaf.path, leaf.value) for leaf in hidden.leaves]
    parts: list[AnyPart] = [small([Shown(told)])]
    parts += [code(piece, "Hidden on cards" if not at else None) for at, piece in enumerate(pages(plain, CHUNK))]
    for word, _ in hidden.words:
        text = visible(word.text, lines=True)
        parts += [quotes([Group(word.label, [piece], True, None)]) for piece in _chunks(text)]
    return parts


def _chunks(text: Shown) -> list[Shown]:
    return [Shown(text[at : at + CHUNK]) for at in range(0, len(text), CHUNK)]
