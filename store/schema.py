"""Brings a database's schema to head, and says whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.schema import CreateSchema

from policies.errors import SaysoError
from store.engine import Database
from store.tables import metadata

_MIGRATE_LOCK = 0x5A_75_51


class SchemaBehind(SaysoError):
    """SAYSO_DATABASE_URL: the database's schema is at {at}, not at {head}: run python -m bot migrate."""


class SchemaAhead(SaysoError):
    """SAYSO_DATABASE_URL: the database's schema is at {at}, which this version does not know (it knows {head}): run the newer version."""


class SchemaHalf(SaysoError):
    """SAYSO_DATABASE_URL: the database holds half of a schema ({what}): restore a backup, or begin with an empty database."""


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
        heads = MigrationContext.configure(connection).get_current_heads()
    if len(heads) > 1:
        raise SchemaHalf(what=f"it is at {', '.join(sorted(heads))} at once")
    return heads[0] if heads else None


def upgrade(database: Database) -> None:
    """Bring the schema to head. Replicas that start together wait for one another."""
    require_known(database)
    with database.engine.connect() as connection, connection.begin():
        wait_turn(connection)
        _require_none_or_all(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def make_namespace(database: Database, name: str) -> None:
    """Make a schema (of names, PostgreSQL's word) for one workspace's tables, where it is missing."""
    with database.engine.begin() as connection:
        wait_turn(connection)
        if not connection.execute(text("SELECT to_regnamespace(:name) IS NOT NULL"), {"name": name}).scalar_one():
            connection.execute(CreateSchema(name))


def require_known(database: Database) -> None:
    """Raise SchemaAhead where a newer version has migrated the database already."""
    script = ScriptDirectory.from_config(_config())
    at = current(database)
    if at is not None and at not in {revision.revision for revision in script.walk_revisions()}:
        raise SchemaAhead(at=at, head=newest())


def require_head(database: Database) -> None:
    """Raise SchemaBehind, SchemaAhead or SchemaHalf unless the schema is at head, with every table."""
    require_known(database)
    at, wanted = current(database), newest()
    if at != wanted:
        raise SchemaBehind(at=at or "nothing", head=wanted)
    with database.engine.connect() as connection:
        missing = metadata.tables.keys() - _tables(connection)
    if missing:
        raise SchemaHalf(what=f"at {at}, without {', '.join(sorted(missing))}")


def _tables(connection: Connection) -> set[str]:
    if connection.dialect.name != "postgresql":
        return set(inspect(connection).get_table_names())
    # Wherever the search path finds them: a pooler's sessions have one for each transaction.
    visible = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid)"
    return {str(name) for name in connection.execute(text(visible)).scalars()}


def _require_none_or_all(connection: Connection) -> None:
    """Raise SchemaHalf where our tables are there and nothing says of which version they are."""
    if MigrationContext.configure(connection).get_current_heads():
        return
    found = metadata.tables.keys() & _tables(connection)
    if found:
        raise SchemaHalf(what=f"without a version, with {', '.join(sorted(found))}")


def wait_turn(connection: Connection) -> None:
    """Wait until nobody else migrates or fills the database, and let this transaction take its time."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATE_LOCK})"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
