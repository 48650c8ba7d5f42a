"""Several workers behind one listening socket: this process starts them, starts again who dies, and passes on what they say.

Exactly one of them leads: it alone sweeps and sends to Slack, to callbacks and by mail, as a server without workers does. Who
leads is decided here, where the end of a process is seen at once; that nothing happens twice stays the database's to hold.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import selectors
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.server import supervisor
from bot.server.colleagues import ALIVE, LEAD, READY, Colleagues, line_of, said
from bot.server.signals import CHANGED
from bot.settings import BadSetting, Settings
from policies.errors import SaysoError

log = logging.getLogger("sayso.workers")
Work = Callable[[Colleagues], int]
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 10.0
SETTLED_SECONDS = 10.0  # whoever lived so long is started again at once
SILENT_SECONDS = 30.0  # whoever says nothing for so long does nothing any more
LATE_SECONDS = 10.0  # beyond what a worker may take to end
MOST_BYTES = 1_000_000  # for a worker that does not listen: what it misses costs a waiting agent one long-poll
LOOK_SECONDS = 0.5
_ENDINGS = {signal.SIGTERM, signal.SIGINT}


def require_possible(settings: Settings) -> None:
    """Raise BadSetting where several workers cannot be."""
    if settings.workers == 1:
        return
    if sys.platform == "win32":
        raise BadSetting("SAYSO_WORKERS: must be 1 on Windows", field="SAYSO_WORKERS")
    if settings.several:
        text = "must be 1 with SLACK_CLIENT_ID: for many workspaces start several servers on PostgreSQL instead"
        raise BadSetting(f"SAYSO_WORKERS: {text}", field="SAYSO_WORKERS")


@dataclass
class Worker:
    """One process, and the line to it."""

    slot: int
    pid: int
    line: socket.socket
    began: float
    heard: float
    ready: bool = False
    incoming: bytes = b""
    outgoing: bytearray = field(default_factory=bytearray)


@dataclass
class Slot:
    """A worker's place: who has it, how often in a row whoever had it died soon, and when the next one starts."""

    worker: Worker | None = None
    deaths: int = 0
    next_at: float = 0.0


