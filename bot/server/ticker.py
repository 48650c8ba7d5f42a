"""The clock: APScheduler and nothing else. It calls; what is called claims its work, so extra calls are harmless (docs/rules.md: I5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

Job = Callable[[], Awaitable[object]]


class Ticker:
    """Runs a job at a fixed interval, once at the start, and whenever it is told that something falls due earlier."""

    def __init__(self, job: Job, seconds: float) -> None:
        self._job = job
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._seconds = seconds

    def start(self) -> None:
        """Begin, with one run at once: whatever fell due while nobody was there."""
        self._scheduler.add_job(
            self._job,
            "interval",
            seconds=self._seconds,
            id="sweep",
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=datetime.now(UTC),
        )
        self._scheduler.start()

    def wake_at(self, moment: datetime) -> None:
        """Run at `moment` too, if that is before the next run."""
        job = self._scheduler.get_job("sweep")
        if job is not None and (job.next_run_time is None or moment < job.next_run_time):
            self._scheduler.modify_job("sweep", next_run_time=moment)

    async def stop(self) -> None:
        """End; a run that is under way finishes."""
        self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)
