"""When who can decide changes, every open request is counted again: people left a role, were deactivated, or came back (docs/rules.md: E5)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from bot.service import seating, shortage
from bot.service.context import World
from bot.service.waking import wake
from policies.approval import Approval
from policies.errors import Tampered
from policies.lifecycle import Verb, transition
from store import approvals, outbox
from store.audit import entry_of
from store.unit import Unit

log = logging.getLogger("sayso.recount")
PAGE = 200


def look(world: World) -> int:
    """Count again if who can decide has changed since this process last looked; how many requests that changed."""
    now = _eligible(world)
    if now == world.counted:
        return 0
    changed = sum(_counted(world, approval.id) for approval in _differing(world))
    world.counted = now
    return changed


def _differing(world: World) -> Iterator[Approval]:
    """The open requests that lack something else now than their cards say."""
    after: str | None = ""
    while after is not None:
        found, after = world.database.read(partial(approvals.pending_page, after=after, limit=PAGE))
        yield from (one for one in found if shortage.found(world, one) != one.lacking)


def _eligible(world: World) -> object:
    """Who may decide by which role, and as whom they count: what a quorum depends on beside the request itself."""
    directory, roster = world.directory, world.book.roster
    by_role = {role: tuple(directory.could_decide(roster, role)) for role in roster.roles}
    names = {user: directory.person(roster, user).names for users in by_role.values() for user in users}
    return by_role, names, frozenset(directory.groups)


def _counted(world: World, approval_id: str) -> bool:
    """Whether what it lacks is something else now; then its card says so, and operations hear of it."""
    try:
        return world.database.run(lambda unit: _told(world, unit, approval_id))
    except Tampered as error:
        log.error("approval %s was not counted again: %s", approval_id, error)
        return False


def _told(world: World, unit: Unit, approval_id: str) -> bool:
    approval = approvals.load(unit, approval_id)
    if approval is None or not approval.pending:
        return False
    after = shortage.marked(world, unit, approval)
    if after.lacking == approval.lacking:
        return False
    if after.lacking is None and approval.assignee is None:
        after = seating.moved_on(world, unit, after, "there are enough people again")
    return _saved(world, unit, approval, after)


def _saved(world: World, unit: Unit, before: Approval, after: Approval) -> bool:
    outcome = transition(before.state, Verb.ESCALATE if after.lacking else Verb.REASSIGN, unit.now, before.deadlines)
    after = replace(after, version=before.version + 1, updated_at=unit.now)
    if not approvals.save(unit, before, after):
        return False  # it moved on meanwhile: whatever moved it counted for itself
    outbox.refresh(unit, after.id, after.version)
    why = after.lacking or "there are enough people again"
    unit.record(entry_of(after, outcome.event, unit.now, "system", decision=after.assignee, rationale=why))
    unit.after_commit(lambda: wake(world, after))
    return True
