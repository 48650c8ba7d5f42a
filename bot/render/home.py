"""The home tab: whether I am here, what waits for me, what was decided, and how it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.render.blocks import Button, render
from bot.render.facts import brief
from bot.render.labels import mention, when
from bot.render.queues import listed
from bot.render.visible_text import Mrkdwn, fill
from policies.approval import Approval

MINE, RECENT, FIGURES = 30, 10, 10


def home_view(
    me: str,
    mine: Sequence[Approval],
    recent: Sequence[Approval],
    away_until: datetime | None = None,
    figures: Mapping[str, object] | None = None,
    *,
    away: bool = False,
    links: Mapping[str, str] | None = None,
    quiet_until: datetime | None = None,
    day_off: str | None = None,
) -> dict[str, Any]:
    """The home tab of `me`: at most 30 waiting and 10 recent approvals, and up to 10 figures by name.

    `away` without `away_until` means away until further notice; `quiet_until` ends the quiet hours of now; `day_off` names
    the holiday that today is for them.
    """
    is_away = away or away_until is not None
    context = {
        "presence": _presence(me, is_away, away_until, quiet_until, day_off),
        "toggle": Button("away_toggle", "I am back", "back") if is_away else Button("away_toggle", "I am away", "away"),
        "figures": [_figure(name, value) for name, value in list((figures or {}).items())[:FIGURES]],
    }
    more = f"and {len(mine) - MINE} more" if len(mine) > MINE else None if mine else "Nothing waits for you. 🎉"
    lists = {
        "mine": listed(mine[:MINE], "mine", header=f"Waiting for you ({len(mine)})", tail=more, links=links),
        "recent": listed(recent[:RECENT], "recent", header="Recently decided", links=links) if recent else [],
    }
    blocks = [
        block for item in render("home", context) for block in (lists[item["slot"]] if "slot" in item else [item])
    ]
    return {"type": "home", "callback_id": "home", "blocks": blocks}


def _presence(me: str, away: bool, until: datetime | None, quiet_until: datetime | None, day_off: str | None) -> Mrkdwn:
    if not away and day_off:
        words = "🌴 {me}, today is a day off for you ({why}): requests go to others while anybody else is there."
        return fill(words, me=mention(me), why=brief(day_off, 60))
    if not away and quiet_until:
        words = "🤫 {me}, these are your quiet hours until {at}: only what is urgent or severe is sent to you."
        return fill(words, me=mention(me), at=when(quiet_until))
    if not away:
        return fill("👋 {me}, you are here: requests can be assigned to you.", me=mention(me))
    until_when = fill(" until {at}", at=when(until)) if until else Mrkdwn("")
    return fill("🌙 {me}, you are away{until}: requests go to others.", me=mention(me), until=until_when)


def _figure(name: str, value: object) -> Mrkdwn:
    return fill("*{name}*\n{value}", name=brief(name, 60), value=brief(str(value), 60))
