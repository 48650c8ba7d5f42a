"""The first contact with a database: what keeps it away is told in one line that names the setting, within ten seconds."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from store import private_files
from store.database_url import SETTING, BadDatabaseUrl
from store.engine import Database, StoreUnavailable

# One connection gives up after five seconds (engine.py); a name server, or a list of hosts, has to be cut short.
CONTACT_SECONDS = 6.0
_NOT_ALLOWED = "42501"
_PREFIX = re.compile(r"^(?:connection failed: )?(?:connection to server (?:at|on) .*? failed: )?(?:FATAL: +)?")


def require_answer(database: Database) -> None:
    """Raise BadDatabaseUrl where a SQLite file cannot be opened, StoreUnavailable where PostgreSQL lets nobody in."""
    if database.sqlite:
        _require_file(database)
    else:
        _require_server(database)


def _require_file(database: Database) -> None:
    path = Path(str(database.url.database))
    try:
        private_files.make_database(path)
    except OSError as error:
        raise _unusable(path, f"{error.strerror} ({error.filename})") from None
    try:
        database.check()
    except StoreUnavailable as error:
        raise _unusable(path, reason(error.__cause__)) from None


def _unusable(path: Path, reason: str) -> BadDatabaseUrl:
    return BadDatabaseUrl(f"{SETTING}: cannot open {path}: {reason}", field=SETTING)


def _require_server(database: Database) -> None:
    failed: list[SQLAlchemyError] = []
    asking = threading.Thread(target=_ask, args=(database, failed), daemon=True)
    asking.start()
    asking.join(CONTACT_SECONDS)
    if not asking.is_alive() and not failed:
        return
    why = reason(failed[0]) if failed else f"no answer within {CONTACT_SECONDS:.0f} s"
    raise StoreUnavailable(f"{SETTING}: cannot connect to PostgreSQL{_place(database)}: {why}", field=SETTING)


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Raise StoreUnavailable where the database stops answering within this, or does not let its role do what is done."""
    try:
        yield
    except SQLAlchemyError as error:
        if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == _NOT_ALLOWED:
            raise StoreUnavailable(f"{SETTING}: the role may not do this: {reason(error)}", field=SETTING) from error
        raise StoreUnavailable(f"{SETTING}: the database does not answer", field=SETTING) from error


def _ask(database: Database, failed: list[SQLAlchemyError]) -> None:
    try:
        with database.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        failed.append(error)


def _place(database: Database) -> str:
    host, port = database.url.host, database.url.port
    return f" at {host}{f':{port}' if port else ''}" if host else ""


def reason(error: BaseException | None) -> str:
    """The database's own first line, which names hosts, roles and databases and no value (quiet_errors.py)."""
    said = str(error.orig if isinstance(error, DBAPIError) else error or "no answer").splitlines()
    return _PREFIX.sub("", said[0]) if said else "no answer"
