"""A host of the real MCP package: `mcp_client.py MODE STEPS CMD …` connects, does the steps, and says what it was told."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from common import say
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client


async def main(mode: str, steps: list[Any], command: list[str]) -> None:
    """Every step, one after the other; a step that is a list of calls makes them at once."""
    started = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    beats: list[Any] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        beats.append([done, total, message])

    async with Client(stdio_client(started), mode=mode) as client:
        for step in steps:
            if step == "look":
                tools = (await client.list_tools()).model_dump(mode="json", by_alias=True)["tools"]
                resource = (await client.read_resource("ledger://all")).contents[0].text  # type: ignore[union-attr]
                prompt = (await client.get_prompt("tidy", {"what": "up"})).messages[0].content.text  # type: ignore[union-attr]
                say(tools=tools, resource=resource, prompt=prompt, version=client.protocol_version)
            elif step == "tools":
                say(tools=[tool.name for tool in (await client.list_tools()).tools])
            else:
                calls = [client.call_tool(name, given, progress_callback=progress) for name, given in step]
                results = await asyncio.gather(*calls)
                told = ["\n".join(getattr(part, "text", "") for part in one.content) for one in results]
                say(told=told, failed=[bool(one.is_error) for one in results], beats=beats)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]))
