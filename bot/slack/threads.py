"""A session's requests share a thread where they are more than two; whoever is asked is mentioned there, and nothing is hidden
in it (docs/rules.md: D4)."""

from __future__ import annotations

from bot.server.runtime import Runtime
from policies.approval import Approval
from policies.messages import ReviewFacts
from store import threads
from store.outbox import Item
from store.unit import Unit


def placed(unit: Unit, item: Item) -> Item:
    """The leased `item`, in its session's thread where it is a card of one request that is posted for the first time."""
    asks = item.live and not item.screen and not isinstance(item.told, ReviewFacts)
    if not asks or item.posted or item.unsure or item.thread_of is not None:
        return item
    return threads.placed(unit, item)


def root_of(item: Item) -> tuple[str, str] | None:
    """(channel, ts) of the thread that it was given."""
    if item.thread_ts is None or item.slack_channel is None:
        return None
    return item.slack_channel, item.thread_ts


async def require(runtime: Runtime, root: tuple[str, str]) -> None:
    """Raise MessageGone unless the message at the head of a thread is still there: what goes under a deleted one is seen by
    nobody."""
    await runtime.slack.call("chat.getPermalink", channel=root[0], message_ts=root[1])


def broadcast(item: Item, approval: Approval | None) -> bool:
    """Whether a card in a thread is shown in the channel too: it mentions nobody, is urgent or was passed on, or
    others may join it."""
    if approval is None or approval.assignee is None or approval.hushed:
        return True
    passed_on = len(approval.asked) > 1 + len(approval.seats)
    return passed_on or item.alike is not None or approval.request.urgency == "high"
