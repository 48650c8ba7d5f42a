"""Turns: whoever counts what an agent may ask for waits until nobody else counts for that agent (PostgreSQL; SQLite has one writer).

A turn is taken before anything is read that is counted, and held to the end of the transaction: limits, sums, quotas, first
uses and checkpoints then hold on any number of servers. Turns come first in a transaction, several in one order, so
that no two of them wait for each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, cast, func, select

from store.types import database_now
from store.unit import Unit

_KEY = cast(bindparam("_key"), BigInteger)


def take(unit: Unit, agent_ids: Iterable[str]) -> None:
    """Until this unit ends, nobody else counts for these agents; the unit's time is the one after the wait."""
    _take(unit, (f"counts {agent_id}" for agent_id in agent_ids))


def take_for_ratchet(unit: Unit, agent_id: str, action: str) -> None:
    """Until this unit ends, nobody else takes a level of this action from this agent."""
    _take(unit, [f"ratchet {agent_id} {action}"])


def _take(unit: Unit, names: Iterable[str]) -> None:
    if unit.connection.dialect.name != "postgresql":
        return
    query = _taking(unit.clock.seconds)
    for key in sorted({_key(name) for name in names}):
        unit.now = unit.rows(query, {"_key": key})[0].database_time


@lru_cache(maxsize=8)
def _taking(clock_shift: float) -> Select[Any]:
    return select(func.pg_advisory_xact_lock(_KEY), database_now(clock_shift).label("database_time"))


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


SWEEP = 0x5A_75_52
# Locks are the whole database's, and each workspace has a schema of its own: its sweeper waits for no other's.
_SWEEP = (SWEEP, func.hashtext(func.current_schema()))


def try_sweep(unit: Unit) -> bool:
    """Whether this unit is the one sweeper until it ends; False where another is. On SQLite one writes at a time anyway."""
    if unit.connection.dialect.name != "postgresql":
        return True
    return bool(unit.execute(select(func.pg_try_advisory_xact_lock(*_SWEEP))).scalar_one())


def take_sweep(unit: Unit) -> None:
    """Wait until no other sweeps, and let none begin until this unit ends."""
    if unit.connection.dialect.name == "postgresql":
        unit.execute(select(func.pg_advisory_xact_lock(*_SWEEP)))
