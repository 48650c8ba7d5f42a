"""Lets go of what the manifest does not want kept any longer, a little at a time, within the sweep."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.service.context import Context, World
from store import retention, turns
from store.unit import Unit

log = logging.getLogger("sayso.retention")
BATCH = 50
MOST = 500  # of each kind in one sweep: the next one goes on
Find = Callable[[Unit, datetime, int], Sequence[str]]
Remove = Callable[[Unit, str, int], None]


def remove_over_time(world: World) -> int:
    """Remove what is over its time; gives of how many approvals. What fails is logged and stops no sweep."""
    wanted = world.book.manifest.file.retention
    if wanted is None:
        return 0
    try:
        done = _all(world, wanted.params_days, retention.with_texts, retention.remove_texts)
        if wanted.approvals_days is not None:
            done += _all(world, wanted.approvals_days, retention.without_use, retention.remove)
    except Exception:
        log.exception("what is over its time could not be removed; the next sweep tries again")
        return 0
    if done:
        world.database.leave_no_trace()
    return done


def _all(world: World, days: int, find: Find, remove: Remove) -> int:
    total = 0
    while total < MOST:
        done = world.run(lambda ctx: _batch(ctx, days, find, remove))
        total += done
        if done < BATCH:
            break
    return total


def _batch(ctx: Context, days: int, find: Find, remove: Remove) -> int:
    if not turns.try_sweep(ctx.unit):
        return 0
    found = find(ctx.unit, ctx.now - timedelta(days=days), BATCH)
    for approval_id in found:
        remove(ctx.unit, approval_id, days)
    return len(found)
