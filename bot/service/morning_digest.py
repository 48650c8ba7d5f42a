"""The morning's list: what waits for somebody when their working day begins, once a day and to them alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.service.context import World
from policies.messages import MorningFacts
from policies.quiet_hours import Morning
from store import approvals, morning_digest, outbox, workload
from store.unit import Unit

MOST = 100  # looked at; a message shows the first ten


def greet(world: World) -> int:
    """Send every list that is due and not empty, and say how many; any number of servers send each once."""
    people = _people(world)
    if not people:
        return 0
    owed = world.database.read(lambda unit: morning_digest.untold(unit, _days(people, unit.now)))
    if not owed:
        return 0
    sent = world.database.run(lambda unit: sum(_sent(unit, user, day) for user, day in sorted(owed.items())))
    world.signals.outbox_filled()
    return sent


def upcoming(world: World, now: datetime) -> datetime | None:
    """When the next list is due; None where nobody wants one."""
    found = (morning.next(now) for morning in _people(world).values())
    return min((moment for moment in found if moment), default=None)


def _people(world: World) -> dict[str, Morning]:
    roster = world.book.roster
    if not roster.any_morning:
        return {}
    users = {user for role in roster.roles for user in world.directory.members(roster, role)}
    return {user: morning for user in users if (morning := roster.morning(user))}


def _days(people: Mapping[str, Morning], now: datetime) -> dict[str, str]:
    latest = {user: morning.latest(now) for user, morning in people.items()}
    return {user: due[0].isoformat() for user, due in latest.items() if due}


def _sent(unit: Unit, user: str, day: str) -> bool:
    """Whether there was something to say: who is away, or has nothing to decide, is left alone for that day."""
    if not morning_digest.begin(unit, user, day) or workload.loads(unit, [user])[user].away:
        return False
    waiting = [found for found in approvals.pending(unit, assignee=user, limit=MOST) if not found.clock.paused_at]
    if not waiting:
        return False
    facts = MorningFacts(tuple(found.id for found in waiting[:10]), len(waiting))
    outbox.put_notice(unit, f"morning:{user}:{day}", channel=user, facts=facts)
    return True
