"""Facts of the whole installation, one row each: whether everything is stopped, and what was noted once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from store.tables import switches
from store.unit import Unit


def value(unit: Unit, name: str) -> Any:
    """What was noted under this name; None where nothing was."""
    return unit.execute(select(switches.c.value).where(switches.c.name == name)).scalar_one_or_none()


def note(unit: Unit, name: str, fact: Any) -> None:
    """Note it once; later notes under the same name change nothing."""
    statement = unit.insert(switches).on_conflict_do_nothing(index_elements=["name"])
    unit.execute(statement, {"name": name, "value": fact, "by": None, "at": unit.now})


def renew(unit: Unit, name: str) -> None:
    """Note that it happened, now."""
    statement = unit.insert(switches)
    latest = statement.on_conflict_do_update(index_elements=["name"], set_={"at": statement.excluded.at})
    unit.execute(latest, {"name": name, "value": None, "by": None, "at": unit.now})


def moments(unit: Unit, prefix: str) -> dict[str, datetime]:
    """When each of the notes whose names begin so was made, by the rest of the name."""
    query = select(switches.c.name, switches.c.at).where(switches.c.name.startswith(prefix, autoescape=True))
    return {row.name.removeprefix(prefix): row.at for row in unit.execute(query)}
