"""`make soak`: every long proof on each database it is about, one after another; fails where one of them does."""

from __future__ import annotations

import subprocess
import sys

RUNS = (
    ("simulation", "--database", "sqlite"),
    ("simulation", "--database", "postgresql"),
    ("sweepers",),
    ("sweepers", "--taps", "1"),
    ("fairness", "--database", "sqlite"),
    ("fairness", "--database", "postgresql"),
    ("sweepcost", "--database", "sqlite"),
    ("sweepcost", "--database", "postgresql"),
)


def main() -> int:
    """0 where every promise held."""
    failed = []
    for name, *arguments in RUNS:
        words = " ".join([f"python -m tests.soak.{name}", *arguments])
        print(f"\n{words}", flush=True)
        if subprocess.run([sys.executable, "-m", f"tests.soak.{name}", *arguments], check=False).returncode:
            failed.append(words)
    print(f"\n{len(RUNS) - len(failed)} of {len(RUNS)} kept", *failed, sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
