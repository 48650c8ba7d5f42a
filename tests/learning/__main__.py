"""`python -m tests.learning`: what the suggestions promise, in simulations with seeds; exit 1 where a goal is missed."""

from __future__ import annotations

import argparse
import sys
import time

from tests.learning import agents, confidence, fleets, people
from tests.learning.figures import HEAD

PARTS = {
    "fleets": fleets.figures,
    "confidence": confidence.figures,
    "agents": agents.figures,
    "people": people.figures,
}


def main() -> int:
    """0 where every goal was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.learning", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="only these (default: all)")
    parser.add_argument("--share", type=float, default=1.0, help="of the seeds (default: all of them)")
    given = parser.parse_args()
    began, missed = time.monotonic(), 0
    print(_line(HEAD))
    for part in given.parts or PARTS:
        for figure in PARTS[part](given.share):
            print(_line(figure.row), flush=True)
            missed += not figure.kept
    seconds = time.monotonic() - began
    print(f"{missed} goals missed" if missed else "every goal kept", f"in {seconds:.0f} s; seeds count from 0")
    return 1 if missed else 0


def _line(row: tuple[str, ...]) -> str:
    what, *rest = row
    return f"{what:<78} " + " ".join(f"{cell:>16}" if len(cell) > 9 else f"{cell:>9}" for cell in rest)


if __name__ == "__main__":
    sys.exit(main())
