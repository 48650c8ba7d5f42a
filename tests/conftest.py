"""Fixtures for everything that needs a database or a server."""

from __future__ import annotations

import gc
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from support import browser as pages
from support import postgres, second_try
from support.office import Office

from store import schema
from store.engine import Database

# How long an example takes to make says something of the machine, not of the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def _untyped(moment: datetime) -> str:
    raise TypeError(f"a parameter without its column's type: {moment} would be kept as another text than all others")


# SQLite compares moments as texts, and Python would write one that nobody typed in a form of its own.
sqlite3.register_adapter(datetime, _untyped)

KINDS = ("sqlite", "postgresql")


def pytest_configure(config: pytest.Config) -> None:
    """Name the run before the workers start, so that they share one PostgreSQL."""
    if not hasattr(config, "workerinput"):
        postgres.begin_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The one who named the run stops its PostgreSQL, when every worker is done."""
    if not hasattr(config, "workerinput"):
        postgres.end_run()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with servers get one second try; all others have to hold at once."""
    for item in items:
        second_try.mark(item)


def pytest_collection_finish() -> None:
    """Thousands of collected tests are no garbage: every server that stops would look through them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgresql() -> postgres.Postgres:
    """A real PostgreSQL server, shared by all workers."""
    return postgres.running()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "sayso.db"
    database = Database(f"sqlite:///{path}", pool_size=1)
    schema.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
        connection.exec_driver_sql("BEGIN")
    database.close()
    return path


@pytest.fixture(params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    """Each database in turn; `on_sqlite` and `on_postgresql` pick one."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh database at the newest schema."""
    if database_kind == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "sayso.db")
        yield f"sqlite:///{tmp_path / 'sayso.db'}"
        return
    server: postgres.Postgres = request.getfixturevalue("postgresql")
    with server.fresh() as url:
        yield url


@pytest.fixture
def empty_database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without a schema."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: postgres.Postgres = request.getfixturevalue("postgresql")
    with server.fresh(empty=True) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database."""
    opened = Database(database_url, pool_size=8)
    yield opened
    opened.close()


@pytest.fixture
def closed_office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    """An office whose server the test starts itself."""
    office = Office(database_url, tmp_path)
    yield office
    office.close()


@pytest.fixture
def office(closed_office: Office) -> Office:
    """An office with the real app running in a thread."""
    closed_office.open()
    return closed_office


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for the tests of a module."""
    if not pages.CHROMIUM.exists():
        pytest.skip(f"NOT TESTED: the page needs a browser, and {pages.CHROMIUM} is missing")
    with pages.chromium() as opened:
        yield opened
