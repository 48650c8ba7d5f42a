"""The home tab: what waits for me, whether I am here, how it goes, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.render.blocks import Block, Button, render
from bot.render.facts import brief
from bot.render.labels import Names, mention, nobody, when
from bot.render.queues import Section, listed
from bot.render.standing import Listed
from bot.render.standing import list_blocks as listed_standing
from bot.render.visible_text import Mrkdwn, fill
from policies.approval import Approval

MINE, RECENT, FIGURES, STANDING = 30, 10, 10, 5


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether requests can be assigned to somebody now.

    `refusal` says why they count for nothing here at all; `asked` is whether they hold any role. `away` without `until` means
    until further notice; `quiet_until` ends the quiet hours of now; `day_off` names the holiday that today is for them.
    """

    refusal: str | None = None
    asked: bool = True
    away: bool = False
    until: datetime | None = None
    quiet_until: datetime | None = None
    day_off: str | None = None


HERE = Presence()


def home_view(
    me: str,
    mine: Sequence[Approval],
    recent: Sequence[Approval],
    presence: Presence = HERE,
    figures: Mapping[str, object] | None = None,
    *,
    links: Mapping[str, str] | None = None,
    standing: Sequence[Listed] = (),
    names: Names = nobody,
) -> dict[str, Any]:
    """The home tab of `me`: at most 30 waiting and 10 recent approvals, and up to 10 figures by name.

    `standing` are the standing approvals that hold now and that they may end. Whoever cannot decide anything here reads
    why, and nothing else.
    """
    context = {
        "presence": _told(me, presence),
        "toggle": _toggle(presence),
        "figures": [] if presence.refusal else _figures(figures or {}),
    }
    more = f"and {len(mine) - MINE} more" if len(mine) > MINE else None if mine else "Nothing waits for you. 🎉"
    waiting = Section("mine", f"Waiting for you ({len(mine)})", mine[:MINE], more, mine=True)
    lists = {
        "mine": [] if presence.refusal or not (presence.asked or mine) else listed(waiting, links, names),
        "standing": [] if presence.refusal else _standing(standing),
        "recent": listed(Section("recent", "You decided", recent[:RECENT]), links, names) if recent else [],
    }
    blocks = [
        block for item in render("home", context) for block in (lists[item["slot"]] if "slot" in item else [item])
    ]
    return {"type": "home", "callback_id": "home", "blocks": blocks}


def _standing(found: Sequence[Listed]) -> list[Block]:
    if not found:
        return []
    more = f"and {len(found) - STANDING} more: /sayso standing" if len(found) > STANDING else None
    return listed_standing(found[:STANDING], "standing", f"Standing approvals ({len(found)})", more)


def _toggle(presence: Presence) -> Button | None:
    if presence.refusal or not presence.asked:
        return None
    return Button("away_toggle", "I am back", "back") if presence.away else Button("away_toggle", "I am away", "away")


def _told(me: str, presence: Presence) -> Mrkdwn:
    if presence.refusal:
        return fill("{me}, nothing is assigned to you here. {why}", me=mention(me), why=presence.refusal)
    if not presence.asked:
        words = "{me}, you hold no role in Sayso's roster, so nothing is assigned to you. An admin can add you."
        return fill(words, me=mention(me))
    if presence.away:
        until = fill(" until {at}", at=when(presence.until)) if presence.until else Mrkdwn("")
        return fill("🌙 {me}, you are away{until}: requests go to others.", me=mention(me), until=until)
    if presence.day_off:
        words = "🌴 {me}, today is a day off for you ({why}): requests go to others while anybody else is there."
        return fill(words, me=mention(me), why=brief(presence.day_off, 60))
    if presence.quiet_until:
        words = "🤫 {me}, these are your quiet hours until {at}: only what is urgent or severe is sent to you."
        return fill(words, me=mention(me), at=when(presence.quiet_until))
    return fill("👋 {me}, you are here: requests can be assigned to you.", me=mention(me))


def _figures(figures: Mapping[str, object]) -> list[Mrkdwn]:
    return [
        fill("*{name}*\n{value}", name=brief(name, 60), value=brief(str(value), 60))
        for name, value in list(figures.items())[:FIGURES]
    ]
