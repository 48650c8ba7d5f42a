"""`make chaos`: the long runs behind docs/reliability.md, one after another.

`python -m tests.chaos kills fuzz` chooses; `--share 0.01` makes each a hundredth as long.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from tests.chaos.planting import ROOT

# Each run: the module, its words, and how many; 0 means all there are.
RUNS: dict[str, tuple[tuple[str, int, tuple[str, ...]], ...]] = {
    "planted": (("planted", 0, ()),),
    "mutants": (("mutants", 0, ()),),
    "rolling": (("rolling", 30, ()),),
    "lockstep": (("lockstep", 1000, ()),),
    "posts": (("posts", 10_000, ()),),
    "fuzz": (("fuzz", 200_000, ()),),
    "kills": (
        ("kills", 2000, ("--database", "postgresql")),
        ("kills", 1000, ("--database", "sqlite")),
    ),
    "histories": (
        ("histories", 50_000, ()),
        ("histories", 10_000, ("--faults", "1")),
    ),
}


def command(module: str, count: int, words: tuple[str, ...], share: float) -> list[str]:
    """How a run is started."""
    size = ["--n", str(max(1, round(count * share)))] if count else []
    return [sys.executable, "-m", f"tests.chaos.{module}", *words, *size]


def main() -> int:
    """Run what was chosen; 1 where any of it found something."""
    parser = argparse.ArgumentParser(description="The long runs behind docs/reliability.md.")
    parser.add_argument("runs", nargs="*", choices=[[], *RUNS], help="which (default: all)")
    parser.add_argument("--share", type=float, default=1.0, help="make each run so much as long")
    arguments = parser.parse_args()
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    failed = 0
    for name in arguments.runs or RUNS:
        for module, count, words in RUNS[name]:
            line = command(module, count, words, arguments.share)
            print(f"== {' '.join(line[1:])}", flush=True)
            ended = subprocess.run(line, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, check=False)
            failed += ended.returncode != 0
    print(f"{failed} runs found something" if failed else "nothing was found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
