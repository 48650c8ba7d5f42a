"""An MCP server of the real package: `stdio`, or `http PORT`. Its tools write into the ledger; with GATED they are gated themselves."""

from __future__ import annotations

import os
import sys
from typing import Any

from common import async_client, write
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

from sayso.integrations.mcp import SaysoGate

server = MCPServer("ledger", instructions="Be careful.")
gated: Any = SaysoGate(async_client(), server="ledger").tool if os.environ.get("GATED") else lambda function: function


@server.tool()
@gated
async def write_line(line: str, ctx: Context, times: int = 1) -> str:
    """Write a line into the ledger."""
    await ctx.report_progress(1, 2, "writing")
    return write(" ".join([line] * times))


@server.tool()
@gated
def get_lines() -> list[str]:
    """Read the ledger."""
    return ["nothing"]


@server.resource("ledger://all")
def everything() -> str:
    """The whole ledger."""
    return "all of it"


@server.prompt()
def tidy(what: str) -> str:
    """How to tidy up."""
    return f"Tidy {what}"


if __name__ == "__main__":
    if sys.argv[1] == "http":
        server.run("streamable-http", port=int(sys.argv[2]))
    else:
        server.run("stdio")
