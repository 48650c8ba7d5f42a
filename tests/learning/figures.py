"""A figure that the suggestions promise: what was seen in so many seeds, with its interval, against its goal."""

from __future__ import annotations

from dataclasses import dataclass

from policies.learning.chance import measured


@dataclass(frozen=True)
class Figure:
    """How often something happened in `seeds` simulations, and the goal: at most, or at least, such a share; None of one without a goal."""

    what: str
    seen: int
    seeds: int
    at_most: float | None = None
    at_least: float | None = None

    @property
    def share(self) -> float:
        return self.seen / self.seeds

    @property
    def kept(self) -> bool:
        """Whether the goal was kept."""
        low = self.at_least is None or self.share >= self.at_least
        return low and (self.at_most is None or self.share <= self.at_most)

    @property
    def goal(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:.0%}" if self.at_most else "0 %"
        return f"≥ {self.at_least:.0%}" if self.at_least is not None else ""

    @property
    def row(self) -> tuple[str, ...]:
        """For the table."""
        seen = measured(self.seen, self.seeds)
        verdict = ("ok" if self.kept else "MISS") if self.goal else "told"
        share = f"{self.share:.1%}"
        interval = f"{seen.low:.1%} to {seen.high:.1%}" if self.seeds > 1 else "exact"
        return (self.what, self.goal, share, interval, str(self.seeds), verdict)


HEAD = ("what", "goal", "seen", "interval", "seeds", "")
