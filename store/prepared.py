"""Statements of the ways that every request takes, compiled once and sent by the driver itself.

SQLAlchemy writes each of them, converts its values and reads its errors. What is left out is its way from a statement to its
rows, which takes longer than most of these statements take the database.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import ClauseElement, Connection, Dialect, Insert, SelectBase
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Convert = Callable[[Any], Any]


@dataclass(frozen=True, eq=False, slots=True)
class Prepared:
    """A statement as the driver wants it: `order` are the names of its parameters where they go by place, `fixed` those that
    the statement itself brings; `row` makes a row of what is read, `readers` are the converters of its columns by place."""

    sql: str
    order: tuple[str, ...]
    fixed: Mapping[str, Any]
    converters: Mapping[str, Convert | None]
    row: Callable[[Sequence[Any]], Any]
    readers: tuple[tuple[int, Convert], ...]

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Every parameter by its name, as the driver takes it."""
        found = {}
        for name, convert in self.converters.items():
            value = given[name] if name in given else self.fixed[name]
            found[name] = convert(value) if convert else value
        return found

    def sent(self, given: Mapping[str, Any]) -> Any:
        """The same by name or by place."""
        values = self.values(given)
        return tuple(values[name] for name in self.order) if self.order else values

    def read(self, found: Sequence[Any]) -> Any:
        """A row by the names of its columns."""
        cells = list(found)
        for place, convert in self.readers:
            cells[place] = convert(cells[place])
        return self.row(cells)


def prepared(dialect: Dialect, statement: ClauseElement, names: tuple[str, ...] = ()) -> Prepared:
    """A statement; `names` are the columns that an insert or update is given."""
    return _prepared(_first_alike(dialect), statement, names)


_first: dict[tuple[type[Dialect], Any], Dialect] = {}


def _first_alike(dialect: Dialect) -> Dialect:
    """The first of its kind and version, which writes the same: each of many workspaces has an engine of its own."""
    return _first.setdefault((type(dialect), dialect.server_version_info), dialect)


@lru_cache(maxsize=1024)
def _prepared(dialect: Dialect, statement: ClauseElement, names: tuple[str, ...]) -> Prepared:
    wanted = statement.inline() if isinstance(statement, Insert) and statement.select is None else statement
    compiled = wanted.compile(dialect=dialect, column_keys=list(names) or None)
    assert isinstance(compiled, SQLCompiler)
    # What is written into the text only when it is sent, such as a list of values, is SQLAlchemy's to send.
    assert not compiled.post_compile_params, "a list of values cannot be prepared"
    assert not compiled.literal_execute_params, "a value that is written out cannot be prepared"
    # A name that stands twice is converted as the one that says its type.
    converters: dict[str, Convert | None] = dict.fromkeys(compiled.bind_names.values())
    for bind, name in compiled.bind_names.items():
        converters[name] = bind.type.dialect_impl(dialect).bind_processor(dialect) or converters[name]
    columns = list(statement.selected_columns) if isinstance(statement, SelectBase) else []
    readers = ((place, _reader(column.type, dialect)) for place, column in enumerate(columns))
    return Prepared(
        str(compiled),
        tuple(compiled.positiontup or ()),
        dict(compiled.params),
        converters,
        _row([str(column.key) for column in columns]),
        tuple((place, convert) for place, convert in readers if convert is not None),
    )


def _row(names: list[str]) -> Callable[[Sequence[Any]], Any]:
    make: Callable[..., Any] = namedtuple
    kind = make("Row", names, rename=True)  # what has no name goes by its place
    return partial(tuple.__new__, kind)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def rows(connection: Connection, statement: Prepared, given: Mapping[str, Any]) -> list[Any]:
    """What a SELECT finds, each row by the names of its columns."""
    return [statement.read(one) for one in send(connection, statement.sql, statement.sent(given)).fetchall()]


def send(connection: Connection, sql: str, sent: Any) -> Any:
    """Run a statement in the transaction of `connection`; the driver's cursor. Errors are those of SQLAlchemy."""
    cursor = connection.connection.cursor()
    try:
        for told in connection.dispatch.before_cursor_execute:
            told(connection, cursor, sql, sent, None, False)
        cursor.execute(sql, sent)
    except Exception as error:
        connection._handle_dbapi_exception(error, sql, sent, cursor, None)
    return cursor
