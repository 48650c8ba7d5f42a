"""Answers that only one person sees, cut where Slack would cut them: whole pieces, and a count of what is left."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.visible_text import clip, visible

MOST_TEXT = 2900  # Slack cuts longer answers
_ROOM_FOR_TAIL = 120


def first(lines: Sequence[str], more: str = "") -> str:
    """As many of `lines` as fit, and how many are left; `more` says where those are."""
    return page(lines, 1, more or "")


def page(lines: Sequence[str], number: int, more: str) -> str:
    """Page `number`, from 1, of `lines`; the last page where there are fewer. `more` may name {page}, the next one."""
    found = _pages(lines)
    at = min(max(1, number), len(found))
    left = sum(map(len, found[at:]))
    tail = f"… and {left} more{more.format(page=at + 1)}" if left else ""
    return "\n".join([*found[at - 1], *([tail] if tail else [])])


def _pages(lines: Sequence[str]) -> list[list[str]]:
    room = MOST_TEXT - _ROOM_FOR_TAIL
    pages: list[list[str]] = [[]]
    used = 0
    for line in lines:
        if pages[-1] and used + len(line) + 1 > room:
            pages.append([])
            used = 0
        pages[-1].append(line if len(line) <= room else clip(visible(line, lines=True), room))
        used += len(pages[-1][-1]) + 1
    return pages
