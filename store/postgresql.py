"""Sessions on PostgreSQL, also where a pooler such as PgBouncer hands out another session for every transaction.

A pooler shows: it refuses the settings that a session begins with, or they do not arrive, or the session that answers is not
the one that we were told of. Then every transaction brings its settings along, and no statement is prepared under a name.
"""

from __future__ import annotations

import logging
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry

from store import database_url
from store.cursors import LeanCursor

log = logging.getLogger("sayso.store")
Session = psycopg.Connection[tuple[Any, ...]]
_ARRIVED = "sayso.session"
_REFUSED = "unsupported startup parameter"
_READ_ONLY = "25006"
_LOOK = f"SELECT pg_backend_pid(), current_setting('{_ARRIVED}', true)"
# What is remembered of a session: the statement that each of its transactions has to begin with.
_FIRST = "sayso_first"


class Sessions:
    """Makes the sessions of one address. `pooled` says whether the newest came from a pooler, `settled` whether it has its
    settings by itself."""

    def __init__(self, url: URL) -> None:
        self.pooled = self.settled = False
        self._url = url
        settings = database_url.session_settings(url)
        self._settings = [part for pair in settings.items() for part in pair]
        self._set = f"SELECT {', '.join(['set_config(%s, %s, true)'] * len(settings))}"

    def options(self) -> dict[str, Any]:
        """What SQLAlchemy has to know."""
        # Statements are few and repeated: psycopg prepares them at their second use.
        return {"isolation_level": "READ COMMITTED", "creator": self._connected, "pool_reset_on_return": "rollback"}

    def prepare(self, engine: Engine) -> None:
        """From now on every new session of `engine` is looked at, and every transaction begun as its session needs."""
        event.listen(engine, "connect", self._look)
        event.listen(engine, "begin", self._begin)
        event.listen(engine, "handle_error", _leave_a_standby)

    def _connected(self) -> Session:
        plain = {name: value for name, value in database_url.arguments(self._url).items() if name != "options"}
        own = database_url.own_options(self._url)
        if "service" in plain:
            # What the service's file says of options is kept, unless the address has its own.
            return psycopg.connect(**plain, options=own) if own else psycopg.connect(**plain)
        ours = [*database_url.SESSION.items(), (_ARRIVED, "on")]
        try:
            return psycopg.connect(**plain, options=" ".join([*(f"-c {name}={value}" for name, value in ours), own]))
        except psycopg.OperationalError as error:
            if _REFUSED not in str(error):
                raise
        return psycopg.connect(**plain)

    def _look(self, session: Session, entry: ConnectionPoolEntry) -> None:
        session.autocommit = True
        pid, arrived = session.execute(_LOOK).fetchone() or (None, None)
        session.autocommit = False
        self.pooled = pid != session.info.backend_pid
        entry.info[_FIRST] = self.pooled or arrived != "on"
        self.settled = not entry.info[_FIRST]
        session.cursor_factory = LeanCursor
        if self.pooled:
            session.prepare_threshold = None

    def _begin(self, connection: Connection) -> None:
        if connection.info.get(_FIRST):
            connection.exec_driver_sql(self._set, tuple(self._settings))


def _leave_a_standby(context: ExceptionContext) -> None:
    """Where the server became a read-only standby under us, connections are made anew: perhaps to the new primary."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True
