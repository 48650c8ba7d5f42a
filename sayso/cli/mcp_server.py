"""`sayso mcp`: an MCP server with which agents ask. Advisory: nothing makes them."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

from sayso.cli import client, codes


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = "An MCP server over standard input and output, with the tools ask, check, claim and report."
    parser.epilog = "It is advisory: an agent that does not call it acts all the same. `sayso mcp-gate` holds tools."
    parser.add_argument(
        "--state-dir", type=Path, metavar="DIR", help="what it keeps (default: SAYSO_STATE_DIR, or ~/.sayso)"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until the host hangs up."""
    if not os.environ.get("SAYSO_TOKEN"):
        client.tell("SAYSO_TOKEN is not set: make a token with `sayso-server agent add NAME`")
        return codes.USAGE
    import asyncio

    try:
        return asyncio.run(_serve(args.state_dir))
    except (OSError, ValueError) as error:
        client.tell(str(error))
        return codes.FAILED


async def _serve(state_dir: Path | None) -> int:
    import asyncio

    import sayso
    from sayso.aio import AsyncSayso
    from sayso.mcp import stdio
    from sayso.mcp.advisory import Advisor

    state = state_dir or os.environ.get("SAYSO_STATE_DIR") or Path.home() / ".sayso" / "mcp"
    loop = asyncio.get_running_loop()
    asking = AsyncSayso(state_dir=state, retry_for=20.0)
    advisor = Advisor(asking, sayso.__version__, stdio.say)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, advisor.hear, None)
    stdio.listen(advisor.hear, loop)
    try:
        return await advisor.serve()
    except BrokenPipeError:
        return codes.OK  # the host has gone
    finally:
        await asking.close()
