"""`python -m bot migrate | grants`: what is done to the database itself."""

from __future__ import annotations

import argparse
from typing import Any

from bot.cli.agent import Command
from bot.server import open_database
from bot.settings import load_settings
from store import grants, schema


def add_parser(commands: Any, command: Command) -> None:
    """Add the commands."""
    command(commands, "migrate", _migrate, "bring the database's schema to head")
    least = command(
        commands, "grants", _grants, "print the SQL that lets a PostgreSQL role serve, and nothing beyond that"
    )
    least.add_argument("role", help="the role that the server logs in as")
    least.add_argument("--schema", default="public", help="where the tables are (default: public)")


def _migrate(arguments: argparse.Namespace) -> int:
    open_database.migrate(load_settings())
    print(f"schema at {schema.newest()}")
    return 0


def _grants(arguments: argparse.Namespace) -> int:
    print(grants.script(arguments.role, arguments.schema))
    return 0
