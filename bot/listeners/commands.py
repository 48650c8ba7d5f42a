"""`/sayso`: what people steer and look up from any channel; answered so that only they see it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.listeners import pages
from bot.listeners.desk import Body, Desk, explain, is_outage
from bot.listeners.home import DAYS, duration, in_words
from bot.listeners.tune import tune
from bot.service import decide, steer
from bot.visible_text import escape, visible
from bot.wording import mention, outcome_line, when
from policies.approval import Approval
from policies.errors import InvalidInput, NotFound, SaysoError
from policies.permissions import Actor
from store import approvals, audit
from store.figures import figures

_Handler = Callable[[Desk, Actor, str], Awaitable[str]]

HELP = """*`/sayso`*
• `queue` what waits, by deadline · `mine` what waits for me · `show ID` one request
• `reviewers` who is asked, and their load · `stats` how it goes · `away [until]` no new requests for me · `back` I am here again
• `pause SESSION` · `resume SESSION` · `cancel SESSION` steer an agent's run (admins)
• `stop` hold every execution · `start` let them go on · `audit ID` one request's trail (admins)
• `tune` what the record suggests to change in the manifest; nothing is applied (admins)"""

MOST_LISTED = 500


def register(app: AsyncApp, desk: Desk) -> None:
    """Hear the command."""

    async def listen(ack: AsyncAck, body: Body) -> None:
        word, _, rest = str(body.get("text", "")).strip().partition(" ")
        try:
            actor = await desk.actor(body)
            handler = _HANDLERS.get(word.lower() or "help", _unknown)
            text = await handler(desk, actor, rest.strip())
        except SaysoError as error:
            if is_outage(error):
                raise
            text = explain(error)
        await ack(text=text, response_type="ephemeral")

    app.command("/sayso")(listen)


async def _help(desk: Desk, actor: Actor, rest: str) -> str:
    return HELP


async def _unknown(desk: Desk, actor: Actor, rest: str) -> str:
    return f"I do not know that one.\n{HELP}"


async def _queue(desk: Desk, actor: Actor, rest: str) -> str:
    return await _waiting(desk, actor, None, "Nothing is waiting.")


async def _mine(desk: Desk, actor: Actor, rest: str) -> str:
    return await _waiting(desk, actor, actor.user, "Nothing is waiting for you.")


async def _waiting(desk: Desk, actor: Actor, assignee: str | None, nothing: str) -> str:
    decide.require_genuine(actor)
    database = desk.runtime.world.database
    found = await desk.call(database.read, lambda unit: approvals.pending(unit, assignee=assignee, limit=MOST_LISTED))
    return pages.first([_line(approval) for approval in found]) or nothing


def _line(approval: Approval) -> str:
    due = approval.clock.due_at or approval.clock.expires_at
    whose = f" · {_name(approval.assignee)}" if approval.assignee else ""
    until = f" · due {when(due)}" if due else ""
    return f"• {escape(visible(approval.sentence))}{whose}{until} · `{approval.id}`"


def _name(user: str) -> str:
    """A person without waking them: the list is for the one who asked."""
    return str(mention(user))


async def _show(desk: Desk, actor: Actor, rest: str) -> str:
    approval = await desk.call(decide.read, desk.runtime.world, rest.strip("`"), actor)
    if approval.pending:
        return _line(approval)
    return f"• {escape(visible(approval.sentence))} · {outcome_line(approval)} · `{approval.id}`"


async def _reviewers(desk: Desk, actor: Actor, rest: str) -> str:
    decide.require_genuine(actor)
    world = desk.runtime.world
    roster = world.book.roster
    members = {role: world.directory.members(roster, role) for role in roster.roles}
    people = {user for users in members.values() for user in users}
    loads = await desk.call(world.database.read, lambda unit: approvals.loads(unit, people))
    lines = []
    for role, users in members.items():
        said = ", ".join(f"{_name(user)} ({_busy(loads[user])})" for user in users) or "nobody"
        lines.append(f"• *{escape(role)}*: {said}")
    return pages.first(lines) or "Nobody is."


def _busy(load: approvals.Load) -> str:
    return f"{load.open} open{', away' if load.away else ''}"


async def _away(desk: Desk, actor: Actor, rest: str) -> str:
    until = _until(rest, desk, actor) if rest else None
    await desk.call(steer.away, desk.runtime.world, actor, until)
    return f"You are away until {when(until)}." if until else "You are away until you say `/sayso back`."


async def _stats(desk: Desk, actor: Actor, rest: str) -> str:
    decide.require_genuine(actor)
    found = await desk.call(desk.runtime.world.database.read, lambda unit: figures(unit, days=DAYS))
    lines = [f"• {name}: *{value}*" for name, value in in_words(found).items()]
    for person in found.reviewers:
        lines.append(
            f"• {_name(person.user)}: {person.decided} decided, {person.per_day:.1f} a day, "
            f"median {duration(person.median_seconds)}, {person.approval_rate:.0%} yes"
        )
    return pages.first(lines)


async def _audit(desk: Desk, actor: Actor, rest: str) -> str:
    decide.require_admin(actor)
    database = desk.runtime.world.database
    found = await desk.call(database.read, lambda unit: list(audit.lines(unit, approval_id=rest.strip("`"))))
    if not found:
        raise NotFound()
    return pages.first([_trail_line(line) for line in found], "; all of them: `python -m bot audit export`")


def _trail_line(line: dict[str, Any]) -> str:
    actor = str(line["actor"])
    who = _name(actor) if actor[:1] in "UW" else str(escape(visible(actor)))
    why = f" · {escape(visible(str(line['rationale'])[:200]))}" if line["rationale"] else ""
    return f"• `{line['seq']}` {line['at'][:19].replace('T', ' ')} *{line['event']}* {who}{why}"


_FOR = re.compile(r"^(\d{1,3})\s*(m|h|d)$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _until(text: str, desk: Desk, actor: Actor) -> datetime:
    now = datetime.now(UTC)
    spell = _FOR.match(text)
    if spell:
        return now + timedelta(**{_UNITS[spell[2]]: int(spell[1])})
    zone = ZoneInfo(desk.runtime.world.book.roster.person(actor.user).timezone)
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput("say until when like 2h, 3d, 2026-12-24 or 2026-12-24T09:00", field="until") from None
    if moment <= now:
        raise InvalidInput("must be later than now", field="until")
    return moment


async def _back(desk: Desk, actor: Actor, rest: str) -> str:
    was_away = await desk.call(steer.back, desk.runtime.world, actor)
    return "Welcome back: new requests come to you again." if was_away else "You were not away."


def _steering(word: str) -> _Handler:
    async def handle(desk: Desk, actor: Actor, rest: str) -> str:
        if not rest:
            raise InvalidInput(f"say which: /sayso {word} SESSION", field="SESSION")
        steered = await desk.call(steer.steer_session, desk.runtime.world, actor, rest, word)
        return f"Session {escape(visible(rest))} is {steered[0].state}."

    return handle


async def _stop(desk: Desk, actor: Actor, rest: str) -> str:
    changed = await desk.call(steer.stop, desk.runtime.world, actor)
    held = "Everything is stopped: nothing runs by policy alone, and nothing can be claimed."
    return held if changed else "Everything was stopped already."


async def _start(desk: Desk, actor: Actor, rest: str) -> str:
    changed = await desk.call(steer.start, desk.runtime.world, actor)
    return "Agents may go on." if changed else "Nothing was stopped."


_HANDLERS: dict[str, _Handler] = {
    "help": _help,
    "queue": _queue,
    "mine": _mine,
    "show": _show,
    "reviewers": _reviewers,
    "stats": _stats,
    "audit": _audit,
    "away": _away,
    "back": _back,
    "pause": _steering("pause"),
    "resume": _steering("resume"),
    "cancel": _steering("cancel"),
    "stop": _stop,
    "start": _start,
    "tune": tune,
}
