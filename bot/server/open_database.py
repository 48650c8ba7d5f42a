"""The database of this process's settings, refused in one line where it cannot be worked with."""

from __future__ import annotations

from datetime import timedelta

from bot.service.context import STALE_SECONDS, Directory, PersonFacts
from bot.settings import Settings
from store import directory, durability, first_contact, schema
from store.engine import Database
from store.unit import Unit

THREADS = {"sqlite": 4, "postgresql": 8}


def open_database(settings: Settings, *, shift_seconds: float = 0.0) -> Database:
    """The database, with its schema at head: SQLite is brought there, PostgreSQL must be (python -m bot migrate)."""
    database = named_database(settings, shift_seconds=shift_seconds)
    make_ready(database)
    return database


def named_database(settings: Settings, *, shift_seconds: float = 0.0) -> Database:
    """The database that the settings name, not asked anything yet; raises BadDatabaseUrl."""
    threads = THREADS["sqlite" if settings.database_url.startswith("sqlite") else "postgresql"]
    listen = settings.database_listen_url
    return Database(settings.database_url, listen_url=listen, pool_size=threads, shift_seconds=shift_seconds)


def make_ready(database: Database) -> None:
    """Bring the schema to head where that is ours to do; raises what stands against working with it, in one line."""
    first_contact.require_answer(database)
    with first_contact.answering():
        durability.require_writable(database)
        durability.require(database)
        if database.sqlite:
            schema.upgrade(database)
        schema.require_head(database)


def migrate(settings: Settings) -> None:
    """Bring the schema to head. Raises BadDatabaseUrl, ReadOnly, SchemaAhead, SchemaHalf and StoreUnavailable."""
    database = Database(settings.database_url, pool_size=1)
    first_contact.require_answer(database)
    with first_contact.answering():
        durability.require_writable(database)
        schema.upgrade(database)
    database.close()


def last_known(unit: Unit) -> Directory:
    """The directory as a server last saw it, for a command that asks Slack nothing; groups that are too old are left out."""
    people = {user: PersonFacts(**copy.value) for user, copy in directory.saved_people(unit).items()}
    oldest, groups = unit.now - timedelta(seconds=STALE_SECONDS), directory.saved_usergroups(unit)
    return Directory(people, {name: tuple(copy.value) for name, copy in groups.items() if copy.fetched_at >= oldest})
