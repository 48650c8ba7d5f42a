"""An approval moves on: the only code that raises its version, and all that goes with it (docs/rules.md: I1, I2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, TypedDict, TypeVar, Unpack

from bot.service import activity, notices
from bot.service.context import Context, World
from bot.service.notices import Say
from policies.approval import Approval
from policies.deadlines import Clock
from policies.errors import AlreadyVoted, Stale
from policies.frozen_values import replace
from store import approvals, outbox
from store.audit import entry_of
from store.duplicates import DuplicateVote

T = TypeVar("T")
Facts = dict[str, Any]


class Overtaken(Exception):
    """The row moved on between reading and writing it, and nothing was written: look again."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an approval is to become, and what is said of it in Slack once that is saved."""

    approval: Approval
    says: tuple[Say, ...] = ()


class Recorded(TypedDict, total=False):
    """What the audit row adds; `extra` may be worked out from the approval as it was saved."""

    decision: str | None
    rationale: str | None
    latency_ms: int | None
    extra: Facts | Callable[[Context, Approval], Facts]


class Saving(Enum):
    """How an approval is saved, where its row still is as it was read."""

    AT_ANY_TIME = "at any time"
    IN_TIME = "before it expires by the database's clock"
    WITHIN_WINDOW = "before its undo window ends by the database's clock"
    TOGETHER = "with others of this transaction, which has locked them"


def advance(
    ctx: Context,
    before: Approval,
    after: Draft | Approval,
    event: str,
    actor: str,
    saving: Saving = Saving.AT_ANY_TIME,
    *,
    touched: bool = False,
    put_off: bool = False,
    **recorded: Unpack[Recorded],
) -> Approval:
    """Make `before` into `after`, and give it back as it was saved.

    One compare-and-set; then what is said of it, its cards drawn anew, its audit row, and after the commit whoever
    waits. Nobody else needs to know a version: what is said gets the approval as it was saved. Where a person `touched` it,
    no other request joins its message any more. Raises Overtaken; with `put_off` at the end of the transaction, which is
    for whoever begins all of it anew then.
    """
    draft = after if isinstance(after, Draft) else Draft(after)
    activity.meets(before)
    saved = replace(draft.approval, version=before.version + 1, updated_at=ctx.now)
    _save(ctx, before, saved, saving, put_off=put_off)
    activity.meets(saved, moved=True)
    for say in draft.says:
        say(ctx, saved)
    _refresh(ctx, saved, saving, touched)
    notices.over(ctx, before, saved)
    notices.outcome(ctx, saved)
    _record(ctx, saved, event, actor, recorded)
    ctx.unit.after_commit(partial(wake, ctx.world, saved))
    return saved


LOOKS = 10


def until_settled(work: Callable[[int], T]) -> T:
    """Look again whenever somebody else was between reading and writing: they may have voted, or have decided."""
    for look in range(1, LOOKS + 1):
        try:
            return work(look)
        except Overtaken:
            if look == LOOKS:
                raise Stale() from None
        except DuplicateVote:
            if look == LOOKS:
                raise AlreadyVoted() from None
    raise AssertionError("unreachable")


def set_clock(ctx: Context, approval: Approval, clock: Clock) -> None:
    """Another clock on a row that this transaction has locked: nothing moves on, but its cards are drawn anew."""
    after = replace(approval, clock=clock)
    approvals.save_later(ctx.unit, approval, after)
    outbox.refresh_later(ctx.unit, after.id, after.version)
    ctx.unit.after_commit(ctx.world.signals.outbox_filled)


def wake(world: World, approval: Approval) -> None:
    """After the commit: whoever waits for it, the courier, and the sweep's alarm."""
    world.signals.approval_changed(approval.id)
    world.signals.outbox_filled()
    if approval.clock.wake_at:
        world.signals.deadline_set(approval.clock.wake_at)


def _save(ctx: Context, before: Approval, after: Approval, saving: Saving, *, put_off: bool) -> None:
    if saving is Saving.TOGETHER:
        approvals.save_later(ctx.unit, before, after)
        return
    in_time, within_window = saving is Saving.IN_TIME, saving is Saving.WITHIN_WINDOW
    missed = Overtaken if put_off else None
    if not approvals.save(ctx.unit, before, after, in_time=in_time, within_window=within_window, missed=missed):
        raise Overtaken


def _refresh(ctx: Context, saved: Approval, saving: Saving, touched: bool) -> None:
    if saving is Saving.TOGETHER:
        outbox.refresh_later(ctx.unit, saved.id, saved.version)
    else:
        outbox.refresh(ctx.unit, saved.id, saved.version, touched=touched)


def _record(ctx: Context, saved: Approval, event: str, actor: str, recorded: Recorded) -> None:
    extra = recorded.get("extra", {})
    found = extra(ctx, saved) if callable(extra) else extra
    ctx.unit.record(entry_of(saved, event, ctx.now, actor, **{**recorded, "extra": found}))
