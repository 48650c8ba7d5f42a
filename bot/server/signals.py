"""Who waits for what inside this server: nothing polls, a commit wakes whoever should look."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime

from policies.errors import LimitReached

# What the workers of one server tell each other.
CHANGED, OUTBOX, DEADLINE = "changed", "outbox", "deadline"


class LiveSignals:
    """Signals of a running server: called from any thread after a commit, heard in the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
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
        """Wake everybody on this server who waits for it, and tell the other servers."""
        self._call(self._changed, approval_id)

    def outbox_filled(self) -> None:
        """Wake the courier, in whichever worker it runs."""
        self._call(self._filled)

    def deadline_set(self, moment: datetime) -> None:
        """Let the sweep look at its alarm again if this deadline is the nearest."""
        self._call(self._deadline, moment)

    def heard(self, approval_id: str) -> None:
        """Another server changed it: wake whoever waits here (called in the loop)."""
        for event in self._waiting.get(approval_id, ()):
            event.set()

    def told(self, word: str, about: str) -> None:
        """Another worker of this server says so (called in the loop)."""
        if word == CHANGED:
            self._woken(about)
        elif word == OUTBOX:
            self.outbox.set()
        elif word == DEADLINE:
            self._nearer(datetime.fromisoformat(about))

    def close(self) -> None:
        """The server is going: every long-poll gets its answer now, and asks the next server."""
        self._call(self._close)

    def _close(self) -> None:
        self.closing = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    @property
    def waiting(self) -> int:
        """How many long-polls wait now."""
        return sum(len(events) for events in self._waiting.values())

    def take_nearest_deadline(self) -> datetime | None:
        """The nearest deadline set since the last call."""
        nearest, self._next = self._next, None
        self.deadline.clear()
        return nearest

    @contextlib.contextmanager
    def subscribed(self, approval_id: str) -> Iterator[asyncio.Event]:
        """An event that is set when the approval changes; subscribe before reading, so that nothing is missed."""
        event = asyncio.Event()
        self._waiting[approval_id].add(event)
        try:
            yield event
        finally:
            events = self._waiting[approval_id]
            events.discard(event)
            if not events:
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

    def _changed(self, approval_id: str) -> None:
        self._woken(approval_id)
        if self.publish is not None:
            self.publish(approval_id)
        self._tell(CHANGED, approval_id)

    def _woken(self, approval_id: str) -> None:
        self.heard(approval_id)
        self.callbacks.set()

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
