"""`/sayso`: what people steer and look up from any channel; answered so that only they see it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.acts.refusals import explain
from bot.render.labels import mention
from bot.render.message import Message
from bot.render.redaction import without_secrets
from bot.render.visible_text import escape, visible
from bot.server.slack_client import SlackTrouble
from bot.service import authorization, steer, tested
from bot.service import stats as told
from bot.service.context import Context
from bot.slack.chart import picture
from bot.slack.listeners import absence, lists, pages, standing
from bot.slack.listeners.desk import Body, Desk, is_outage
from bot.slack.listeners.home import DAYS
from bot.slack.listeners.label import label
from bot.slack.listeners.tested import tests
from bot.slack.listeners.tune import tune
from policies.errors import InvalidInput, NotFound, SaysoError
from policies.learning.person import nameable
from policies.permissions import Actor, may_administer
from store import audit, people_figures
from store import stats as counted
from store.stats import Stats
from store.unit import Unit

log = logging.getLogger("sayso.commands")
_Handler = Callable[[Desk, Actor, str], Awaitable[Message | str]]

HELP = """*`/sayso`*
• `queue` all open requests, by deadline · `mine` those that wait for me · `show ID` one request
• `reviewers` who is asked, and how busy they are · `stats` the last 14 days, with a chart · `stats me` my own figures
• `away [until WHEN] [delegate @NAME]` send me no new requests · `back` send them again
• `reviewers rebalance` redistribute open cards (admins; a preview, add `now` to apply)
• `pause SESSION` · `resume SESSION` · `cancel SESSION` control an agent's run (admins)
• `stop` no agent runs anything · `start` they may again · `audit ID` the history of a request (admins)
• `standing` what runs without asking, by standing approval · `standing end ID` end one
• `label ID correct|incident|reverted [why]` how a request turned out later
• `tune` suggested changes to the manifest; nothing is applied (admins)
• `tests` how I did in tests of reviewers; admins see everybody's"""

PICTURE = "sayso-figures.png"
_NOTHING: Final = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u2060\ufeff"))  # copied along, and never meant
_AROUND: Final = "\"'`*_“”„‟‘’‚‛«»"
_ONCE: Final = frozenset({"start", "resume", "label"})
"""Commands that change something also where the same request of Slack's arrives a second time."""


def register(app: AsyncApp, desk: Desk) -> None:
    """Hear the command."""

    async def listen(ack: AsyncAck, body: Body) -> None:
        word, rest = _read(str(body.get("text", "")))
        try:
            actor = await desk.actor(body)
            answer = await _answered(desk, actor, body, word, rest)
        except SaysoError as error:
            if is_outage(error):
                raise
            answer = explain(error)
        if isinstance(answer, Message):
            await ack(text=answer.text, blocks=answer.blocks, response_type="ephemeral")
        else:
            await ack(text=answer, response_type="ephemeral")

    app.command("/sayso")(listen)


def _read(text: str) -> tuple[str, str]:
    """The subcommand and what follows it, without what a phone's keyboard or a copied line adds around them."""
    # People arrive as <@U…>; what was typed arrives with the three escapes that Slack makes.
    said = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    word, *more = said.split(maxsplit=1) or [""]
    return word.translate(_NOTHING).strip(_AROUND).rstrip(".!").lower(), _bare(more[0]) if more else ""


def _bare(rest: str) -> str:
    """Without blanks, and without the quotation marks around all of it."""
    text = rest.strip()
    inner = text.strip(_AROUND)
    return inner if len(inner) <= len(text) - 2 and text[0] in _AROUND and text[-1] in _AROUND else text


async def _answered(desk: Desk, actor: Actor, body: Body, word: str, rest: str) -> Message | str:
    work = partial(_HANDLERS.get(word or "help", _unknown), desk, actor, rest)
    return await (desk.once(body, work, _HEARD) if word in _ONCE else work())


_HEARD = "This was heard already, and nothing was done again. Send the command anew if you mean it."


async def _help(desk: Desk, actor: Actor, rest: str) -> str:
    return HELP


async def _unknown(desk: Desk, actor: Actor, rest: str) -> str:
    return f"Unknown command.\n{HELP}"


def _name(user: str) -> str:
    """A person without waking them: the list is for the one who asked."""
    return str(mention(user))


