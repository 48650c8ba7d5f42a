"""Writes that leave as one statement on PostgreSQL, with the audit rows that tell of them: one round trip for all.

Each is put off to the end of its transaction, or to the next statement of it: whoever reads or writes in between finds all
of them done, in order. What goes together is one `WITH`, in which no part sees what another does: so each writes a table
of its own and reads no other. The audit rows are added last, and only where nothing was missed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Table, Update

from store.duplicates import told_as

Refused = tuple[type[Exception], tuple[str, ...]]
"""What the refusal of a constraint is called, and the constraint's names (duplicates.py)."""


@dataclass(frozen=True, slots=True)
class PutOff:
    """A write of one row of `table`: `missed` is raised where it hits none, `refused` where a constraint stands against it."""

    table: Table
    statement: Insert | Update
    values: Mapping[str, Any]
    missed: type[Exception] | None = None
    refused: Refused | None = None


def in_order(connection: Connection, writes: Sequence[PutOff]) -> None:
    """One after the other, as they were put off."""
    for one in writes:
        with _refusals([one]):
            changed = connection.execute(one.statement, dict(one.values)).rowcount
        _require_hit(one, changed)


def with_audit(connection: Connection, writes: Sequence[PutOff], rows: Mapping[str, Any]) -> str:
    """All of them and the audit `rows`, by one statement of PostgreSQL; the transaction's name."""
    parts = tuple((one.statement, tuple(one.values), one.missed is not None) for one in writes)
    plan = _planned(connection.dialect, parts)
    with _refusals(writes):
        *changed, _, transaction = connection.exec_driver_sql(plan.sql, plan.values(writes) | dict(rows)).one()
    for one, count in zip(writes, changed, strict=True):
        _require_hit(one, count)
    return str(transaction)


def _require_hit(one: PutOff, changed: int) -> None:
    if one.missed is not None and changed != 1:
        raise one.missed


@contextmanager
def _refusals(writes: Sequence[PutOff]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in writes:
            if one.refused is not None:
                stack.enter_context(told_as(one.refused[0], *one.refused[1]))
        yield


_Part = tuple[Insert | Update, tuple[str, ...], bool]
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class _Plan:
    sql: str
    fixed: tuple[dict[str, Any], ...]
    converters: tuple[dict[str, Callable[[Any], Any] | None], ...]

    def values(self, writes: Sequence[PutOff]) -> dict[str, Any]:
        """Every parameter by its name in the whole, as the driver wants it."""
        found: dict[str, Any] = {}
        for number, (one, fixed, converters) in enumerate(zip(writes, self.fixed, self.converters, strict=True)):
            for name, convert in converters.items():
                value = one.values[name] if name in one.values else fixed[name]
                found[f"w{number}_{name}"] = convert(value) if convert else value
        return found


@lru_cache(maxsize=256)
def _planned(dialect: Dialect, parts: tuple[_Part, ...]) -> _Plan:
    withs: list[str] = []
    fixed: list[dict[str, Any]] = []
    converters: list[dict[str, Callable[[Any], Any] | None]] = []
    for number, (statement, names, _) in enumerate(parts):
        compiled = statement.inline().compile(dialect=dialect, column_keys=list(names))
        text = _PLACEHOLDER.sub(rf"%(w{number}_\1)s", str(compiled))
        withs.append(f"w{number} AS ({text} RETURNING 1)")
        fixed.append(dict(compiled.params))
        kinds = {name: bind.type.dialect_impl(dialect) for bind, name in compiled.bind_names.items()}
        converters.append({name: kind.bind_processor(dialect) for name, kind in kinds.items()})
    named = [f"n{number}" for number in range(len(parts))]
    counts = ", ".join(f"(SELECT count(*) FROM w{name[1:]}) AS {name}" for name in named)  # noqa: S608 - our own names
    # All are counted before the chain's lock is taken, also those that may hit none: so locks are taken in one order.
    hit = " AND ".join(
        f"{name} {'=' if must else '>='} {int(must)}" for name, (_, _, must) in zip(named, parts, strict=True)
    )
    told = f"CASE WHEN {hit} THEN {_APPEND} END, CAST(pg_current_xact_id() AS TEXT)"
    sql = f"WITH {', '.join(withs)} SELECT {', '.join(named)}, {told} FROM (SELECT {counts} OFFSET 0) AS done"  # noqa: S608
    return _Plan(sql, tuple(fixed), tuple(converters))


# Lines hold no line break (JSON escapes it). As an array, each of their many quotes would be escaped on its own.
_APPEND = (
    "sayso_append_audit(CAST(%(approval_ids)s AS TEXT[]), CAST(%(session_ids)s AS TEXT[]), "
    "string_to_array(CAST(%(lines)s AS TEXT), chr(10)))"
)
