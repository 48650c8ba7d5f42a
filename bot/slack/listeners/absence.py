"""`/sayso reviewers`, `away` and `back`: who is asked, who is not there, and who stands in for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.render.labels import mention, when
from bot.render.visible_text import escape
from bot.service import authorization, steer
from bot.service.rebalance import Dealt, rebalance
from bot.service.stats import late_part, of_role
from bot.slack.listeners import pages
from bot.slack.listeners.desk import Desk
from bot.slack.listeners.home import DAYS, publish
from policies.errors import InvalidInput
from policies.files.roster import Roster
from policies.permissions import Actor
from store import workload
from store.stats import Stats, stats
from store.unit import Unit

_SPELL = re.compile(r"^(\d{1,3})\s*(m|h|d)$")
_UNTIL = re.compile(r"^until\s+", re.IGNORECASE)
_DELEGATE = re.compile(r"\sdelegate\s", re.IGNORECASE)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_PERSON = re.compile(r"^<@([UW][A-Z0-9]+)(?:\|[^>]*)?>$|^([UW][A-Z0-9]{2,20})$")
_REASONS = {
    "left": "because their reviewer no longer holds the role",
    "away": "because their reviewer is away",
    "load": "because somebody else in the role has at least two fewer open",
}


async def reviewers(desk: Desk, actor: Actor, rest: str) -> str:
    """Who is asked in each role and how busy they are; `rebalance` deals open cards out anew."""
    word, _, more = rest.partition(" ")
    if word:
        return await _rebalance(desk, actor, word.lower(), more.strip().lower())
    authorization.require_genuine(actor)
    world = desk.runtime.world
    roster = world.book.roster
    members = {role: world.directory.members(roster, role) for role in roster.roles}
    people = {user for users in members.values() for user in users}

    def look(unit: Unit) -> tuple[dict[str, workload.Load], Stats, datetime]:
        return workload.loads(unit, people), stats(unit, days=DAYS), unit.now

    loads, found, now = await desk.call(world.database.read, look)
    told = {role.role: of_role(role) for role in found.roles}
    late = {person.user: late_part(person.waiting) for person in found.reviewers}
    busy = {user: _busy(loads[user], late.get(user, ""), _now(roster, user, now)) for user in people}
    lines = []
    for role, users in members.items():
        said = ", ".join(f"{mention(user)} ({busy[user]})" for user in users) or "nobody"
        lines.append(f"• *{escape(role)}*: {said}" + (f"\n    {escape(told[role])}" if role in told else ""))
    return pages.first(lines) or "The roster has no roles."


def _now(roster: Roster, user: str, now: datetime) -> str:
    """What the roster says of somebody's time right now; empty where they are there."""
    if off := roster.day_off(user, now):
        return f", off today ({escape(off)})"
    quiet_until = roster.quiet_until(user, now)
    return f", quiet until {when(quiet_until)}" if quiet_until else ""


def _busy(load: workload.Load, late: str, now: str) -> str:
    if not load.away:
        return f"{load.open} open{late}{now}"
    until = f" until {when(load.away_until)}" if load.away_until else ""
    instead = f", {mention(load.delegate)} stands in" if load.delegate else ""
    return f"{load.open} open{late}, away{until}{instead}"


async def _rebalance(desk: Desk, actor: Actor, word: str, more: str) -> str:
    if word != "rebalance" or more not in ("", "now"):
        raise InvalidInput("use /sayso reviewers, or /sayso reviewers rebalance", field="reviewers")
    dealt = await desk.call(rebalance, desk.runtime.world, actor, really=more == "now")
    if not dealt.total:
        return "Nothing to move: every reviewer still holds their role, and loads are even." + _stuck(dealt)
    head = f"{dealt.total} open {'card was' if dealt.total == 1 else 'cards were'} moved" if more else _would(dealt)
    why = [f"• {count} {_REASONS[reason]}" for reason, count in sorted(dealt.reasons.items())]
    whom = ", ".join(f"{mention(user)} +{count}" for user, count in sorted(dealt.receivers.items()))
    last = [] if more else ["This is a preview. To apply it: `/sayso reviewers rebalance now`"]
    return "\n".join([f"{head}:", *why, f"• to {whom}{_stuck(dealt)}", *last])


def _would(dealt: Dealt) -> str:
    return f"{dealt.total} open {'card' if dealt.total == 1 else 'cards'} would move"


def _stuck(dealt: Dealt) -> str:
    if not dealt.stuck:
        return ""
    return f"\n• {dealt.stuck} stay where they are, though their reviewer left the role: nobody else is available"


async def away(desk: Desk, actor: Actor, rest: str) -> str:
    """No new requests for me: until when, and who takes my turns."""
    database = desk.runtime.world.database
    now = await desk.call(database.read, lambda unit: unit.now)
    before, *whom = _DELEGATE.split(f" {rest} ", maxsplit=1)
    moment = _UNTIL.sub("", before.strip())
    until = _until(moment, desk, actor, now) if moment else None
    delegate = _person(whom[0].strip(), desk) if whom else None
    covered = await desk.call(steer.away, desk.runtime.world, actor, until, delegate)
    desk.runtime.background(publish(desk, actor.user))
    told = f"You are away until {when(until)}." if until else "You are away until you send `/sayso back`."
    if delegate is None:
        return told
    told += f" {mention(delegate)} stands in for you as {_listed(covered.roles)}."
    return f"{told} Not as {_listed(covered.lacking)}: they do not hold that role." if covered.lacking else told


def _listed(roles: Iterable[str]) -> str:
    return ", ".join(str(escape(role)) for role in roles)


def _person(text: str, desk: Desk) -> str:
    """The user id of a mention, an id, or a name that only one person has."""
    found = _PERSON.match(text)
    if found:
        return found[1] or found[2]
    people = desk.runtime.world.directory.people.values()
    named = [person.user for person in people if person.name.casefold() == text.removeprefix("@").casefold()]
    if len(named) != 1:
        raise InvalidInput("name one person, such as @bob", field="delegate")
    return named[0]


def _until(text: str, desk: Desk, actor: Actor, now: datetime) -> datetime:
    spell = _SPELL.match(text.lower())
    if spell:
        return now + timedelta(**{_UNITS[spell[2]]: int(spell[1])})
    zone = ZoneInfo(desk.runtime.world.book.roster.timezone(actor.user))
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput("give a time such as 2h, 3d, 2026-12-24 or 2026-12-24T09:00", field="until") from None
    if moment <= now:
        raise InvalidInput("must be later than now", field="until")
    return moment


async def back(desk: Desk, actor: Actor, rest: str) -> str:
    """New requests come to me again."""
    was_away = await desk.call(steer.back, desk.runtime.world, actor)
    desk.runtime.background(publish(desk, actor.user))
    return "Welcome back: new requests come to you again." if was_away else "You were not away."
