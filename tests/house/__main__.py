"""Print the figures of the layout, `--before COMMIT` beside those of an earlier commit; exit 1 where a citation leads nowhere."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.house import citations, code
from tests.house.figures import measured, unpacked

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Print every figure, and where to look."""
    parser = argparse.ArgumentParser(prog="python -m tests.house", description=__doc__)
    parser.add_argument("--before", metavar="COMMIT", help="measure this commit too")
    parser.add_argument("--tree", type=Path, default=ROOT, help="measure another checkout than this one")
    chosen = parser.parse_args()
    now = measured(chosen.tree)
    if chosen.before:
        with unpacked(chosen.tree, chosen.before) as folder:
            before = measured(folder)
        print("\n".join(f"{name:<36} {before[name]:<52} {value}" for name, value in now.items()))
    else:
        print("\n".join(f"{name:<36} {value}" for name, value in now.items()))
        _tell_where(chosen.tree)
    return 1 if citations.dangling(chosen.tree) else 0


def _tell_where(root: Path) -> None:
    """What the figures count."""
    modules = code.modules(root)
    print("\nrooms", *(f"  {room:<20} {len(names)}" for room, names in sorted(code.rooms(modules).items())), sep="\n")
    print(
        "\nboth ways", *(f"  {one} ⇄ {other}" for one, other in sorted(code.backward(code.arrows(modules)))), sep="\n"
    )
    twice = sorted(code.named_twice(modules).items())
    print("\nnames twice", *(f"  {name:<28} {', '.join(places)}" for name, places in twice), sep="\n")
    wide = sorted(found.name for found in code.functions(modules) if found.positional >= 5)
    print("\nfive arguments", *(f"  {name}" for name in wide), sep="\n")
    print("\ndangling citations", *(f"  {place}" for place in citations.dangling(root)), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