async def _stats(desk: Desk, actor: Actor, rest: str) -> str:
    authorization.require_genuine(actor)
    if rest.lower() == "me":
        own = await desk.call(desk.runtime.world.run, partial(_own, actor))
        return "\n".join([*own, told.SEEN_BY])
    if rest:
        raise InvalidInput("use /sayso stats, or /sayso stats me: nobody sees another's figures", field="stats")
    database = desk.runtime.world.database
    found = await desk.call(database.read, lambda unit: counted.stats(unit, days=DAYS))
    desk.runtime.background(_draw(desk, actor.user, found))
    lines = [f"*Now*: {told.load(found.waiting)}", f"*The last {found.days} days*: {told.team(found)}"]
    lines += [f"• *{escape(role.role)}*: {told.of_role(role)}" for role in found.roles]
    lines += [f"• {_name(one.user)}: {told.load(one.waiting)}" for one in found.reviewers if one.waiting.count]
    if may_administer(actor) is None:
        lines += await desk.call(database.read, _habits)
    return pages.first([*lines, "Your own figures: `/sayso stats me`"])


def _own(actor: Actor, ctx: Context) -> list[str]:
    lines = told.of_oneself(people_figures.own(ctx.unit, actor.user))
    people_figures.keep_shown(ctx.unit, actor.user, ctx.now)
    found = tested.own_figure(ctx, actor)
    return [*lines, f"• Tests of you: {found}"] if found.any else lines


def _habits(unit: Unit) -> list[str]:
    """How people decide, for admins: of those who were shown it first (docs/rules.md: F10)."""
    found = nameable(people_figures.known_to_themselves(unit))
    others = sum(one.decided > 0 for one in people_figures.everybody(unit)) - len(found)
    lines = [f"• {_name(one.user)}: {told.of_somebody(one)}" for one in found]
    return [line for line in (*lines, told.unnamed(len(found), others)) if line]


async def _draw(desk: Desk, user: str, found: Stats) -> None:
    """The same as a picture, directly to whoever asked; the words have been said where Slack does not take it."""
    slack = desk.runtime.slack
    try:
        content = await asyncio.to_thread(picture, found.by_day, told.team(found))
        place = await slack.call("conversations.open", users=user)
        title = f"The last {found.days} days"
        comment = f"{title}: {told.team(found)}"
        channel = str(place["channel"]["id"])
        await slack.upload(channel, PICTURE, content, title=title, alt=told.spoken(found), comment=comment)
    except (SlackTrouble, KeyError, TypeError) as error:
        log.warning("the picture of the figures was not posted: %s", error)


async def _audit(desk: Desk, actor: Actor, rest: str) -> str:
    authorization.require_admin(actor)
    database = desk.runtime.world.database
    found = await desk.call(database.read, lambda unit: list(audit.lines(unit, approval_id=rest.strip("`"))))
    if not found:
        raise NotFound()
    return pages.first([_trail_line(line) for line in found], "; all of them: `python -m bot audit export`")


def _trail_line(line: dict[str, Any]) -> str:
    actor = str(line["actor"])
    who = _name(actor) if actor[:1] in "UW" else str(escape(visible(actor)))
    why = f" · {escape(visible(without_secrets(str(line['rationale']))[:200]))}" if line["rationale"] else ""
    return f"• `{line['seq']}` {line['at'][:19].replace('T', ' ')} *{line['event']}* {who}{why}"


def _steering(word: str) -> _Handler:
    async def handle(desk: Desk, actor: Actor, rest: str) -> str:
        if not rest:
            raise InvalidInput(f"name the session: /sayso {word} SESSION", field="SESSION")
        steered = await desk.call(steer.steer_session, desk.runtime.world, actor, rest, word)
        return f"Session {escape(visible(rest))} is {steered[0].state}."

    return handle


async def _stop(desk: Desk, actor: Actor, rest: str) -> str:
    changed = await desk.call(steer.stop, desk.runtime.world, actor)
    held = "Stopped. Nothing runs by policy alone, and no approved action can start, until `/sayso start`."
    return held if changed else "Already stopped."


async def _start(desk: Desk, actor: Actor, rest: str) -> str:
    if rest:
        raise InvalidInput("starts everything that was stopped; for one session: /sayso resume SESSION", field="start")
    changed = await desk.call(steer.start, desk.runtime.world, actor)
    return "Started. Agents may run again." if changed else "Nothing was stopped: agents may run."


_HANDLERS: dict[str, _Handler] = {
    "help": _help,
    "queue": lists.queue,
    "mine": lists.mine,
    "show": lists.show,
    "reviewers": absence.reviewers,
    "stats": _stats,
    "audit": _audit,
    "away": absence.away,
    "back": absence.back,
    "pause": _steering("pause"),
    "resume": _steering("resume"),
    "cancel": _steering("cancel"),
    "stop": _stop,
    "start": _start,
    "standing": standing.listing,
    "tune": tune,
    "label": label,
    "tests": tests,
}
