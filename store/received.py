"""Which signed requests of Slack's were heard already: who sends one a second time has no new word of a person's."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from store.tables import received
from store.unit import Unit

KEPT = timedelta(minutes=15)  # longer than a signature counts, on clocks that differ


def first_time(unit: Unit, signature: str) -> bool:
    """Keep that it was heard; False where it was kept before. What no longer counts as signed is forgotten."""
    unit.execute(delete(received).where(received.c.at < unit.now - KEPT))
    add = unit.insert(received).on_conflict_do_nothing(index_elements=["signature"]).returning(received.c.signature)
    return unit.execute(add, {"signature": signature, "at": unit.now}).one_or_none() is not None


def not_heard(unit: Unit, signature: str) -> None:
    """What was refused has not been heard: the same may be right a moment later."""
    unit.execute(delete(received).where(received.c.signature == signature))
