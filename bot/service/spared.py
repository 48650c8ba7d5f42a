"""Who is not tested now: a test of a reviewer is put before nobody who is away, busy or not to be notified (docs/rules.md: F3)."""

from __future__ import annotations

from bot.service.context import Context
from policies.approval import Approval
from policies.errors import SaysoError
from policies.history import History
from policies.learning import planting
from policies.learning.planting import Desk
from policies.routing import Route
from store import notification_budget, workload
from store import planting as stored


class Spared(SaysoError):
    """No test now: {reason}."""


def require_asked(found: Route, past: History, *, before: bool) -> None:
    """Raise Spared where it would not wait for a person's yes as any other request does."""
    stopped = past.stopped or past.held_elsewhere is not None
    _require(planting.unasked(found.name, found.level, stopped=stopped, before=before))


def require_free(ctx: Context, approval: Approval, user: str, *, available: bool, silent: bool) -> None:
    """Raise Spared where whoever would be asked is not tested now."""
    accounts = ctx.directory.accounts_of(ctx.roster, {user})
    desk = Desk(
        available=available and not approval.lacking,
        quiet=silent or _quiet(ctx, user),
        waiting=workload.loads(ctx.unit, [user])[user].open,
        tested_at=stored.tested_last(ctx.unit, accounts),
    )
    _require(planting.spared(desk, ctx.now))


def _quiet(ctx: Context, user: str) -> bool:
    """Whether they are in quiet hours, off, or had all the cards of this hour."""
    if ctx.roster.quiet_until(user, ctx.now) is not None:
        return True
    budget = ctx.roster.budget(user)
    return budget is not None and notification_budget.full_until(ctx.unit, user, budget) is not None


def _require(reason: str | None) -> None:
    if reason is not None:
        raise Spared(reason=reason)
