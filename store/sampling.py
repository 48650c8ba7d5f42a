"""The key that draws samples: made once, kept in the database, the same for every server."""

from __future__ import annotations

import secrets

from sqlalchemy import select

from store.tables import switches
from store.unit import Unit

_NAME = "sampling_key"


def key(unit: Unit) -> bytes:
    """The key; made at the first call."""
    found = known(unit)
    if found is None:
        fresh = {"name": _NAME, "value": secrets.token_hex(32), "by": "system", "at": unit.now}
        unit.execute(unit.insert(switches).on_conflict_do_nothing(index_elements=["name"]), fresh)
        found = known(unit)
        assert found is not None
    return found


def known(unit: Unit) -> bytes | None:
    """The key; None before it was made."""
    query = select(switches.c.value).where(switches.c.name == _NAME)
    found: str | None = unit.execute(query).scalar_one_or_none()
    return None if found is None else bytes.fromhex(str(found))
