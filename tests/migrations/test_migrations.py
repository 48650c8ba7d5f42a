"""From nothing to head, equal to the tables, on both databases, from several starters at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command as command_of_alembic
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, UniqueConstraint, inspect, text
from support.marks import on_postgresql, on_sqlite
from support.races import at_once
from support.servers import command

from store import agents, migrating, schema, verification
from store.engine import Database
from store.tables import metadata


@pytest.fixture
def empty(empty_database_url: str) -> Any:
    database = Database(empty_database_url, pool_size=4)
    yield database
    database.close()


def test_upgrading_makes_exactly_the_tables(empty: Database) -> None:
    """After the upgrade nothing differs from the tables the code uses: columns, types, defaults, keys, indexes."""
    assert schema.current(empty) is None
    schema.upgrade(empty)
    assert schema.current(empty) == schema.newest()
    with empty.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        inspector = inspect(connection)
        for table in metadata.tables.values():
            defaults = {column["name"]: column["default"] for column in inspector.get_columns(table.name)}
            wanted = {column.name for column in table.columns if column.server_default is not None}
            assert {name for name, default in defaults.items() if default is not None} - {"id"} == wanted - {"id"}
            checks = {entry["name"] for entry in inspector.get_check_constraints(table.name)}
            ours = {entry.name for entry in table.constraints if isinstance(entry, CheckConstraint)}
            assert checks == ours
            unique = {entry["name"] for entry in inspector.get_unique_constraints(table.name)}
            ours = {entry.name for entry in table.constraints if isinstance(entry, UniqueConstraint)}
            assert len(unique) == len(ours)


def test_partial_indexes_are_partial(empty: Database) -> None:
    """The indexes that keep the sweep cheap hold only the rows it looks at."""
    schema.upgrade(empty)
    query = (
        "SELECT sql FROM sqlite_master WHERE name = 'ix_approvals_wake'"
        if empty.sqlite
        else "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_approvals_wake'"
    )
    with empty.engine.connect() as connection:
        assert "wake_at IS NOT NULL" in connection.execute(text(query)).scalar_one()


def test_upgrading_again_changes_nothing(empty: Database) -> None:
    """A second upgrade leaves rows and chain as they are."""
    schema.upgrade(empty)
    empty.run(lambda unit: agents.add(unit, "demo"))
    schema.upgrade(empty)
    schema.require_head(empty)
    assert [agent.name for agent in empty.read(agents.listed)] == ["demo"]
    assert empty.read(verification.verify).told == []


def test_starters_at_once_make_one_schema(empty_database_url: str) -> None:
    """Several processes that migrate the same empty database at once all succeed, with one beginning of the chain."""

    def migrate() -> None:
        database = Database(empty_database_url, pool_size=1)
        schema.upgrade(database)
        database.close()

    at_once([migrate] * 5)
    database = Database(empty_database_url, pool_size=1)
    schema.require_head(database)
    assert database.read(verification.verify).told == []
    database.close()


def test_a_schema_that_is_behind_is_refused(empty: Database) -> None:
    """A database at another revision is refused with both revisions and the remedy."""
    with pytest.raises(schema.SchemaBehind, match="python -m bot migrate"):
        schema.require_head(empty)
    schema.upgrade(empty)
    with empty.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(schema.SchemaBehind, match="0001"):
        schema.require_head(empty)


def test_a_schema_that_is_ahead_is_refused(empty: Database, empty_database_url: str, tmp_path: Path) -> None:
    """A database that a newer version migrated is refused by every command, in one line, and left as it is."""
    schema.upgrade(empty)
    with empty.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refused in (schema.require_head, schema.upgrade):
        with pytest.raises(schema.SchemaAhead, match="9999"):
            refused(empty)
    done = command({"SAYSO_DATABASE_URL": empty_database_url}, "agent", "list", folder=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "run the newer version" in done.stderr


def test_every_migration_only_adds(empty: Database) -> None:
    """What a server of the version before writes is taken during and after a migration: nothing it knows goes or narrows."""
    script = ScriptDirectory.from_config(migrating.config())
    revisions = [revision.revision for revision in reversed(list(script.walk_revisions()))]
    before: dict[str, dict[str, Any]] = {}
    for revision in revisions:
        _at(empty, revision)
        after = _columns(empty)
        for table, known in before.items():
            assert known.keys() <= after[table].keys(), f"{revision} takes a column of {table} away"
            for name, column in after[table].items():
                if name not in known:
                    free = column["nullable"] or column["default"] is not None
                    assert free, f"{revision}: {table}.{name} must be filled by who does not know it"
                elif known[name]["nullable"]:
                    assert column["nullable"], f"{revision}: {table}.{name} may be empty no more"
        before = after


def _at(database: Database, revision: str) -> None:
    config = migrating.config()
    with database.engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command_of_alembic.upgrade(config, revision)


def _columns(database: Database) -> dict[str, dict[str, Any]]:
    with database.engine.connect() as connection:
        found = inspect(connection)
        return {
            table: {column["name"]: column for column in found.get_columns(table)} for table in found.get_table_names()
        }


def test_there_is_one_line_of_revisions() -> None:
    """Revisions have one head and one beginning: no two branches."""
    script = ScriptDirectory.from_config(migrating.config())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


def test_files_are_named_by_their_revisions() -> None:
    """Which revisions there are is read from the files' names alone: those are the ones that Alembic knows, in its order."""
    script = ScriptDirectory.from_config(migrating.config())
    revisions = [str(one.revision) for one in reversed(list(script.walk_revisions()))]
    assert list(schema._known()) == revisions
    assert schema.newest() == script.get_current_head()


