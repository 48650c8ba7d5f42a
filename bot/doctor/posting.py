"""Trying the one thing that only a message proves: that each channel takes one. Only where it is asked for."""

from __future__ import annotations

import asyncio
import contextlib

from bot.doctor.examine import Seen
from bot.doctor.findings import Finding, ok, wrong
from bot.doctor.workspace import Channel
from bot.server.metrics import Metrics
from bot.server.slack_client import Slack, SlackTrouble

TEXT = "Sayso tries whether this channel takes a message. Nothing to do; this line goes away by itself."
SECONDS = 4.0


def messages_tried(seen: Seen) -> list[Finding]:
    """A line in each channel that was found, taken away at once."""
    names = [name for name, found in sorted(seen.workspace.channels.items()) if isinstance(found, Channel)]
    return asyncio.run(_tried(seen, names))


async def _tried(seen: Seen, names: list[str]) -> list[Finding]:
    slack = Slack(seen.settings, Metrics())
    await slack.open()
    try:
        return list(await asyncio.gather(*(_try(slack, name) for name in names)))
    finally:
        await slack.close()


async def _try(slack: Slack, name: str) -> Finding:
    label = f"a message in {name}"
    try:
        async with asyncio.timeout(SECONDS):
            said = await slack.call("chat.postMessage", channel=name, text=TEXT, parse="none")
    except (SlackTrouble, TimeoutError) as error:
        return wrong(label, f"is refused: {error or 'no answer'}", "See what is said of this channel above")
    with contextlib.suppress(SlackTrouble, TimeoutError):
        async with asyncio.timeout(SECONDS):
            await slack.call("chat.delete", channel=said["channel"], ts=said["ts"])
            return ok(label, "came, and is gone again")
    return ok(label, "came", "It could not be taken away again: delete it by hand")
