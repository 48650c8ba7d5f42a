"""What chance alone explains: exact tails and bounds of shares, from counts that may be weighted.

Written out and not taken from scipy: scipy and numpy are 160 MB of wheel in every server, and half a second of every start, for one
function. The tests hold these figures against scipy's to 1e-9.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

ONE_SIDED = 0.95  # how sure each bound of an interval is by itself
_TINY, _ENOUGH, _STEPS = 1e-300, 1e-15, 10_000


@dataclass(frozen=True, slots=True)
class Measured:
    """A share as it was counted: `hits` of `n`, and between which bounds it lies. Each bound holds in 95 % of cases by itself.

    `n` and `hits` are no whole numbers where cases have weights; then they are what that many equal cases would tell.
    """

    hits: float
    n: float
    low: float
    high: float

    @property
    def rate(self) -> float | None:
        """The share itself; None of nothing."""
        return self.hits / self.n if self.n else None

    def __str__(self) -> str:
        if self.rate is None:
            return "nothing counted"
        return f"{self.hits:.0f} of {self.n:.0f}, {self.rate:.1%} ({self.low:.1%} to {self.high:.1%})"


def measured(hits: float, n: float) -> Measured:
    """The share with its exact bounds (Clopper and Pearson; with weights Korn and Graubard)."""
    return Measured(hits, n, lower(hits, n), upper(hits, n))


@lru_cache(maxsize=4096)
def lower(hits: float, n: float, sure: float = ONE_SIDED) -> float:
    """The share that the true one lies above, `sure` of the time."""
    if hits <= 0 or n <= 0:
        return 0.0
    return _solved(lambda share: at_least(hits, n, share), 1 - sure)


@lru_cache(maxsize=4096)
def upper(hits: float, n: float, sure: float = ONE_SIDED) -> float:
    """The share that the true one lies below, `sure` of the time."""
    return 1.0 if n <= 0 else 1.0 - lower(n - hits, n, sure)


def at_least(hits: float, n: float, share: float) -> float:
    """How likely so many hits or more are among `n` where each is one with the probability `share`."""
    if hits <= 0:
        return 1.0
    return 0.0 if hits > n else beta(share, hits, n - hits + 1)


def at_most(hits: float, n: float, share: float) -> float:
    """How likely so many hits or fewer are."""
    if hits >= n:
        return 1.0
    return 0.0 if hits < 0 else beta(1 - share, n - hits, hits + 1)


def fewer_in_common(common: int, ours: int, theirs: int, everything: int) -> float:
    """How likely a lot of `ours` among `everything` has `common` or fewer of `theirs` (Fisher's exact test, one-sided)."""
    first = max(0, ours + theirs - everything)
    ways = _ways(everything, ours)
    each = (_ways(theirs, k) + _ways(everything - theirs, ours - k) - ways for k in range(first, common + 1))
    return min(1.0, math.fsum(map(math.exp, each)))


def _ways(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta(1 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """Lentz's way through it: from the front, until a step changes nothing any more."""
    c, d = 1.0, 1 / _kept(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for term in (even, odd):
            d, c = 1 / _kept(1 + term * d), _kept(1 + term / c)
            step = c * d
            value *= step
        if abs(step - 1) < _ENOUGH:
            break
    return value


def _kept(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _solved(rising: Callable[[float], float], wanted: float) -> float:
    low, high = 0.0, 1.0
    while high - low > 1e-14:
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
    return (low + high) / 2