class Workers:
    """`count` processes that each do `work`, until a signal."""

    def __init__(self, count: int, work: Work, patience: float) -> None:
        self._slots = [Slot() for _ in range(count)]
        self._work, self._patience = work, patience
        self._selector = selectors.DefaultSelector()
        self._leader: Worker | None = None
        self._complete = False
        self._ending: float | None = None
        self._status: int | None = None
        alive = supervisor.alive_seconds()
        self._alive_seconds, self._told_alive = alive, 0.0

    def run(self) -> int:
        """Until all have ended; the status to end with."""
        gc.collect()
        gc.freeze()  # what the workers share is not looked through, and so stays shared
        with tempfile.TemporaryDirectory(prefix="sayso-figures-") as folder, self._signals():
            self._figures = Path(folder)
            while self._ending is None or self._living:
                self._turn()
        return self._status or 0

    @property
    def _living(self) -> list[Worker]:
        return [slot.worker for slot in self._slots if slot.worker is not None]

    # --- signals ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        self._woken, waking = os.pipe()
        for end in (self._woken, waking):
            os.set_blocking(end, False)
        before = {number: signal.signal(number, lambda *_: None) for number in (*_ENDINGS, signal.SIGHUP)}
        signal.set_wakeup_fd(waking)
        self._selector.register(self._woken, selectors.EVENT_READ)
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._selector.close()
            os.close(self._woken)
            os.close(waking)

    def _signalled(self) -> None:
        for number in os.read(self._woken, 64):
            if number == signal.SIGHUP:
                self._send(signal.SIGHUP)
            elif number in _ENDINGS:
                self._end(None if self._complete else 128 + number)

    def _end(self, status: int | None) -> None:
        """All go, as one server would; whoever is not ready yet at once."""
        if self._ending is None:
            supervisor.tell(supervisor.STOPPING)
            self._ending, self._status = time.monotonic(), status
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        for worker in self._living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, number)

    # --- one turn ---------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        now = time.monotonic()
        for number, slot in enumerate(self._slots):
            if slot.worker is None and self._ending is None and slot.next_at <= now:
                self._start(number)
        for key, events in self._selector.select(LOOK_SECONDS if not self._starting else FIRST_PAUSE_SECONDS):
            worker: Worker | None = key.data
            if worker is None:
                self._signalled()
                continue
            if events & selectors.EVENT_WRITE:
                self._write(worker)
            if events & selectors.EVENT_READ:
                self._read(worker)
        self._look(time.monotonic())

    @property
    def _starting(self) -> bool:
        return self._ending is None and any(slot.worker is None for slot in self._slots)

    def _look(self, now: float) -> None:
        for worker in self._living:
            silent = self._ending is None and worker.ready and now - worker.heard > SILENT_SECONDS
            late = self._ending is not None and now - self._ending > self._patience + LATE_SECONDS
            if silent or late:
                log.error("worker %d %s: it is killed", worker.slot, "says nothing" if silent else "does not end")
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)
        ready = [worker for worker in self._living if worker.ready]
        if self._leader is None and ready and self._ending is None:
            self._leader = min(ready, key=lambda worker: worker.began)
            log.info("worker %d leads, process %d", self._leader.slot, self._leader.pid)
            self._tell(self._leader, line_of(LEAD))
        if self._alive_seconds and self._complete and now - self._told_alive > self._alive_seconds:
            self._told_alive = now
            supervisor.tell(supervisor.ALIVE)

    # --- one worker -------------------------------------------------------------------------------------------------

    def _start(self, number: int) -> None:
        ours, theirs = socket.socketpair()
        signal.pthread_sigmask(signal.SIG_BLOCK, (*_ENDINGS, signal.SIGHUP))
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._be(number, theirs)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (*_ENDINGS, signal.SIGHUP))
        theirs.close()
        ours.setblocking(False)
        now = time.monotonic()
        worker = Worker(number, pid, ours, now, now)
        self._slots[number].worker = worker
        self._selector.register(ours, selectors.EVENT_READ, worker)

    def _be(self, number: int, line: socket.socket) -> None:
        """The worker itself: nothing of the supervisor's is left open, or its end would go unseen."""
        status = 70
        try:
            signal.set_wakeup_fd(-1)
            for ending in _ENDINGS:
                signal.signal(ending, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            for other in self._living:
                other.line.close()
            self._selector.close()
            for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC"):
                os.environ.pop(name, None)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (*_ENDINGS, signal.SIGHUP))
            status = self._work(Colleagues(line, number, self._figures))
        except SaysoError as error:
            print(f"sayso: {error}", file=sys.stderr)
            status = 2
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _read(self, worker: Worker) -> None:
        try:
            found = worker.line.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            found = b""
        if not found:
            self._ended(worker)
            return
        worker.heard = time.monotonic()
        *lines, worker.incoming = (worker.incoming + found).split(b"\n")
        for line in lines:
            self._heard(worker, line)

    def _heard(self, worker: Worker, line: bytes) -> None:
        word, _ = said(line)
        if word == ALIVE:
            return
        if word == READY:
            self._is_ready(worker)
        elif word == CHANGED:
            for other in self._living:
                if other is not worker:
                    self._tell(other, line + b"\n")
        elif self._leader is not None and self._leader is not worker:
            self._tell(self._leader, line + b"\n")

    def _is_ready(self, worker: Worker) -> None:
        worker.ready = True
        if not self._complete and all(slot.worker and slot.worker.ready for slot in self._slots):
            self._complete = True
            log.info("all %d workers are ready", len(self._slots))
            supervisor.tell(supervisor.READY)

    def _ended(self, worker: Worker) -> None:
        self._selector.unregister(worker.line)
        worker.line.close()
        _, how = os.waitpid(worker.pid, 0)
        status, slot, now = os.waitstatus_to_exitcode(how), self._slots[worker.slot], time.monotonic()
        slot.worker = None
        if worker is self._leader:
            self._leader = None
        if self._ending is not None:
            return
        if not self._complete and status >= 0:
            self._end(status or 1)  # it has said why; the others would say the same
            return
        slot.deaths = 0 if worker.ready and now - worker.began > SETTLED_SECONDS else slot.deaths + 1
        slot.next_at = now + pause(slot.deaths)
        log.error("worker %d ended with %d, and is started again in %.1f s", worker.slot, status, pause(slot.deaths))

    def _tell(self, worker: Worker, line: bytes) -> None:
        if len(worker.outgoing) > MOST_BYTES:
            return
        worker.outgoing += line
        self._write(worker)

    def _write(self, worker: Worker) -> None:
        with contextlib.suppress(OSError):  # whether it ended, reading will tell
            del worker.outgoing[: worker.line.send(worker.outgoing)]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.outgoing else 0)
        self._selector.modify(worker.line, wanted, worker)


def pause(deaths: int) -> float:
    """Seconds until the next start, after so many deaths in a row that came soon."""
    return 0.0 if deaths == 0 else min(FIRST_PAUSE_SECONDS * 2.0 ** min(deaths - 1, 10), LONGEST_PAUSE_SECONDS)
