"""Column types and the database's own clock, equal on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Text, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from policies.digest import rfc3339


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC moment: timestamptz on PostgreSQL, sortable RFC 3339 text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text where the database has no moments of its own."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive times rather than guess their zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return rfc3339(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Aware UTC on both databases."""
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


class JsonText(TypeDecorator[Any]):
    """A JSON value kept as the text it was given as, so that digests stay true to the byte."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Text; None stays NULL."""
        return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The value that was stored."""
        return None if value is None else json.loads(value)


class database_now(FunctionElement[datetime]):
    """The database's clock at this statement, shifted by `seconds` (tests move time; nothing else does)."""

    type = UtcDateTime()
    inherit_cache = True
    name = "database_now"

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = float(seconds)
        # An argument, though none is rendered: it keeps the compiled statements of different shifts apart.
        super().__init__(literal_column(repr(self.seconds)))


@compiles(database_now, "postgresql")
def _now_on_postgresql(element: database_now, compiler: Any, **_: Any) -> str:
    shift = f" + interval '{element.seconds:.6f} seconds'" if element.seconds else ""
    return f"(clock_timestamp(){shift})"


@compiles(database_now, "sqlite")
def _now_on_sqlite(element: database_now, compiler: Any, **_: Any) -> str:
    shift = f", '{element.seconds:+.3f} seconds'" if element.seconds else ""
    return f"strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'{shift})"


class utc_day(FunctionElement[str]):
    """The day in UTC of a moment, as text such as 2026-01-31."""

    type = Text()
    inherit_cache = True
    name = "utc_day"


@compiles(utc_day, "postgresql")
def _day_on_postgresql(element: utc_day, compiler: Any, **more: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **more)} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


@compiles(utc_day, "sqlite")
def _day_on_sqlite(element: utc_day, compiler: Any, **more: Any) -> str:
    return f"substr({compiler.process(element.clauses, **more)}, 1, 10)"


class json_list(FunctionElement[str]):
    """Its arguments as the text of one JSON array: no value can pass for the end of another, and none breaks a line."""

    type = Text()
    inherit_cache = True
    name = "json_list"


@compiles(json_list, "postgresql")
def _list_on_postgresql(element: json_list, compiler: Any, **more: Any) -> str:
    return f"CAST(json_build_array({compiler.process(element.clauses, **more)}) AS TEXT)"


@compiles(json_list, "sqlite")
def _list_on_sqlite(element: json_list, compiler: Any, **more: Any) -> str:
    return f"json_array({compiler.process(element.clauses, **more)})"
