"""Named steps at which a forked server ends itself with SIGKILL; nothing of this is in the product.

The steps wrap the product's own functions in the forked process only, so no setting of a real server can reach them.
A failpoint is written `NAME` or `NAME#K`: at the K-th time (1 is the first). Where `CHAOS_FAILPOINT_ONCE` names a file,
only the first of several servers dies, the one that makes the file.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine, event

import bot.server.slack_client
import bot.service.sweep as sweep_module
import store.unit
from policies.approval import Approval

DECIDED = ("requested", "approved", "resumed", "result")
STEPS = (
    *(f"{moment}_commit:{name}" for name in DECIDED for moment in ("before", "after")),
    "before_commit:gate_presented",
    "after_commit:gate_presented",
    "before_post",
    "during_post",
    "after_post",
    "mid_sweep",
    "after_commit:reassigned",
)
MIGRATION = "mid_migration"


class Failpoint:
    """Dies at the K-th time its step is reached."""

    def __init__(self, text: str) -> None:
        self.step, _, count = text.partition("#")
        self.left = int(count or 1)

    def reach(self, step: str) -> None:
        """The process has come to `step`."""
        if step == self.step:
            self.left -= 1
            if self.left <= 0 and _first():
                os.kill(os.getpid(), signal.SIGKILL)


def _first() -> bool:
    path = os.environ.get("CHAOS_FAILPOINT_ONCE")
    try:
        return path is None or os.open(path, os.O_CREAT | os.O_EXCL) >= 0
    except FileExistsError:
        return False


def arm(text: str) -> None:
    """Wrap what the failpoint needs; an empty text changes nothing."""
    if not text:
        return
    point = Failpoint(text)
    family = point.step.partition(":")[0]
    _WRAPPERS[family](point)


def _commits(point: Failpoint) -> None:
    flush = store.unit.Unit.flush

    def flushing(unit: store.unit.Unit) -> None:
        happened = [entry.event for entry in unit._entries]
        flush(unit)
        unit.connection.info["chaos_events"] = happened
        unit.callbacks.insert(0, lambda: _reached(point, "after", happened))

    def committing(connection: Any) -> None:
        _reached(point, "before", connection.info.pop("chaos_events", ()))

    store.unit.Unit.flush = flushing  # type: ignore[method-assign]
    event.listen(Engine, "commit", committing)


def _reached(point: Failpoint, moment: str, events: Sequence[str]) -> None:
    for name in events:
        point.reach(f"{moment}_commit:{name}")


def _posts(point: Failpoint) -> None:
    call = bot.server.slack_client.Slack.call

    async def calling(slack: bot.server.slack_client.Slack, method: str, **arguments: Any) -> dict[str, Any]:
        if method != "chat.postMessage":
            return await call(slack, method, **arguments)
        point.reach("before_post")
        sending = asyncio.ensure_future(call(slack, method, **arguments))
        await asyncio.sleep(0.001)
        point.reach("during_post")
        answer = await sending
        point.reach("after_post")
        return answer

    bot.server.slack_client.Slack.call = calling  # type: ignore[method-assign]


def _sweeps(point: Failpoint) -> None:
    handle = sweep_module._Desk.handle

    def handling(desk: sweep_module._Desk, approval: Approval) -> str:
        done = handle(desk, approval)
        point.reach("mid_sweep")
        return done

    sweep_module._Desk.handle = handling  # type: ignore[method-assign]


def _migrations(point: Failpoint) -> None:
    def executing(*_arguments: Any) -> None:
        point.reach(MIGRATION)

    event.listen(Engine, "before_cursor_execute", executing)


_WRAPPERS: dict[str, Callable[[Failpoint], None]] = {
    "before_commit": _commits,
    "after_commit": _commits,
    "before_post": _posts,
    "during_post": _posts,
    "after_post": _posts,
    "mid_sweep": _sweeps,
    MIGRATION: _migrations,
}
