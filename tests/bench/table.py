"""One table of ratios, for people and as JSON."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One goal: `measured` stands against `goal`, both in the row's own terms; `floor` and `ours` are absolute.

    With `at_least` more is better, otherwise less is. A goal of None is a figure to know, neither kept nor missed.
    """

    name: str
    goal: float | None
    measured: float
    unit: str
    at_least: bool
    floor: str
    ours: str
    note: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the goal is reached."""
        if self.goal is None:
            return None
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal

    @property
    def verdict(self) -> str:
        """The same in a word."""
        return {True: "ok", False: "miss", None: ""}[self.kept]

    def cells(self) -> list[str]:
        """The row as it is printed."""
        sign = "≥" if self.at_least else "≤"
        goal = f"{sign} {_figure(self.goal)} {self.unit}" if self.goal is not None else "-"
        return [self.name, goal, f"{_figure(self.measured)} {self.unit}", self.verdict, self.floor, self.ours]


HEAD = ["row", "goal", "measured", "", "floor", "ours"]


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def text(rows: list[Row]) -> str:
    """The table, columns aligned, the notes below it."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    drawn.insert(1, "  ".join("-" * width for width in widths))
    notes = [f"{row.name}: {row.note}" for row in rows if row.note]
    return "\n".join([*drawn, *([""] if notes else []), *notes])


def save(rows: list[Row], path: Path) -> None:
    """The same for machines."""
    body = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "rows": [asdict(row) | {"kept": row.kept} for row in rows],
    }
    path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
