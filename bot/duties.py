"""What one server does once, however many workers it has: messages, callbacks, letters, Socket Mode, and the sweeps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot.api.callback_sender import CallbackSender
from bot.server import arrivals, audit_anchor
from bot.server.letterbox import Letterbox
from bot.server.runtime import Runtime
from bot.server.ticker import Ticker
from bot.service import integrity, morning_digest, weekly
from bot.service.context import World
from bot.service.sweep import sweep
from bot.settings import Settings
from bot.slack.courier import Courier
from store import approvals
from store.engine import StoreUnavailable
from store.unit import Unit

log = logging.getLogger("sayso")
_AT_ONCE = datetime.resolution * 20_000  # 20 ms: never a busy loop over a row that stays due


class Duties:
    """Begun at the start, or by the worker that leads from then on."""

    def __init__(
        self, runtime: Runtime, courier: Courier, callbacks: CallbackSender, letterbox: Letterbox | None
    ) -> None:
        self._runtime, self._courier, self._callbacks = runtime, courier, callbacks
        self._ticker = Ticker(partial(_sweep, runtime), runtime.settings.sweep_seconds)
        self._others: list[Coroutine[Any, Any, None]] = [] if letterbox is None else [letterbox.run()]
        self._sending: list[asyncio.Task[None]] = []
        self._running: list[asyncio.Task[None]] = []

    def connect(self, bolt: AsyncApp) -> None:
        """Slack is reached over Socket Mode: that is one of them."""
        self._others.append(_socket(bolt, self._runtime.settings))

    def begin(self) -> None:
        """From now on."""
        if self._sending:
            return
        self._sending = [asyncio.create_task(self._courier.run()), asyncio.create_task(self._callbacks.run())]
        alarm = _alarm(self._runtime, self._ticker)
        self._running = [asyncio.create_task(work) for work in (*self._others, alarm)]
        self._others = []
        self._ticker.start()

    async def end(self) -> None:
        """What is on its way still goes out, as long as there is time."""
        for work in self._others:
            work.close()
        if not self._sending:
            return
        leaving = self._runtime.leaving
        await self._ticker.stop()
        await self._runtime.drain(leaving.left)
        self._courier.close()
        self._callbacks.close()
        await asyncio.wait(self._sending, timeout=leaving.left)
        for task in (*self._sending, *self._running):
            task.cancel()
        await asyncio.gather(*self._sending, *self._running, return_exceptions=True)


async def _socket(bolt: AsyncApp, settings: Settings) -> None:
    handler = AsyncSocketModeHandler(bolt, settings.slack_app_token)
    try:
        while True:
            try:
                await handler.connect_async()  # type: ignore[no-untyped-call]
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("Socket Mode does not connect: %s", error)
                await asyncio.sleep(2.0)
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


async def _sweep(runtime: Runtime) -> None:
    try:
        await _swept(runtime)
    except StoreUnavailable as error:
        log.warning("no sweep, the next one tries again: %s", error)
    except Exception:
        log.exception("a sweep failed; the next one tries again")


async def _swept(runtime: Runtime) -> None:
    counts = await runtime.call(sweep, runtime.world)
    runtime.arrivals.note(arrivals.SWEPT)
    await keep_arrivals(runtime)
    for kind in counts.__dataclass_fields__:
        runtime.metrics.swept.labels(kind).inc(getattr(counts, kind))
    runtime.metrics.unknown.inc(counts.lapsed)
    if counts.total:
        log.info("swept %s", counts)
    runtime.metrics.sweep_ended.set_to_current_time()
    faults = await _trail_kept(runtime)
    if faults:
        await runtime.call(integrity.tell_of_the_trail, runtime.world, faults)
    for moment in await runtime.call(runtime.world.database.read, partial(_following, runtime.world)):
        if moment is not None:
            runtime.signals.deadline_set(moment)


async def keep_arrivals(runtime: Runtime) -> None:
    found = runtime.arrivals.take()
    if found:
        await runtime.call(runtime.world.database.run, partial(arrivals.write_down, names=found))


async def _trail_kept(runtime: Runtime) -> list[str]:
    """Move the kept end of the trail on; gives what is wrong with the trail."""
    try:
        faults = await runtime.call(audit_anchor.advance, runtime.settings, runtime.world.database)
    except audit_anchor.Unkept:
        return []
    runtime.metrics.audit_faults.set(len(faults))
    if not faults:
        runtime.metrics.audit_kept.set_to_current_time()
    return faults


def _following(world: World, unit: Unit) -> tuple[datetime | None, ...]:
    moments = morning_digest.upcoming(world, unit.now), weekly.upcoming_weekly(world, unit.now)
    return approvals.next_wake(unit), *moments


async def _alarm(runtime: Runtime, ticker: Ticker) -> None:
    """Move the next sweep to the nearest deadline, in this machine's time."""
    while True:
        await runtime.signals.deadline.wait()
        nearest = runtime.signals.take_nearest_deadline()
        if nearest is None:
            continue
        now = await runtime.call(runtime.world.database.read, lambda unit: unit.now)
        ticker.wake_at(datetime.now(UTC) + max(nearest - now, _AT_ONCE))
