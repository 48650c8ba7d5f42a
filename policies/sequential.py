"""The ratchet's recommended preset: levels by tests that watch every execution and stop when the record says enough (docs/rules.md: F7).

Both weigh two suppositions against each other, execution by execution, and neither asks how many there are a day. Promotion is
Wald's test of 0.99 against 0.95; demotion is Page's, of 0.80 against 0.95, over whatever stretch speaks most for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

PROVEN, UNPROVEN = 0.99, 0.95  # how often an agent succeeds that earned a level, and one that did not
FALSELY_PROMOTED, FALSELY_HELD = 0.01, 0.10
# After a try that failed, the next needs so much more: then all tries together promote an unproven agent in 2 % of cases at most.
AGAIN = 0.25
FAILING = 0.80  # how often an agent succeeds that has to lose a level
ODDS = 100.0  # how much likelier that has to be than UNPROVEN


def proven(outcomes: Iterable[bool]) -> bool:
    """Whether these, oldest first, prove that the agent succeeds often enough for a level more."""
    gain, loss = _weights(PROVEN, UNPROVEN)
    enough, too_little = (
        math.log((1 - FALSELY_HELD) / FALSELY_PROMOTED),
        math.log(FALSELY_HELD / (1 - FALSELY_PROMOTED)),
    )
    weight = 0.0
    for succeeded in outcomes:
        weight += gain if succeeded else loss
        if weight >= enough:
            return True
        if weight <= too_little:
            weight, enough = 0.0, enough - math.log(AGAIN)
    return False


def failing(outcomes: Iterable[bool]) -> bool:
    """Whether these, oldest first, end in a stretch that shows the agent failing far too often."""
    watch = Watch()
    return [watch.add(succeeded) for succeeded in outcomes][-1:] == [True]


class Watch:
    """How much the latest stretch speaks for an agent that fails far too often; what it did well before excuses nothing."""

    def __init__(self) -> None:
        self._weight = 0.0

    def add(self, succeeded: bool) -> bool:
        """One execution more; whether the stretch up to it costs a level."""
        gain, loss = _weights(FAILING, UNPROVEN)
        self._weight = max(0.0, self._weight + (gain if succeeded else loss))
        return self._weight >= math.log(ODDS)


def _weights(supposed: float, instead_of: float) -> tuple[float, float]:
    """How much a success and a failure speak for one supposition instead of the other."""
    return math.log(supposed / instead_of), math.log((1 - supposed) / (1 - instead_of))
