"""`python -m tests.attention CALLS.jsonl`: what these calls cost four reviewers, by scenario; exit 1 where a goal is missed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.attention.calls import SAMPLE, read
from tests.attention.scenarios import SCENARIOS, Cost, play, the_same

HEAD = ("scenario", "calls", "taps/low", "messages/call", "mentions/call", "taps, dearest high", "undecided", "hidden")


def main() -> int:
    """0 where every goal was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("calls", type=Path, nargs="?", default=SAMPLE, help="JSON lines: task, action, params")
    parser.add_argument("--only", help="the scenario whose name begins so")
    parser.add_argument("--first", type=int, help="only so many calls")
    given = parser.parse_args()
    calls = read(given.calls)[: given.first]
    print(" | ".join(HEAD))
    missed = []
    for scenario in SCENARIOS:
        if given.only and not scenario.name.startswith(given.only):
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="sayso-attention-") as folder:
            cost = play(scenario, calls, Path(folder))
        print(_row(cost), f" ({time.monotonic() - began:.0f} s)", flush=True)
        missed += [f"{cost.name}: {words}" for words in cost.missed]
    with tempfile.TemporaryDirectory(prefix="sayso-attention-") as folder:
        low = next(call for call in calls if not call.high)
        cards, mentions, taps = the_same(low, Path(folder))
    print(f"twenty agents, the same thing, 3 s apart | cards {cards} | mentions {mentions} | taps a call {taps:.2f}")
    missed += ["twenty agents: more than one card or one mention"] if (cards, mentions) != (1, 1) else []
    print("\n".join(["missed:", *missed]) if missed else "every goal kept")
    return 1 if missed else 0


def _row(cost: Cost) -> str:
    figures = (cost.low_taps, cost.messages, cost.mentions, cost.high_taps)
    return " | ".join(
        [cost.name, str(cost.calls), *(f"{value:.2f}" for value in figures), str(cost.undecided), str(cost.hidden)]
    )


if __name__ == "__main__":
    sys.exit(main())
