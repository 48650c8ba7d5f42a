"""The command `sayso`: people's say-so for scripts, and for the hooks of agents' hosts.

Each command is a module of its own that is imported when it is used: a hook starts before every tool call and has to be quick.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol


class Command(Protocol):
    """A module of a command: its options, and what it does."""

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; gives the exit code."""


# Name, module, and what it does in a line.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("sayso.cli.running", "ask, wait, run a command with the granted parameters, report how it ended"),
    "ask": ("sayso.cli.asking", "ask for an approval and print its id"),
    "wait": ("sayso.cli.waiting", "wait until an approval is decided"),
    "status": ("sayso.cli.status", "say how an approval stands"),
    "mcp": ("sayso.cli.mcp_server", "an MCP server with which agents ask: advisory, nothing makes them"),
    "mcp-gate": ("sayso.cli.mcp_gate", "stand before an MCP server: hold its tools' calls until they are granted"),
    "hook": ("sayso.cli.hook", "answer a host's hook; `hook install` and `hook doctor` set it up"),
}


def main(words: Sequence[str] | None = None) -> int:
    """Run one command. 2 is a wrong usage, 125 a failure of Sayso's own, see `sayso.cli.codes`."""
    given = list(sys.argv[1:] if words is None else words)
    name = given[0] if given else ""
    if name not in COMMANDS:
        return _usage(given)
    module, told = COMMANDS[name]
    command: Command = import_module(module)
    parser = argparse.ArgumentParser(prog=f"sayso {name}", description=f"{told[0].upper()}{told[1:]}.")
    command.add(parser)
    own, rest = _divided(given[1:])
    args = parser.parse_args(own)
    args.command = rest
    return command.run(args)


def _divided(words: list[str]) -> tuple[list[str], list[str]]:
    """The command's own words, and what stands behind `--`."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _usage(words: Sequence[str]) -> int:
    width = max(map(len, COMMANDS))
    lines = ["usage: sayso COMMAND …", "", *(f"  {name:<{width}}  {told}" for name, (_, told) in COMMANDS.items())]
    asked = list(words[:1]) in (["-h"], ["--help"])
    if words and not asked:
        lines.insert(0, f"sayso: unknown command {words[0]!r}")
    print("\n".join(lines), file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2
