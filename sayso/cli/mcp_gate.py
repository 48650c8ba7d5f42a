"""`sayso mcp-gate -- CMD …`: an MCP server behind Sayso. Hosts start this instead of CMD."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from sayso.cli import client, codes

if TYPE_CHECKING:
    from sayso.mcp.calls import Names
    from sayso.mcp.gate import Server


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.usage = f"{parser.prog} [options] -- CMD …   or   {parser.prog} [options] URL"
    parser.add_argument("url", nargs="?", metavar="URL", help="the address of a server over streamable HTTP")
    parser.add_argument(
        "--server", metavar="NAME", help="its name in the manifest: mcp__NAME__TOOL (default: from CMD or URL)"
    )
    parser.add_argument(
        "--session", metavar="ID", help="the session that asks (default: one for this server and directory, lasting)"
    )
    parser.add_argument(
        "--wait",
        type=float,
        metavar="SECONDS",
        help="how long a call waits for people before the model is told to call again"
        " (570; 50 where the host asks for no signs of life)",
    )
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="NAME:VALUE",
        help="sent to URL; ${NAME} in it is taken from the environment",
    )
    parser.add_argument(
        "--state-dir", type=Path, metavar="DIR", help="what it keeps (default: SAYSO_STATE_DIR, or ~/.sayso)"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until the host hangs up."""
    try:
        problem = _unusable(args)
        headers = [_header(text) for text in args.header]
    except ValueError as error:
        problem = str(error)
    if problem:
        client.tell(problem)
        return codes.USAGE
    import asyncio

    try:
        return asyncio.run(_serve(args, dict(headers)))
    except (OSError, ValueError) as error:
        client.tell(str(error))
        return codes.NOT_FOUND if isinstance(error, FileNotFoundError) else codes.FAILED


def _unusable(args: argparse.Namespace) -> str:
    if bool(args.url) == bool(args.command):
        return "give the server's command after --, or its URL"
    if args.url and not args.url.startswith(("http://", "https://")):
        return f"{args.url} is not an http or https address; a command goes after --"
    if not os.environ.get("SAYSO_TOKEN"):
        return "SAYSO_TOKEN is not set: make a token with `sayso-server agent add NAME`"
    if args.server is not None and not re.fullmatch(r"[A-Za-z0-9-]{1,60}(?:_[A-Za-z0-9-]+)*", args.server):
        return f"--server {args.server}: must be letters, digits and - or single _"
    if args.session is not None and not (0 < len(args.session) <= 200 and args.session.isprintable()):
        return "--session: must be 1 to 200 printable characters"
    if args.wait is not None and not 0 <= args.wait <= 86_000:
        return "--wait: must be 0 to 86000 seconds"
    return ""


def _header(text: str) -> tuple[str, str]:
    """Raises ValueError where the text is no header, or names a variable that is not set."""
    name, colon, value = text.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise ValueError("--header: must be NAME:VALUE")

    def found(variable: re.Match[str]) -> str:
        if variable[1] not in os.environ:
            raise ValueError(f"--header {name}: {variable[1]} is not set")
        return os.environ[variable[1]]

    return name, re.sub(r"\$\{(\w+)\}", found, value).strip()


async def _serve(args: argparse.Namespace, headers: dict[str, str]) -> int:
    import asyncio

    from sayso.aio import AsyncSayso
    from sayso.mcp import stdio
    from sayso.mcp.gate import Gate
    from sayso.mcp.process import Process
    from sayso.mcp.remote import Remote

    names = _names(args)
    state = args.state_dir or os.environ.get("SAYSO_STATE_DIR") or Path.home() / ".sayso" / "mcp-gate"
    sayso = AsyncSayso(state_dir=state, retry_for=20.0)
    sayso.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    gate = Gate(sayso, names, stdio.say, args.wait)
    server: Server = (
        Remote(args.url, headers, gate.on_message, gate.on_lost)
        if args.url
        else Process(args.command, gate.on_message, gate.on_end)
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, gate.hear, None)
    stdio.listen(gate.hear, loop)
    try:
        return await gate.serve(server)
    except BrokenPipeError:
        return codes.OK  # the host has gone
    finally:
        await sayso.close()


def _names(args: argparse.Namespace) -> Names:
    from sayso.mcp.calls import Names
    from sayso.mcp.naming import server_of
    from sayso.plain import fingerprint

    command = args.command or [args.url]
    server, cwd = args.server or server_of(command), os.getcwd()
    session = args.session or f"mcp-{server}-{fingerprint([command, cwd])[:16]}"
    return Names(server, session, secrets.token_hex(8), cwd)
