"""When who can decide changes, every open request is counted again: people left a role, were deactivated, or came back (docs/rules.md: E5)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial

from bot.service import seating, shortage
from bot.service.advance import Draft, Overtaken, advance
from bot.service.context import Context, World
from policies.approval import Approval
from policies.errors import Tampered
from policies.lifecycle import Verb, transition
from store import approvals

log = logging.getLogger("sayso.recount")
PAGE = 200


def recount_if_changed(world: World) -> int:
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
        return world.run(lambda ctx: _told(ctx, approval_id))
    except Tampered as error:
        log.error("approval %s was not counted again: %s", approval_id, error, extra={"approval_id": approval_id})
        return False


def _told(ctx: Context, approval_id: str) -> bool:
    approval = approvals.load(ctx.unit, approval_id)
    if approval is None or not approval.pending:
        return False
    after = shortage.marked(ctx, approval)
    if after.lacking == approval.lacking:
        return False
    draft = Draft(after)
    if after.lacking is None and approval.assignee is None:
        draft = seating.reseated(ctx, after, _ENOUGH)
    return _saved(ctx, approval, draft)


_ENOUGH = "there are enough people again"


def _saved(ctx: Context, before: Approval, draft: Draft) -> bool:
    after = draft.approval
    outcome = transition(before.state, Verb.ESCALATE if after.lacking else Verb.REASSIGN, ctx.now, before.deadlines)
    why = after.lacking or _ENOUGH
    try:
        advance(ctx, before, draft, outcome.event, "system", decision=after.assignee, rationale=why)
    except Overtaken:
        return False  # it moved on meanwhile: whatever moved it counted for itself
    return True
