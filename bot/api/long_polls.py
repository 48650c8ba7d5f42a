"""A request that waits for its approval: it subscribes, looks, and looks again at each change, until it has seen enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bot.server.runtime import Runtime
from bot.service import activity
from policies.approval import Approval


async def waited_for(
    runtime: Runtime,
    approval_id: str,
    look: Callable[[], Approval],
    enough: Callable[[Approval, Approval], bool],
    *,
    seconds: float,
    gone: asyncio.Future[Any] | None = None,
) -> Approval:
    """The approval as `look` sees it, once `enough` (of the first look, and of this one), after so many seconds, when
    the server is leaving, or when `gone` is done.

    Raises what `look` raises, and LimitReached where this agent holds too many of them here.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    with runtime.signals.subscribed(approval_id, look) as waiter:
        first = approval = await runtime.call(look)
        with runtime.signals.polling(approval.agent_id, _most(runtime)):
            while not enough(first, approval) and not runtime.signals.closing:
                woken = await waiter.news(max(0.0, deadline - loop.time()), gone)
                if not woken or (gone is not None and gone.done()):
                    break
                activity.woken()
                found = waiter.take()
                # What was seen before something that is known already is no news.
                if found is None or found.version < approval.version:
                    found = await runtime.call(look)
                approval = found
    return approval


def _most(runtime: Runtime) -> int:
    """How many long-polls one agent may hold on one server: two for each approval that may wait, and a few."""
    return 2 * runtime.world.book.manifest.limits.pending + 10
