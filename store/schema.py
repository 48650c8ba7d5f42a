"""Brings a database's schema to head, and says whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from policies.errors import SaysoError
from store.engine import Database

_MIGRATE_LOCK = 0x5A_75_51


class SchemaBehind(SaysoError):
    """The database's schema is at {at}, not at {head}: run python -m bot migrate."""


class SchemaAhead(SaysoError):
    """The database's schema is at {at}, which this version does not know (it knows {head}): run the newer version."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def newest() -> str:
    """The newest revision this code knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def current(database: Database) -> str | None:
    """The revision the database is at; None when it is empty."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(database: Database) -> None:
    """Bring the schema to head. Replicas that start together wait for one another."""
    require_known(database)
    with database.engine.connect() as connection, connection.begin():
        _wait_turn(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def require_known(database: Database) -> None:
    """Raise SchemaAhead where a newer version has migrated the database already."""
    script = ScriptDirectory.from_config(_config())
    at = current(database)
    if at is not None and at not in {revision.revision for revision in script.walk_revisions()}:
        raise SchemaAhead(at=at, head=newest())


def require_head(database: Database) -> None:
    """Raise SchemaBehind or SchemaAhead unless the schema is at head."""
    require_known(database)
    at, wanted = current(database), newest()
    if at != wanted:
        raise SchemaBehind(at=at or "nothing", head=wanted)


def _wait_turn(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATE_LOCK})"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
