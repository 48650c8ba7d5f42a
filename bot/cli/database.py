"""`python -m bot migrate | move | backup | grants`: what is done to the database itself."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.cli import progress
from bot.cli.agent import Command
from bot.server import open_database
from bot.server.workspace import chosen, loaded, settings_of
from bot.settings import Settings, load_settings
from policies.errors import SaysoError
from store import backups, durability, first_contact, grants, moving, schema, verification
from store.database_url import SETTING
from store.engine import Database


def add_parser(commands: Any, command: Command) -> None:
    """Add the commands."""
    command(commands, "migrate", _migrate, "bring the database's schema to head")
    move = command(commands, "move", _move, "carry everything into another, empty database, open approvals too")
    move.add_argument("--to", required=True, metavar="URL", help="such as postgresql://sayso@host/sayso")
    backup = command(
        commands, "backup", _backup, "copy a SQLite database while servers work on it, and verify the copy"
    )
    backup.add_argument("file", metavar="FILE", type=Path, help="a new file, for its owner only")
    least = command(
        commands, "grants", _grants, "print the SQL that lets a PostgreSQL role serve, and nothing beyond that"
    )
    least.add_argument("role", help="the role that the server logs in as")
    least.add_argument("--schema", default="public", help="where the tables are (default: public)")
    least.add_argument(
        "--deleting", action="store_true", help="also what retention.approvals_days needs: to delete whole approvals"
    )


def _migrate(arguments: argparse.Namespace) -> int:
    settings = load_settings()
    with progress.shown("migrating"):
        open_database.migrate(chosen(settings)) if settings.workspace or not settings.several else _migrate_all(
            settings
        )
    print(f"schema at {schema.newest()}")
    return 0


def _backup(arguments: argparse.Namespace) -> int:
    database = open_database.open_database(loaded())
    with progress.shown("backing up", database.read(verification.size)) as tell:
        found = backups.back_up(database, arguments.file.absolute(), tell)
    for fault in found.told:
        print(fault)
    state = "not intact" if found.told else "intact"
    print(f"backed up: {found.head.seq} rows of {found.approvals} approvals, {state}, head {found.head.hash}")
    return 1 if found.told else 0


def _migrate_all(settings: Settings) -> None:
    from bot.server import installed  # Slack's stores take a while to load

    with installed.opened(settings) as store:
        for place in store.workspaces():
            installed.make_room(settings, settings_of(settings, place.id))


def _move(arguments: argparse.Namespace) -> int:
    settings = loaded()
    source = open_database.open_database(settings)
    moving.require_not_moved(source)
    with _naming("--to"):
        target = Database(arguments.to, pool_size=1)
        if target.url == source.url:
            raise moving.CannotMove("SAYSO_DATABASE_URL: is the database itself")
        first_contact.require_answer(target)
        durability.require_writable(target)
        durability.require(target)
    moving.require_unused(source)
    where = target.url.set(password=None).render_as_string().replace("postgresql+psycopg:", "postgresql:")
    where = where.replace("sqlite+pysqlite:", "sqlite:")
    with progress.shown("moving", sum(moving.count(source).values())) as tell, first_contact.answering():
        moved = moving.move(source, target, where, tell)
    for database in (source, target):
        database.close()
    _say_what_now(settings, moved, where)
    return 0


def _say_what_now(settings: Settings, moved: moving.Moved, where: str) -> None:
    rows = moved.rows
    print(f"moved {sum(rows.values())} rows: {rows['approvals']} approvals, {moved.open} of them open; the trail holds")
    print(f"Now set, and start the servers again:\nSAYSO_DATABASE_URL={where}")
    if "data_dir" not in settings.model_fields_set:
        print(f"SAYSO_DATA_DIR={settings.folder}")
    print(
        "The old database is as it was, and no server starts on it any more: keep it until you have a backup of the new one."
    )


@contextlib.contextmanager
def _naming(word: str) -> Iterator[None]:
    """What is said of a database's setting is said of `word` instead."""
    try:
        yield
    except SaysoError as error:
        raise type(error)(str(error).replace(SETTING, word), field=word) from None


def _grants(arguments: argparse.Namespace) -> int:
    print(grants.script(arguments.role, arguments.schema, deleting=arguments.deleting))
    return 0
