"""A start ends when it is told to, whatever it waits in: a database, a lock, a name server."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import TracebackType

_LOOK_SECONDS = 0.2
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Starting:
    """Until `over`, SIGTERM and SIGINT end the process at once, also as a container's first process.

    Nobody is served yet, and what a transaction began is rolled back. A handler of Python's would have to wait for the call
    that the start is stuck in, and the first process of a container ignores what it has no handler for.
    """

    def __enter__(self) -> Starting:
        self._over = threading.Event()
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over()

    def over(self) -> None:
        """The server runs, or the start failed: signals go where they always do."""
        if self._over.is_set():
            return
        self._over.set()
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _listen(self) -> None:
        while not self._over.is_set():
            found = signal.sigtimedwait(_SIGNALS, _LOOK_SECONDS)
            if found is not None:
                os.write(2, b"sayso: stopped while starting\n")
                os._exit(128 + found.si_signo)
