"""Finding a post whose outcome is unknown, by its metadata, before it is sent again (docs/rules.md: I4)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

from bot.server.runtime import Runtime
from bot.server.slack_client import SlackTrouble
from bot.slack import channels
from store import outbox
from store.outbox import Item

log = logging.getLogger("sayso.courier")
HISTORY_PAGES = 3
CLOSED_TO_US = frozenset({"missing_scope", "not_in_channel"})


async def find(
    runtime: Runtime, item: Item, metadata: dict[str, Any], root: tuple[str, str] | None
) -> tuple[str, str] | None:
    """(channel, ts) of the message with this metadata that no row knows of yet; `root` is the thread it belongs to.

    None also where we may not look: then it is sent again, and a message that came through after all stands there twice.
    """
    try:
        return await _found(runtime, item, metadata, root)
    except SlackTrouble as error:
        if error.error not in CLOSED_TO_US:
            raise
        log.warning("a lost message cannot be looked for in %s, and is sent again: %s", item.channel, error)
        return None


async def _found(
    runtime: Runtime, item: Item, metadata: dict[str, Any], root: tuple[str, str] | None
) -> tuple[str, str] | None:
    channel = root[0] if root else await _channel_id(runtime, item.channel)
    if channel is None:
        return None
    database = runtime.world.database
    known = await runtime.call(database.glance, lambda unit: outbox.posted_timestamps(unit, item.approval_id))
    async for message in _recent(runtime, channel, root):
        if _same(message.get("metadata") or {}, metadata) and message.get("ts") not in known:
            return channel, str(message["ts"])
    return None


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    names = ("event_type", "event_payload")
    return all(one.get(name) == other.get(name) for name in names)


async def _recent(runtime: Runtime, channel: str, root: tuple[str, str] | None) -> AsyncIterator[dict[str, Any]]:
    method = "conversations.replies" if root else "conversations.history"
    arguments: dict[str, Any] = {"channel": channel, "include_all_metadata": True, "limit": 100}
    if root:
        arguments["ts"] = root[1]
    for _ in range(HISTORY_PAGES):
        said = await runtime.slack.call(method, **arguments)
        for message in said.get("messages", []):
            yield message
        arguments["cursor"] = str((said.get("response_metadata") or {}).get("next_cursor") or "")
        if not arguments["cursor"]:
            return


async def _channel_id(runtime: Runtime, channel: str) -> str | None:
    """A channel's id: Slack takes names for posting, but not for looking back."""
    if not channel.startswith("#"):
        if channel[0] in "UW":
            said = await runtime.slack.call("conversations.open", users=channel)
            return str(said["channel"]["id"])
        return channel
    database = runtime.world.database
    found = await runtime.call(database.glance, lambda unit: outbox.known_channel_id(unit, channel))
    if found is not None:
        return found
    return await channels.id_of(runtime.slack, channel[1:])