def test_a_start_at_head_does_without_alembic_and_pillow(empty_database_url: str) -> None:
    """Importing them takes a tenth of a start: who has nothing to migrate or to draw does not."""
    schema.upgrade(Database(empty_database_url))
    start = (
        "import sys; import bot.app; from store import schema; from store.engine import Database; "
        f"schema.upgrade(Database({empty_database_url!r})); schema.require_head(Database({empty_database_url!r})); "
        "sys.exit(bool({'alembic', 'PIL'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", start], check=False).returncode == 0


@on_postgresql
def test_serve_refuses_a_postgresql_that_is_behind(empty_database_url: str, tmp_path: Path) -> None:
    """Serving never migrates PostgreSQL by itself: one clear line, a status that is not 0, and the schema untouched."""
    env = {
        "SLACK_BOT_TOKEN": "xoxb-x",
        "SLACK_SIGNING_SECRET": "secret",
        "SAYSO_SLACK_API_URL": "http://127.0.0.1:9/api/",
        "SAYSO_DATABASE_URL": empty_database_url,
        "SAYSO_PORT": "0",
    }
    refused = command(env, "serve", folder=tmp_path)
    assert refused.returncode not in (0, None)
    assert len(refused.stderr.strip().splitlines()) == 1
    assert "python -m bot migrate" in refused.stderr
    assert command(env, "migrate", folder=tmp_path).stdout.strip() == f"schema at {schema.newest()}"
    assert command(env, "agent", "list", folder=tmp_path).returncode == 0


@on_sqlite
def test_sqlite_is_brought_to_head_by_itself(empty_database_url: str, tmp_path: Path) -> None:
    """With SQLite nothing has to be run first."""
    done = command({"SAYSO_DATABASE_URL": empty_database_url}, "agent", "add", "demo", "--json", folder=tmp_path)
    assert (done.returncode, "token" in done.stdout) == (0, True)


@on_sqlite
def test_a_failed_migration_leaves_nothing(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails half-way is undone as a whole, and the next try starts from the beginning."""
    from alembic import op

    real = op.create_index
    calls: list[str] = []

    def failing(name: str, *args: Any, **options: Any) -> Any:
        calls.append(name)
        if len(calls) == 5:
            raise LookupError("power cut")
        return real(name, *args, **options)

    monkeypatch.setattr(op, "create_index", failing)
    with pytest.raises(LookupError):
        schema.upgrade(empty)
    monkeypatch.setattr(op, "create_index", real)
    with empty.engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    schema.upgrade(empty)
    schema.require_head(empty)
