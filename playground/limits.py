"""Slack's rate limits: off unless switched on, then as strict as the real ones."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
WINDOW = 60.0


@dataclass
class _Bucket:
    tokens: float
    at: float


class RateLimits:
    """One message a second and channel with a small burst; other methods by tier and minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.enabled = False
        self.message_rate = 1.0
        self.message_burst = 3
        self.tiers = dict(TIERS)
        self._clock = clock
        self._windows: defaultdict[str, deque[float]] = defaultdict(deque)
        self._buckets: dict[str, _Bucket] = {}

    def retry_after(self, method: str, tier: int, channel: str | None) -> int | None:
        """Whole seconds to wait, or None when the call may go ahead (it is then counted)."""
        if not self.enabled:
            return None
        if method == "chat.postMessage":
            return self._spend(channel or "")
        return self._count(method, tier)

    def reset(self) -> None:
        """Forget what was counted."""
        self._windows.clear()
        self._buckets.clear()

    def _spend(self, channel: str) -> int | None:
        now = self._clock()
        bucket = self._buckets.setdefault(channel, _Bucket(float(self.message_burst), now))
        bucket.tokens = min(self.message_burst, bucket.tokens + (now - bucket.at) * self.message_rate)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return None
        return max(1, math.ceil((1 - bucket.tokens) / self.message_rate))

    def _count(self, method: str, tier: int) -> int | None:
        now = self._clock()
        window = self._windows[method]
        while window and now - window[0] >= WINDOW:
            window.popleft()
        if len(window) < self.tiers.get(tier, 100):
            window.append(now)
            return None
        return max(1, math.ceil(WINDOW - (now - window[0])))
