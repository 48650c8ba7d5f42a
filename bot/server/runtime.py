"""What a running server's parts share: the world, its signals, a small thread pool and the way to Slack."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar

from bot.server.arrivals import Arrivals
from bot.server.leaving import Leaving
from bot.server.metrics import Metrics
from bot.server.signals import LiveSignals
from bot.server.slack_client import Slack
from bot.server.tracing import Spans
from bot.service.context import World
from bot.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("sayso")


@dataclass
class Runtime:
    """One server's shared parts."""

    settings: Settings
    world: World
    signals: LiveSignals
    slack: Slack
    pool: ThreadPoolExecutor
    metrics: Metrics
    leaving: Leaving
    spans: Spans
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    arrivals: Arrivals = field(default_factory=Arrivals)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a use case in the thread pool: the event loop never waits for the database."""
        loop = asyncio.get_running_loop()
        within = copy_context()
        return await loop.run_in_executor(self.pool, partial(within.run, function, *args, **kwargs))

    def background(self, work: Coroutine[Any, Any, object]) -> None:
        """Do `work` beside the answer; a failure is logged, and shutdown waits for it."""
        task = asyncio.get_running_loop().create_task(_logged(work))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def drain(self, seconds: float) -> None:
        """Wait for work in the background."""
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=seconds)


async def _logged(work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except Exception:
        log.exception("work in the background failed")
