"""Brings a database's schema to head, and says whether it is there."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.schema import CreateSchema

from policies.errors import SaysoError
from store.engine import Database
from store.tables import metadata

MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATE_LOCK = 0x5A_75_51


class SchemaBehind(SaysoError):
    """SAYSO_DATABASE_URL: the database's schema is at {at}, not at {head}: run python -m bot migrate."""


class SchemaAhead(SaysoError):
    """SAYSO_DATABASE_URL: the database's schema is at {at}, which this version does not know (it knows {head}): run the newer version."""


class SchemaHalf(SaysoError):
    """SAYSO_DATABASE_URL: the database holds half of a schema ({what}): restore a backup, or begin with an empty database."""


@cache
def _known() -> tuple[str, ...]:
    """Every revision this code knows, the newest last: a migration's file begins with its number."""
    return tuple(sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py")))


def newest() -> str:
    """The newest revision this code knows."""
    return _known()[-1]


def current(database: Database) -> str | None:
    """The revision the database is at; None when it is empty."""
    with database.engine.connect() as connection:
        heads = _heads(connection)
    if len(heads) > 1:
        raise SchemaHalf(what=f"it is at {', '.join(sorted(heads))} at once")
    return heads[0] if heads else None


def _heads(connection: Connection) -> list[str]:
    if _VERSIONS not in _tables(connection):
        return []
    return [str(one) for one in connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalars()]  # noqa: S608


_VERSIONS = "alembic_version"


def upgrade(database: Database) -> None:
    """Bring the schema to head. Replicas that start together wait for one another."""
    if require_known(database) == newest():
        return
    from store import migrating

    with database.engine.connect() as connection, connection.begin():
        wait_turn(connection)
        _require_none_or_all(connection)
        migrating.run(connection)


def make_namespace(database: Database, name: str) -> None:
    """Make a schema (of names, PostgreSQL's word) for one workspace's tables, where it is missing."""
    with database.engine.begin() as connection:
        wait_turn(connection)
        if not connection.execute(text("SELECT to_regnamespace(:name) IS NOT NULL"), {"name": name}).scalar_one():
            connection.execute(CreateSchema(name))


def require_known(database: Database) -> str | None:
    """The revision the database is at; raises SchemaAhead where a newer version has migrated it already."""
    at = current(database)
    if at is not None and at not in _known():
        raise SchemaAhead(at=at, head=newest())
    return at


def require_head(database: Database) -> None:
    """Raise SchemaBehind, SchemaAhead or SchemaHalf unless the schema is at head, with every table."""
    at, wanted = require_known(database), newest()
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
    if _heads(connection):
        return
    found = metadata.tables.keys() & _tables(connection)
    if found:
        raise SchemaHalf(what=f"without a version, with {', '.join(sorted(found))}")


def wait_turn(connection: Connection) -> None:
    """Wait until nobody else migrates or fills the database, and let this transaction take its time."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATE_LOCK})"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
