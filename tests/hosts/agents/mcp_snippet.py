"""Runs the Python of the guide's section on MCP servers, and calls its tool as a host does."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from common import say, write
from mcp.client import Client

DOCUMENT = Path(__file__).parents[3] / "docs" / "integrations.md"


def pay_out(customer: str, amount_usd: float) -> str:
    """What a reader's tool does."""
    return write(f"{customer} {amount_usd:g}")


async def main() -> None:
    """Paste, call, tell."""
    section = DOCUMENT.read_text(encoding="utf-8").split("\n## MCP servers: the gate\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.S)
    names: dict[str, Any] = {"pay_out": pay_out}
    exec(compile(block, "the guide", "exec"), names)
    async with Client(names["server"]) as client:
        answer = await client.call_tool("process_refund", {"customer": "ann@example.com", "amount_usd": 480})
        say(told=answer.content[0].text)  # type: ignore[union-attr]


if __name__ == "__main__":
    asyncio.run(main())
