"""`python -m tests.bench`: measure, print one table, write bench.json. BENCH_ROWS=tap,create chooses."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.bench import table
from tests.bench.rows import creates, cycles, drawing, processor, rivalry, starting, sweeping, taps, waiting
from tests.bench.stack import Stack, standing
from tests.bench.table import Row

_GROUPS: dict[str, list[Callable[[Stack], list[Row]]]] = {
    "tap": [taps.postgresql, taps.sqlite],
    "create": [creates.postgresql],
    "processor": [processor.parts],
    "wait": [waiting.postgresql],
    "sweep": [sweeping.idle, sweeping.due],
    "card": [drawing.card],
    "burst": [cycles.burst],
    "cycle": [cycles.cycles],
    "rival": [rivalry.beside],
    "workers": [rivalry.workers],
    "start": [starting.start],
    "memory": [starting.memory],
}
_ON_REQUEST = {"burst", "workers"}  # minutes each


def main() -> int:
    """The chosen rows; 0 also where goals are missed: the table says so. 1 where something could not be measured."""
    chosen = [name for name in os.environ.get("BENCH_ROWS", "").split(",") if name]
    unknown = set(chosen) - set(_GROUPS)
    if unknown:
        print(f"BENCH_ROWS: {', '.join(sorted(unknown))}: choose from {', '.join(_GROUPS)}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    failed: list[str] = []
    with standing() as stack:
        for name in chosen or [name for name in _GROUPS if name not in _ON_REQUEST]:
            begun = time.perf_counter()
            for measure in _GROUPS[name]:
                # An hour's figures are not lost for one row's fault: the others are measured, printed and kept.
                try:
                    rows += measure(stack)
                except Exception:
                    traceback.print_exc()
                    failed.append(f"{name}: {measure.__module__}.{measure.__name__}")
                table.save(rows, Path("bench.json"))
            print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    print(table.text(rows))
    for one in failed:
        print(f"NOT MEASURED {one}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
