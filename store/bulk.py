"""Many rows changed by one statement: on PostgreSQL a list of values joined to the table, elsewhere row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Executable,
    Integer,
    Table,
    TextClause,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import dialect

from store.types import UtcDateTime
from store.unit import Unit

_POSTGRES = dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Bulk:
    """An update of `table`: parameters by name with the column whose type they have, and what is set where.

    `typed_value` is one of these parameters in an expression; `joined` is what their list is joined to beside the table.
    """

    table: Table
    parameters: tuple[tuple[str, Column[Any]], ...]
    setting: str
    where: str
    joined: str = ""


def typed_value(name: str, column: Column[Any]) -> ColumnElement[Any]:
    """The parameter of this name, which has the type of `column`."""
    return literal_column(f'v."{name}"', column.type)


def setting(values: Mapping[str, ColumnElement[Any]]) -> str:
    """What is set to what."""
    return ", ".join(f'"{name}" = {sql(value)}' for name, value in values.items())


def sql(expression: ColumnElement[Any]) -> str:
    """An expression as text, with every constant in it."""
    return str(expression.compile(dialect=_POSTGRES, compile_kwargs={"literal_binds": True}))


def later(unit: Unit, statement: Executable, bulk: Bulk, row: dict[str, Any], *, one_row: bool = False) -> None:
    """Write `row` together with its like: by `statement` row by row, or by `bulk` at once where that is faster."""
    if unit.connection.dialect.name == "postgresql":
        unit.later(_joined(bulk), row, one_row=one_row, together=lambda rows: _columns(bulk, rows))
    else:
        unit.later(statement, row, one_row=one_row)


@lru_cache(maxsize=256)
def _joined(bulk: Bulk) -> TextClause:
    names = ", ".join(f'"{name}"' for name, _ in bulk.parameters)
    lists = ", ".join(f"CAST(:{name} AS {_type(column)}[])" for name, column in bulk.parameters)
    source = f"unnest({lists}) AS v({names}){bulk.joined}"
    return text(f"UPDATE {bulk.table.name} SET {bulk.setting} FROM {source} WHERE {bulk.where}")  # noqa: S608 - names


def _type(column: Column[Any]) -> str:
    match column.type:
        case UtcDateTime():
            return "timestamptz"
        case Boolean():
            return "boolean"
        case BigInteger():
            return "bigint"
        case Integer():
            return "integer"
    return "text"


def _columns(bulk: Bulk, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The rows as one list for each parameter, as the driver wants them."""
    found = {}
    for name, column in bulk.parameters:
        convert = column.type.dialect_impl(_POSTGRES).bind_processor(_POSTGRES)
        values = [row[name] for row in rows]
        found[name] = [convert(value) for value in values] if convert else values
    return found
