"""Where the app is installed, as a server or a command reads it, and room for each workspace in the database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from bot.server import open_database, workspace
from bot.settings import BadSetting, Settings
from store import durability, first_contact, installations, schema, token_keys
from store.engine import Database
from store.installations import Installations, States


def store_of(settings: Settings, database: Database) -> tuple[Installations, States]:
    """The two tables, made where they are missing. Raises SaysoError where the database or the keys are unfit."""
    assert settings.slack_client_id is not None
    assert settings.token_keys is not None
    first_contact.require_answer(database)
    store = Installations(database, settings.slack_client_id, token_keys.keys(settings.token_keys))
    states = States(database)
    with first_contact.answering():
        durability.require_writable(database)
        durability.require(database)
        installations.make_tables(store, states)
        store.workspaces()  # keys that open nothing stop the start
    return store, states


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Installations]:
    """The same for a command."""
    settings.require_slack()
    database = open_database.named_database(settings)
    try:
        yield store_of(settings, database)[0]
    finally:
        database.close()


def with_token(settings: Settings) -> Settings:
    """The settings of the workspace that SAYSO_WORKSPACE names, with its token. Raises SaysoError where it is not installed."""
    own = workspace.chosen(settings)
    with opened(settings) as store:
        tokens = {place.id: place.token for place in store.workspaces()}
    if own.workspace not in tokens:
        raise BadSetting(f"SAYSO_WORKSPACE: the app is not installed in {own.workspace}", field="SAYSO_WORKSPACE")
    return workspace.settings_of(settings, own.workspace, tokens[own.workspace])


def make_room(settings: Settings, own: Settings) -> None:
    """A workspace's database, at the newest schema. Raises SaysoError where that cannot be."""
    if not settings.database_url.startswith("sqlite"):
        assert own.workspace is not None
        whole = Database(settings.database_url, pool_size=1)
        with first_contact.answering():
            schema.make_namespace(whole, workspace.schema_of(own.workspace))
        whole.close()
    open_database.migrate(own)
