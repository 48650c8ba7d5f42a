"""Copies of what Slack knows, each with an age: asked for when they are too old, many askers with one question, never older
than what is known already."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bot.server.slack_client import RateLimited, SlackTrouble

V = TypeVar("V")
log = logging.getLogger("sayso.people")
NEVER = float("-inf")
COUNTED = 200
JOIN_SECONDS = 0.25  # a question that is under way for no longer than this is everybody's


class Copies(Generic[V]):
    """The copies of one kind, by id. `ask` gets one from Slack; `keep` is told each that is newer than the one before.

    Times are this process's own seconds, as `clock` tells them.
    """

    def __init__(
        self,
        ask: Callable[[str], Awaitable[V]],
        keep: Callable[[str, V], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._keep = keep
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._changed: dict[str, float] = {}
        self._asking: dict[str, tuple[float, asyncio.Task[bool]]] = {}
        self._asked: deque[float] = deque(maxlen=COUNTED)
        self._quiet_until = NEVER
        self._trouble: str | None = None
        self.unsaved: dict[str, tuple[V, float]] = {}

    def age(self, key: str) -> float:
        """How many seconds ago Slack was asked for what is known; without end where it never was."""
        return self._clock() - self._seen.get(key, NEVER)

    @property
    def asked_within_a_minute(self) -> int:
        """How many questions were asked within a minute."""
        since = self._clock() - 60.0
        return sum(moment > since for moment in self._asked)

    @property
    def wait_seconds(self) -> float:
        """For how long Slack wants to hear no more of these questions."""
        return max(0.0, self._quiet_until - self._clock())

    def fresh(self, key: str, within: float) -> bool:
        """Whether the copy is no older than `within` seconds, and nothing has changed since."""
        return self.age(key) <= within and not self._outdated(key, self._seen[key])

    async def look(self, key: str, within: float) -> bool:
        """Whether the copy is no older than `within` seconds now, or Slack was asked again and answered."""
        if self.fresh(key, within):
            return True
        begun, asking = self._asking.get(key, (NEVER, None))
        age = self._clock() - begun
        if asking is None or asking.done() or age > max(within, JOIN_SECONDS) or self._outdated(key, begun):
            if self.wait_seconds:
                return False
            begun = self._clock()
            asking = asyncio.create_task(self._asked_for(key, begun))
            self._asking[key] = (begun, asking)
            self._asked.append(begun)
        return await asyncio.shield(asking)

    async def _asked_for(self, key: str, begun: float) -> bool:
        try:
            said = await self._ask(key)
            self._trouble = None
            return self.hear(key, said, begun)
        except RateLimited as error:
            self._quiet_until = self._clock() + error.seconds
            log.warning("Slack wants to be asked less about who is who: not for %.0f s", error.seconds)
        except SlackTrouble as error:
            # One cause is told once, not for each person on the roster.
            if error.error != self._trouble:
                log.warning("Slack does not tell of %s and maybe others, their last good copies age: %s", key, error)
            self._trouble = error.error
        except (KeyError, TypeError, ValueError, AttributeError):
            log.warning("Slack's answer about %s cannot be read, its last good copy ages", key)
        except Exception:
            log.exception("asking about %s failed, its last good copy ages", key)
        finally:
            if self._asking.get(key, (NEVER, None))[0] == begun:
                del self._asking[key]
        return False

    async def close(self) -> None:
        """Give up every question that is under way."""
        asking = [task for _, task in self._asking.values()]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def hear(self, key: str, value: V, moment: float, *, save: bool = True) -> bool:
        """Take over what was true at `moment`; False where something newer is known, or it has changed since."""
        if moment < self._seen.get(key, NEVER) or self._outdated(key, moment):
            return False
        self._seen[key] = moment
        self._keep(key, value)
        if save:
            self.unsaved[key] = (value, moment)
        return True

    def changed(self, key: str, value: V | None = None) -> None:
        """Slack says that it has changed just now: what was asked for before counts no more.

        `value` is what certainly holds, with the age of the copy that it was made from.
        """
        self._changed[key] = self._clock()
        if value is not None:
            self._keep(key, value)
            if key in self._seen:
                self.unsaved[key] = (value, self._seen[key])

    def _outdated(self, key: str, moment: float) -> bool:
        return moment < self._changed.get(key, NEVER)
