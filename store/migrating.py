"""Alembic at work, apart from what only asks how far a schema is: it takes a tenth of a start to import."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from store.schema import MIGRATIONS


def config() -> Config:
    """Alembic's settings; nothing of them stands in a file."""
    found = Config()
    found.set_main_option("script_location", str(MIGRATIONS))
    found.set_main_option("path_separator", "os")
    return found


def run(connection: Connection) -> None:
    """Every migration that the database has not seen, in this transaction."""
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
