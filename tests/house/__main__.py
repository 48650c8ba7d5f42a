"""Print the figures of the layout: rooms, arrows, depth, fan-in, long places, names used twice, citations without a rule."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.house import citations, code

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Print every figure; exit 1 where a citation leads nowhere."""
    modules = code.modules(ROOT)
    rooms, arrows = code.rooms(modules), code.arrows(modules)
    print(f"modules            {len(modules)} in {len(rooms)} rooms")
    for room, names in sorted(rooms.items()):
        print(f"  {room:<18} {len(names)}")
    print(f"arrows             {len(arrows)} between rooms, {len(code.backward(arrows))} of them both ways")
    print(f"depth              {code.depth(modules)} floors of imports")
    _table("fan-in", [(name, f"{count} importers") for name, count in code.fan_in(modules)[:5]])
    functions = code.functions(modules)
    _table("longest function", [(f.name, f"{f.lines} lines") for f in sorted(functions, key=lambda f: -f.lines)[:3]])
    _table("longest file", [(m.name, f"{m.lines} lines") for m in sorted(modules, key=lambda m: -m.lines)[:3]])
    print(f"functions          {len(functions)}, {code.median([f.lines for f in functions])} lines at the median")
    wide = [f for f in functions if f.positional >= 5]
    print(f"five arguments     {len(wide)} functions take five or more by position")
    twice = code.named_twice(modules)
    print(f"names twice        {len(twice)} public names stand in two modules of one room")
    for name, places in sorted(twice.items())[:10]:
        print(f"  {name:<18} {', '.join(places)}")
    dangling = citations.dangling(ROOT)
    print(f"dangling citations {len(dangling)}")
    for place in dangling[:20]:
        print(f"  {place}")
    return 1 if dangling else 0


def _table(title: str, rows: list[tuple[str, str]]) -> None:
    for index, (name, figure) in enumerate(rows):
        print(f"{title if index == 0 else '':<18} {name}: {figure}")


if __name__ == "__main__":
    sys.exit(main())
