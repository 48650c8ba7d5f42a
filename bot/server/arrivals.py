"""What arrived from outside, and when last: Slack does not tell what is switched on in it, but what came was."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from store import switches
from store.unit import Unit

PREFIX = "arrived:"
SPACING_SECONDS = 60.0
EVENTS = (
    "app_home_opened",
    "subteam_members_changed",
    "subteam_updated",
    "user_change",
    "team_join",
    "app_uninstalled",
    "tokens_revoked",
    "message",
)
INTERACTION, COMMAND, EVENT = "interaction", "command", "event:"
DOCTOR = "sayso-doctor"  # whose own questions are nobody's watching
UNSIGNED, LATE, SCRAPED, PROBED, SWEPT = "unsigned", "late", "metrics", "readyz", "sweep"


class Arrivals:
    """Noted in memory, where a tap must not wait, and kept with the next sweep: each at most once in a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._new: set[str] = set()
        self._noted: dict[str, float] = {}

    def note(self, what: str) -> None:
        """This came just now; the names are ours, never a payload's."""
        now = self._clock()
        if now - self._noted.get(what, float("-inf")) >= SPACING_SECONDS:
            self._noted[what] = now
            self._new.add(what)

    def take(self) -> list[str]:
        """What came since the last time, to be kept."""
        found = sorted(self._new)
        self._new.clear()
        return found


def write_down(unit: Unit, names: list[str]) -> None:
    """Write down that these came."""
    for name in names:
        switches.renew(unit, PREFIX + name)


def kept(unit: Unit) -> dict[str, datetime]:
    """When each came last, to the minute."""
    return switches.moments(unit, PREFIX)
