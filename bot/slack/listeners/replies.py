"""Replies in the threads of cards: the few that name a parameter to edit; of all other messages nothing is read or kept."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.acts import written
from bot.acts.refusals import explain
from bot.render.message import Message
from bot.server.slack_client import SlackTrouble
from bot.service import replies
from bot.slack.listeners.desk import Body, Desk
from bot.slack.typed_message import typed
from policies.approval import Approval
from policies.errors import SaysoError

log = logging.getLogger("sayso.listeners")
Event = dict[str, Any]
AGAIN_SECONDS = 1.0
PLAIN = (None, "", "file_share", "thread_broadcast")  # no edits, no deletions, nobody's but people's


def register(app: AsyncApp, desk: Desk) -> None:
    """Hear messages of channels (manifest.yml subscribes to these)."""

    async def said(ack: AsyncAck, body: Body, event: Event) -> None:
        await ack()
        if _may_be_a_reply(event):
            desk.runtime.background(_heard(desk, body, event))

    app.event("message")(said)


def _may_be_a_reply(event: Event) -> bool:
    thread, bot = event.get("thread_ts"), event.get("bot_id")
    reply = isinstance(thread, str) and thread != event.get("ts") and event.get("subtype") in PLAIN
    return reply and not bot and written.order_of(typed(str(event.get("text") or ""))) is not None


async def _heard(desk: Desk, body: Body, event: Event) -> None:
    channel, thread, user = (str(event.get(name) or "") for name in ("channel", "thread_ts", "user"))
    found = await _waiting(desk, channel, thread)
    order = written.order_of(typed(str(event.get("text") or "")))
    if not found or order is None or not user:
        return
    tapped = {"user": {"id": user}, "container": {"channel_id": channel, "thread_ts": thread}}
    try:
        seen = await desk.call(written.meant, found, order)
        if seen is None:
            return
        team = event.get("user_team") or event.get("team") or body.get("team_id")
        actor = await desk.people.actor(user, str(team) if team else None, body.get("enterprise_id"))
        source = f"{channel}:{event.get('ts')}"
        message = await desk.call(written.shown_change, desk.runtime.world, actor, seen, order, source=source)
        await _show(desk, tapped, message)
    except SaysoError as error:
        desk.tell(tapped, explain(error))
    except SlackTrouble as error:
        log.warning("%s was not shown what their reply changes: %s", user, error)


async def _waiting(desk: Desk, channel: str, thread: str) -> list[Approval]:
    """What waits in the thread; looked for twice: a card is in Slack a moment before that is on record."""
    found = await desk.call(replies.waiting_in, desk.runtime.world, channel, thread)
    if not found:
        await asyncio.sleep(AGAIN_SECONDS)
        found = await desk.call(replies.waiting_in, desk.runtime.world, channel, thread)
    return found


async def _show(desk: Desk, tapped: Body, message: Message | None) -> None:
    if message is None:
        return
    place = tapped["container"]
    where = {"channel": place["channel_id"], "user": tapped["user"]["id"], "thread_ts": place["thread_ts"]}
    await desk.runtime.slack.call("chat.postEphemeral", **where, blocks=message.blocks, text=message.text, parse="none")
