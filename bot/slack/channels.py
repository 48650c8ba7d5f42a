"""The channels that Slack lets us see, page by page: public ones, and private ones that we are in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from bot.server.slack_client import Slack, TokenTrouble

PUBLIC, PRIVATE = "public_channel", "private_channel"
PAGE = 1000
MOST_PAGES = 20  # Slack allows this many calls a minute


async def listed(slack: Slack, **options: Any) -> AsyncIterator[dict[str, Any]]:
    """Every channel; without the scope groups:read only the public ones. Raises SlackTrouble."""
    types = f"{PUBLIC},{PRIVATE}"
    try:
        said = await slack.call("conversations.list", types=types, limit=PAGE, **options)
    except TokenTrouble as error:
        if error.error != "missing_scope":
            raise
        types = PUBLIC
        said = await slack.call("conversations.list", types=types, limit=PAGE, **options)
    for _ in range(MOST_PAGES):
        for entry in said.get("channels", []):
            yield entry
        cursor = str((said.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            return
        said = await slack.call("conversations.list", types=types, limit=PAGE, cursor=cursor, **options)


async def id_of(slack: Slack, name: str) -> str | None:
    """The id of the channel of this name, without its #; None where we see none. Raises SlackTrouble."""
    async for entry in listed(slack, exclude_archived=True):
        if entry.get("name") == name:
            return str(entry["id"])
    return None
