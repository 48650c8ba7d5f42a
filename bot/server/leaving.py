"""How a server goes: it says that it is not ready, serves on for a while, takes nothing new, and ends what is under way."""

from __future__ import annotations

import time

LEAST_SECONDS = 1.0


class Leaving:
    """The two times of a shutdown: `delay` in which everything still works, so that a load balancer can look away,
    and then `seconds` for what is under way."""

    def __init__(self, delay: float, seconds: float) -> None:
        self._delay, self._seconds = delay, seconds
        self._since: float | None = None

    @property
    def begun(self) -> bool:
        """Whether this server goes."""
        return self._since is not None

    def begin(self) -> None:
        """It goes from now on."""
        if self._since is None:
            self._since = time.monotonic()

    @property
    def served(self) -> bool:
        """Whether the time is over in which it still serves."""
        return self._since is not None and time.monotonic() - self._since >= self._delay

    @property
    def left(self) -> float:
        """Seconds for what is still under way: a little always, however long others took."""
        if self._since is None:
            return max(LEAST_SECONDS, self._seconds)
        return max(LEAST_SECONDS, self._since + self._delay + self._seconds - time.monotonic())
