"""psycopg's cursor, less what nobody here asks of it."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import _queries

# psycopg reads a statement's placeholders anew at each use where it is long or has many: ours are few, and always the same.
_queries.MAX_CACHED_STATEMENT_LENGTH, _queries.MAX_CACHED_STATEMENT_PARAMS = 20_000, 200


class LeanCursor(psycopg.Cursor[Any]):
    """Describes a column by its name and type number alone: psycopg looks up four more things, for each of sixty columns."""

    @property
    def description(self) -> list[Any] | None:
        """(name, type number) of each column, which is all that SQLAlchemy reads; None where nothing is returned."""
        found = self.pgresult
        if found is None or not found.nfields:
            return None
        names = (found.fname(at) or b"" for at in range(found.nfields))
        return [(name.decode(), found.ftype(at)) for at, name in enumerate(names)]
