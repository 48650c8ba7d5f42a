"""The weekly post: what the record suggests, each with its figures and a diff that `patch` takes as it stands."""

from __future__ import annotations

from typing import Any

from bot.render.blocks import Block, render
from bot.render.message import Message, block_ids
from bot.render.visible_text import Mrkdwn, Shown, clip, escape, fill, notification, visible
from policies.messages import OwnFiguresFacts, SuggestedFacts, WeeklyFacts

MOST_DIFF = 2800  # characters of one text
ELSEWHERE = "Its diff does not fit here: python -m bot policy tune prints it."


def weekly_post(told: WeeklyFacts) -> Message:
    """The message; the diagram is shared in its thread."""
    shown = len(told.suggested)
    of = f" of {told.total}" if told.total > shown else ""
    title = f"What the record suggests, week of {told.week}: {shown}{of}"
    lead = fill("📈 *{title}*\nNothing changes until the manifest does.", title=visible(title))
    blocks = _part("weekly", lead, None)
    for number, one in enumerate(told.suggested, 1):
        blocks += _part(f"weekly-{number}", _lines(number, one), _diff(one.diff))
    said = "; ".join(f"{one.action}: {one.kind}" for one in told.suggested)
    payload = {"event_type": "sayso_notice", "event_payload": {"kind": "weekly"}}
    return Message(blocks, notification(f"{title}. {said}"), payload)


def own_figures(told: OwnFiguresFacts) -> Message:
    """What somebody decided, for them alone."""
    first, *rest = told.lines
    lead = Mrkdwn("\n".join([fill("*{title}*", title=visible(first)), *(escape(visible(line)) for line in rest)]))
    payload = {"event_type": "sayso_notice", "event_payload": {"kind": "figures"}}
    return Message(_part("figures", lead, None), notification(first), payload)


def _part(name: str, lead: Mrkdwn, code: Shown | None) -> list[Block]:
    empty: dict[str, Any] = {"sentence": None, "remainder": None, "why": None, "buttons": (), "small": []}
    drawn = render("notice", {"id": block_ids(name), "lead": lead, "parameters": code, **empty})
    return [item for item in drawn if "slot" not in item]


def _lines(number: int, one: SuggestedFacts) -> Mrkdwn:
    first = fill("*{number}. {action}*: {kind}", number=number, action=one.action, kind=one.kind)
    lines = [escape(clip(visible(line), 500)) for line in one.lines]
    if one.diff and _diff(one.diff) is None:
        lines.append(Mrkdwn(f"_{ELSEWHERE}_"))
    return Mrkdwn("\n".join([first, *lines]))


def _diff(diff: str) -> Shown | None:
    """To the character, or not at all: `patch` takes no diff in which something was made visible or cut."""
    text = diff.rstrip("\n")
    shown = visible(text, lines=True)
    return shown if text and len(text) <= MOST_DIFF and shown == text else None
