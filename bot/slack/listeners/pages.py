"""Answers that only one person sees, cut where Slack would cut them: whole pieces, and a count of what is left."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.visible_text import clip, visible

MOST_TEXT = 2900  # Slack cuts longer answers
_ROOM_FOR_TAIL = 120


def first(lines: Sequence[str], more: str = "") -> str:
    """As many of `lines` as fit, and how many are left; `more` says where those are."""
    return page(lines, 1, more or "")


def page(pieces: Sequence[str], number: int, more: str, *, lines: int | None = None) -> str:
    """Page `number`, from 1, of `pieces`; the last page where there are fewer. `more` may name {page}, the next one.

    `lines` is how many lines a page has at most, where a piece has several and none is longer than that.
    """
    found = _pages(pieces, lines)
    at = min(max(1, number), len(found))
    left = sum(map(len, found[at:]))
    tail = f"… and {left} more{more.format(page=at + 1)}" if left else ""
    return "\n".join([*found[at - 1], *([tail] if tail else [])])


def _pages(pieces: Sequence[str], lines: int | None) -> list[list[str]]:
    room = MOST_TEXT - _ROOM_FOR_TAIL
    pages: list[list[str]] = [[]]
    used = high = 0
    for piece in pieces:
        tall = piece.count("\n") + 1
        if pages[-1] and (used + len(piece) + 1 > room or (lines is not None and high + tall > lines)):
            pages.append([])
            used = high = 0
        pages[-1].append(piece if len(piece) <= room else clip(visible(piece, lines=True), room))
        used, high = used + len(pages[-1][-1]) + 1, high + tall
    return pages
