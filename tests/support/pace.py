"""How long something takes, as a quiet machine would take for it: a slow hour slows a fixed piece of work just as much."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

PIECE_SECONDS: Final = 0.006
"""What the fixed piece of work takes on a quiet machine: two thirds of the 8.6 ms that a slow hour was measured with."""
TRIES: Final = 8
_WORD: Final = re.compile(r"(\w)\1*")
_TEXT: Final = "aab cdd " * 1_500


def seconds(act: Callable[[], object]) -> float:
    """Processor seconds of this thread that `act` would take on a quiet machine."""
    before = _piece()
    begun = time.thread_time()
    act()
    taken = time.thread_time() - begun
    return taken / max(1.0, before / PIECE_SECONDS, _piece() / PIECE_SECONDS)


def in_time(act: Callable[[], object], limit: float) -> bool:
    """Whether one of a few tries takes less than `limit` seconds: slow code is slow in each, a busy machine now and then."""
    return any(seconds(act) < limit for _ in range(TRIES))


def _piece() -> float:
    """Seconds for a fixed piece of work: a pattern that calls back, and a plain loop."""
    begun = time.thread_time()
    _WORD.sub(lambda found: found[0].upper(), _TEXT)
    count = 0
    for character in _TEXT:
        count += character == "a"
    return time.thread_time() - begun
