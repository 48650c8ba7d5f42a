"""`python -m bot policy init`: prints a first manifest for the tools of an MCP server, an OpenAPI document or a file."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from collections.abc import Callable
from typing import Any

import yaml

from bot.cli import mcp_tools
from policies.drafting import naming, openapi, tools
from policies.drafting.draft import draft
from policies.drafting.tools import NotTools, Refused, Tool
from policies.errors import InvalidInput

OK, NOTHING = 0, 2
Read = Callable[[str], str]


def add_init(parser: argparse.ArgumentParser) -> None:
    """The options of `policy init`."""
    parser.usage = f"{parser.prog} [--server NAME] (--from-mcp CMD … | --from-openapi FILE | --from-tools FILE.json)"
    parser.add_argument(
        "--server",
        metavar="NAME",
        help="what hosts call this MCP server: actions are mcp__NAME__TOOL (default: from CMD)",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--from-mcp",
        nargs=argparse.REMAINDER,
        metavar="CMD …",
        help="the command that starts the server, or its URL; it comes last",
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)  # the command, where it stands behind --
    parser.set_defaults(complain=parser.error)
    source.add_argument("--from-openapi", metavar="FILE", help="an OpenAPI 3 document, JSON or YAML")
    source.add_argument("--from-tools", metavar="FILE.json", help="tool definitions: MCP tools/list, OpenAI, Anthropic")


def init(args: argparse.Namespace, read: Read) -> int:
    """Print the manifest; what was left out goes to standard error, a line each."""
    if args.words and args.from_mcp != []:
        args.complain(f"unrecognized arguments: {' '.join(args.words)}")
    server = args.server
    if server is not None and not re.fullmatch(r"[A-Za-z0-9-]{1,60}(?:_[A-Za-z0-9-]+)*", server):
        raise InvalidInput("must be letters, digits and - or single _", field="--server")
    try:
        source, found = _found(args, read)
    except NotTools as error:
        raise InvalidInput(str(error), field="policy init") from None
    if args.from_mcp is not None:
        server = server or naming.server_of(_command(args))
    made = draft(found, source=source, server=server)
    for refused in made.refused:
        print(f"sayso: not drafted: {refused}", file=sys.stderr)
    if not made.actions:
        print("sayso: no action could be drafted", file=sys.stderr)
        return NOTHING
    print(made.text, end="")
    return OK


def _command(args: argparse.Namespace) -> list[str]:
    words: list[str] = args.from_mcp or args.words
    return words


def _found(args: argparse.Namespace, read: Read) -> tuple[str, list[Tool | Refused]]:
    """Where the tools are from, and what they are."""
    if args.from_tools:
        return args.from_tools, tools.read_file(read(args.from_tools))
    if args.from_openapi:
        return args.from_openapi, openapi.read_document(_document(read(args.from_openapi)))
    command = _command(args)
    if not command:
        raise NotTools("give the command that starts the server after --from-mcp")
    return shlex.join(command), [tools.read(one, number) for number, one in enumerate(mcp_tools.listed(command), 1)]


class _Loader(yaml.SafeLoader):
    """Dates stay texts, as in JSON; a document that uses anchors to grow is refused."""


_Loader.yaml_implicit_resolvers = {
    first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
            raise NotTools("uses YAML aliases: give it without, or as JSON")
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, NotTools):
            raise
        raise NotTools("is neither JSON nor YAML") from None
