"""Slack's limits, kept before Slack has to say so: a post a second and channel, fifty updates a minute."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable

POST_INTERVAL_SECONDS = 1.0
UPDATES = 50  # chat.update is Tier 3: so many in a window, for the whole workspace
UPDATE_WINDOW_SECONDS = 60.0


class RateLimits:
    """What may be sent now. `interval` is the pause between two posts in a channel, and scales the window of updates."""

    def __init__(self, clock: Callable[[], float], interval: float = POST_INTERVAL_SECONDS) -> None:
        self._clock = clock
        self._interval = interval
        self._window = UPDATE_WINDOW_SECONDS * interval / POST_INTERVAL_SECONDS
        self._next_post: dict[str, float] = defaultdict(float)
        self._updates: deque[float] = deque()
        self._no_updates_until = 0.0

    def resting(self) -> list[str]:
        """Channels that take no post now; the others are forgotten."""
        now = self._clock()
        self._next_post = defaultdict(float, {name: at for name, at in self._next_post.items() if at > now})
        return list(self._next_post)

    def updates_left(self) -> int:
        """How many updates Slack takes now."""
        now = self._clock()
        while self._updates and now - self._updates[0] >= self._window:
            self._updates.popleft()
        return 0 if now < self._no_updates_until else UPDATES - len(self._updates)

    def posted(self, channel: str) -> None:
        """A post goes to this channel."""
        self._next_post[channel] = self._clock() + self._interval

    def updated(self) -> None:
        """An update goes out."""
        self._updates.append(self._clock())

    def slow_down(self, channel: str | None, seconds: float) -> None:
        """Slack said 429: leave the channel alone for so long, or where None is given, all updates."""
        until = self._clock() + seconds
        if channel is None:
            self._no_updates_until = max(self._no_updates_until, until)
        else:
            self._next_post[channel] = max(self._next_post[channel], until)

    def soonest(self) -> float:
        """Seconds until something that rests may go on; 0 where nothing rests."""
        now = self._clock()
        moments = [at for at in self._next_post.values() if at > now]
        if self.updates_left() <= 0:
            moments.append(max(self._no_updates_until, self._updates[0] + self._window if self._updates else 0.0))
        return max(0.0, min(moments, default=now) - now)
