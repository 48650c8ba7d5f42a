"""Writes that leave as one statement on PostgreSQL, with the audit rows that tell of them: one round trip for all.

Each is put off to the end of its transaction, or to the next statement of it: whoever reads or writes in between finds all
of them done, in order. What goes together is one `WITH`, in which no part sees what another does: so each writes a table
of its own and reads no other. The audit rows are added last, and only where nothing was missed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Connection, Insert, Table, Update
from sqlalchemy.exc import IntegrityError

from store.duplicates import raise_duplicate
from store.prepared import Prepared, prepared, send

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
        text = prepared(connection.dialect, one.statement, tuple(one.values))
        try:
            changed = send(connection, text.sql, text.sent(one.values)).rowcount
        except IntegrityError as error:
            _tell([one], error)
            raise
        _require_hit(one, changed)


def with_audit(connection: Connection, writes: Sequence[PutOff], rows: Mapping[str, Any]) -> str:
    """All of them and the audit `rows`, by one statement of PostgreSQL; the transaction's name."""
    texts = tuple(prepared(connection.dialect, one.statement, tuple(one.values)) for one in writes)
    sql = _whole(texts, tuple(one.missed is not None for one in writes))
    sent = dict(rows)
    for number, (one, text) in enumerate(zip(writes, texts, strict=True)):
        sent |= {f"w{number}_{name}": value for name, value in text.values(one.values).items()}
    try:
        *changed, _, transaction = send(connection, sql, sent).fetchone()
    except IntegrityError as error:
        _tell(writes, error)
        raise
    for one, count in zip(writes, changed, strict=True):
        _require_hit(one, count)
    return str(transaction)


def _require_hit(one: PutOff, changed: int) -> None:
    if one.missed is not None and changed != 1:
        raise one.missed


def _tell(writes: Sequence[PutOff], error: IntegrityError) -> None:
    for one in writes:
        if one.refused is not None:
            raise_duplicate(error, *one.refused)


_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def _named(number: int, found: re.Match[str]) -> str:
    return f"%(w{number}_{found[1]})s"


@lru_cache(maxsize=256)
def _whole(texts: tuple[Prepared, ...], musts: tuple[bool, ...]) -> str:
    withs = ", ".join(
        f"w{number} AS ({_PLACEHOLDER.sub(partial(_named, number), text.sql)} RETURNING 1)"
        for number, text in enumerate(texts)
    )
    named = [f"n{number}" for number in range(len(texts))]
    counts = ", ".join(f"(SELECT count(*) FROM w{name[1:]}) AS {name}" for name in named)  # noqa: S608 - our own names
    # All are counted before the chain's lock is taken, also those that may hit none: so locks are taken in one order.
    hit = " AND ".join(f"{name} {'=' if must else '>='} {int(must)}" for name, must in zip(named, musts, strict=True))
    told = f"CASE WHEN {hit} THEN {_APPEND} END, CAST(pg_current_xact_id() AS TEXT)"
    return f"WITH {withs} SELECT {', '.join(named)}, {told} FROM (SELECT {counts} OFFSET 0) AS done"  # noqa: S608


# Lines hold no line break (JSON escapes it). As an array, each of their many quotes would be escaped on its own.
_APPEND = (
    "sayso_append_audit(CAST(%(approval_ids)s AS TEXT[]), CAST(%(session_ids)s AS TEXT[]), "
    "string_to_array(CAST(%(lines)s AS TEXT), chr(10)), string_to_array(CAST(%(texts)s AS TEXT), chr(10), ''))"
)
