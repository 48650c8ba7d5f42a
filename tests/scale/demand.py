"""What workspaces ask for in one busy hour, drawn from a seed: how much, how unevenly, and how long its cards wait for Slack."""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import exp

HOUR = 3600.0
UNEVEN = (
    1.0  # the spread of the logarithm of what workspaces ask for: the busiest of 10,000 asks for some 25 times the mean
)
BURST = 3.0  # requests that one run of an agent makes at once, on average
CHANNELS = 3  # that a workspace's cards go to; half of them to the first
POST_SECONDS = 1.0  # Slack takes one message a second in a channel
UPDATES_A_MINUTE = 50  # and about so many chat.update in a workspace (its tier 3)
UPDATES = 2  # of a card: decided, and what became of it


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of all workspaces together."""

    workspaces: int
    approvals: int
    busiest: int  # approvals of the busiest workspace
    waits: tuple[float, ...]  # seconds from a request to its card, sorted
    over_updates: int  # workspaces whose cards change more often than Slack allows
    peak_second: int  # requests in the busiest second, all workspaces

    def wait(self, share: float) -> float:
        """Seconds that `share` of all cards wait at most."""
        return self.waits[min(len(self.waits) - 1, int(len(self.waits) * share))] if self.waits else 0.0

    def late(self, seconds: float) -> float:
        """The share of cards that wait longer."""
        return sum(wait > seconds for wait in self.waits) / max(1, len(self.waits))


def hour(seed: int, workspaces: int, mean: float) -> Hour:
    """`mean` approvals an hour and workspace."""
    draws, seconds = random.Random(seed), [0] * int(HOUR)
    waits: list[float] = []
    busiest = over = total = 0
    for _ in range(workspaces):
        wanted = mean * exp(draws.gauss(0.0, UNEVEN) - UNEVEN**2 / 2)
        moments = _moments(draws, wanted)
        for moment in moments:
            seconds[int(moment)] += 1
        waits += _waits(draws, moments)
        total += len(moments)
        busiest = max(busiest, len(moments))
        over += len(moments) * UPDATES / 60 > UPDATES_A_MINUTE
    return Hour(workspaces, total, busiest, tuple(sorted(waits)), over, max(seconds))


def _moments(draws: random.Random, wanted: float) -> list[float]:
    """When a workspace's requests come: runs at random, each with a burst of them."""
    found: list[float] = []
    at = draws.expovariate(wanted / BURST / HOUR)
    while at < HOUR:
        found.append(at)
        while draws.random() < 1 - 1 / BURST:
            found.append(at)
        at += draws.expovariate(wanted / BURST / HOUR)
    return found


def _waits(draws: random.Random, moments: list[float]) -> list[float]:
    """How long each card waits for its channel, where each goes out by itself."""
    free, found = [0.0] * CHANNELS, []
    for moment in moments:
        channel = 0 if draws.random() < 0.5 else draws.randrange(1, CHANNELS)
        begins = max(moment, free[channel])
        free[channel] = begins + POST_SECONDS
        found.append(begins - moment)
    return found
