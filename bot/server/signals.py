"""Who waits for what inside this server: nothing polls, a commit wakes whoever should look."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextvars import copy_context
from datetime import datetime
from itertools import islice
from typing import Any

from policies.approval import Approval
from policies.errors import LimitReached

log = logging.getLogger("sayso.signals")
# What the workers of one server tell each other.
CHANGED, OUTBOX, DEADLINE = "changed", "outbox", "deadline"
# So many waiters of one approval are looked for by whoever changed it; a tap must not wait for a crowd.
MOST_LOOKS = 4


class Waiter:
    """Somebody who waits for news of one approval. `look` reads it as they may see it, from any thread."""

    def __init__(self, look: Callable[[], Approval]) -> None:
        self._look = look
        self._within = copy_context()
        self._woken = False
        self._found: Approval | None = None
        self._asleep: asyncio.Future[None] | None = None

    async def news(self, seconds: float, gone: asyncio.Future[Any] | None = None) -> bool:
        """Wait for a change, so many seconds at most and until `gone` is done; whether there was one.

        Whoever looked before and found nothing new calls this: a change since the last call is never missed.
        """
        if not self._woken:
            await self._sleep(seconds, gone)
        woken, self._woken = self._woken, False
        return woken

    def take(self) -> Approval | None:
        """The approval as it was seen at the last change, once; None where one has to look oneself."""
        found, self._found = self._found, None
        return found

    def wake(self, found: Approval | None = None) -> None:
        """There are news (called in the loop)."""
        # News of two changes may cross on their way: then nobody knows which look was the later one.
        self._found = None if self._woken else found
        self._woken = True
        self._stir()

    async def _sleep(self, seconds: float, gone: asyncio.Future[Any] | None) -> None:
        # One future and no task: at each turn of the loop a thread may take the interpreter for milliseconds.
        loop = asyncio.get_running_loop()
        self._asleep = loop.create_future()
        timer = loop.call_later(seconds, self._stir)
        if gone is not None:
            gone.add_done_callback(self._stir)
        try:
            await self._asleep
        finally:
            self._asleep = None
            timer.cancel()
            if gone is not None:
                gone.remove_done_callback(self._stir)

    def _stir(self, _gone: asyncio.Future[Any] | None = None) -> None:
        if self._asleep is not None and not self._asleep.done():
            self._asleep.set_result(None)

    def looked(self) -> Approval | None:
        """What this waiter sees now, read in the thread that changed it: two hand-overs to other threads less."""
        try:
            return self._within.copy().run(self._look)
        except Exception as error:
            # They look again themselves, and are told what is wrong.
            log.debug("a waiter could not be looked for: %s", type(error).__name__)
            return None


class LiveSignals:
    """Signals of a running server: called from any thread after a commit, heard in the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[str, set[Waiter]] = defaultdict(set)
        self.polls: Counter[str] = Counter()  # how many long-polls each agent holds here
        self.outbox = asyncio.Event()
        self.callbacks = asyncio.Event()
        self.deadline = asyncio.Event()
        self._next: datetime | None = None
        self.closing = False
        # Told of every change made here, so that other replicas hear of it too.
        self.publish: Callable[[str], None] | None = None
        # The same for this server's other workers, and for what only one of them does.
        self.tell: Callable[[str, str], None] | None = None

    def approval_changed(self, approval_id: str) -> None:
        """Wake everybody on this server who waits for it, with what they see now, and tell the other servers."""
        # The loop changes the set meanwhile: copied in one step of the interpreter.
        waiting = tuple(self._waiting.get(approval_id, ()))
        self._call(self._changed, approval_id, {one: one.looked() for one in islice(waiting, MOST_LOOKS)})

    def outbox_filled(self) -> None:
        """Wake the courier, in whichever worker it runs."""
        self._call(self._filled)

    def deadline_set(self, moment: datetime) -> None:
        """Let the sweep look at its alarm again if this deadline is the nearest."""
        self._call(self._deadline, moment)

    def heard(self, approval_id: str) -> None:
        """Another server changed it: wake whoever waits here (called in the loop)."""
        self._wake(approval_id, {})

    def told(self, word: str, about: str) -> None:
        """Another worker of this server says so (called in the loop)."""
        if word == CHANGED:
            self._woken(about, {})
        elif word == OUTBOX:
            self.outbox.set()
        elif word == DEADLINE:
            self._nearer(datetime.fromisoformat(about))

    def close(self) -> None:
        """The server is going: every long-poll gets its answer now, and asks the next server."""
        self._call(self._close)

    def _close(self) -> None:
        self.closing = True
        for waiting in self._waiting.values():
            for waiter in waiting:
                waiter.wake()

    @property
    def waiting(self) -> int:
        """How many long-polls wait now."""
        return sum(len(waiting) for waiting in self._waiting.values())

    def take_nearest_deadline(self) -> datetime | None:
        """The nearest deadline set since the last call."""
        nearest, self._next = self._next, None
        self.deadline.clear()
        return nearest

    @contextlib.contextmanager
    def subscribed(self, approval_id: str, look: Callable[[], Approval]) -> Iterator[Waiter]:
        """A waiter for the approval's changes; subscribe before looking the first time, so that nothing is missed."""
        waiter = Waiter(look)
        self._waiting[approval_id].add(waiter)
        try:
            yield waiter
        finally:
            waiting = self._waiting[approval_id]
            waiting.discard(waiter)
            if not waiting:
                del self._waiting[approval_id]

    @contextlib.contextmanager
    def polling(self, agent_id: str, most: int) -> Iterator[None]:
        """One more long-poll of this agent on this server; raises LimitReached where it has `most` already."""
        if self.polls[agent_id] >= most:
            raise LimitReached(f"{most} requests of this agent are already waiting here", retry_after=5)
        self.polls[agent_id] += 1
        try:
            yield
        finally:
            self.polls[agent_id] -= 1
            if not self.polls[agent_id]:
                del self.polls[agent_id]

    def _changed(self, approval_id: str, found: dict[Waiter, Approval | None]) -> None:
        self._woken(approval_id, found)
        if self.publish is not None:
            self.publish(approval_id)
        self._tell(CHANGED, approval_id)

    def _woken(self, approval_id: str, found: dict[Waiter, Approval | None]) -> None:
        self._wake(approval_id, found)
        self.callbacks.set()

    def _wake(self, approval_id: str, found: dict[Waiter, Approval | None]) -> None:
        for waiter in self._waiting.get(approval_id, ()):
            waiter.wake(found.get(waiter))

    def _filled(self) -> None:
        self.outbox.set()
        self._tell(OUTBOX, "")

    def _deadline(self, moment: datetime) -> None:
        self._nearer(moment)
        self._tell(DEADLINE, moment.isoformat())

    def _nearer(self, moment: datetime) -> None:
        if self._next is None or moment < self._next:
            self._next = moment
            self.deadline.set()

    def _tell(self, word: str, about: str) -> None:
        if self.tell is not None:
            self.tell(word, about)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        # The loop may be closing while the last transaction ends.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)
