"""Runs the Python of one section of docs/integrations.md, with the names that a reader has: a model, tools, a place to save."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from common import say

DOCUMENT = Path(__file__).parents[3] / "docs" / "integrations.md"


def blocks(section: str) -> list[str]:
    """The section's Python, block by block."""
    text = DOCUMENT.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", text, re.S)


def main() -> None:
    """Run the blocks in order; what an earlier one imported and defined stays, models and the like are made anew."""
    section, module = sys.argv[1:]
    names: dict[str, Any] = {}
    for number, block in enumerate(blocks(section)):
        names |= importlib.import_module(module).names(number)
        code = compile(block, f"{section}, block {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(code, names)
        if code.co_flags & inspect.CO_COROUTINE:
            asyncio.run(running)
        say(ran=number)


if __name__ == "__main__":
    main()
