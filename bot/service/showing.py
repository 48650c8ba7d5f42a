"""Which cards Slack should show of a request: its first, one for each further person asked, one of its own again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.service.context import Context, World
from policies.approval import Approval
from policies.batching import alike, risk_class
from store import batches, outbox
from store.unit import Unit

_URGENCY = {"low": 0, "normal": 1, "high": 2}
AT_ONCE = timedelta(0)


def first_card(ctx: Context, approval: Approval) -> None:
    """Want the first card; what may share one with its like waits for them a little (docs/rules.md: D4)."""
    name = None if approval.again else alike(approval)  # what was asked before is no matter of routine
    if name is None:
        _put(ctx.unit, approval, len(approval.asked))
    else:
        after, barred = _gathering(ctx.world, approval), _barred(ctx.world, approval)
        _put(ctx.unit, approval, len(approval.asked), alike=name, after=after, barred=barred)


def told(unit: Unit, approval: Approval, thread_of: str | None = None) -> None:
    """Want a card for what policy lets run: people are told, and nobody is asked; in the thread of an approval's card."""
    _put(unit, approval, len(approval.asked), thread_of=thread_of)


def next_card(ctx: Context, approval: Approval) -> None:
    """Want a card for the person who is asked now; the one before shows where it went.

    What moves on from a shared card shares one again with what goes to the same person.
    """
    name = None if approval.again else alike(approval)
    shared = name is not None and batches.screen_of(ctx.unit, approval.id) is not None
    outbox.retire(ctx.unit, approval.id, approval.version, approval.assignee)
    if not shared:
        _put(ctx.unit, approval, len(approval.asked))
        return
    with_them = f"{name} for {approval.assignee}"
    _put(ctx.unit, approval, len(approval.asked), alike=with_them, barred=_barred(ctx.world, approval))


def review_card(ctx: Context, approval: Approval, *, round_: int, at: datetime) -> None:
    """Want a card at that moment for a review after the fact; `round_` numbers those who are asked."""
    outbox.put_review(ctx.unit, approval, channel=approval.policy.channel, round_=round_, at=at)


def set_apart(ctx: Context, approval: Approval) -> None:
    """Give a request that changed while it shares a screen a card of its own."""
    if batches.place_of(ctx.unit, approval.id) is not None:
        outbox.retire(ctx.unit, approval.id, approval.version, approval.assignee)
        _put(ctx.unit, approval, f"v{approval.version}")


def _gathering(world: World, approval: Approval) -> timedelta:
    """How long a first card waits: no more than a tenth of the time there is to decide."""
    return timedelta(seconds=min(world.gather_seconds, approval.policy.sla_seconds / 10))


def _barred(world: World, approval: Approval) -> list[str]:
    """Who of its role may not decide it, because it is for them."""
    roster, directory = world.book.roster, world.directory
    if not approval.principals or approval.role is None:
        return []
    allowed = directory.could_decide(roster, approval.role, approval.principals)
    return sorted(set(directory.could_decide(roster, approval.role)).difference(allowed))


def _put(
    unit: Unit,
    approval: Approval,
    round_: int | str,
    *,
    alike: str | None = None,
    after: timedelta = AT_ONCE,
    barred: Sequence[str] = (),
    thread_of: str | None = None,
) -> None:
    outbox.put_card(
        unit,
        approval_id=approval.id,
        version=approval.version,
        channel=approval.policy.channel,
        urgency=_URGENCY[approval.request.urgency] * 2 + (approval.policy.severity == "high"),
        round_=round_,
        risk=risk_class(approval) if approval.pending and approval.again is None else None,
        alike=alike,
        after=after,
        barred=barred,
        thread_of=thread_of,
    )
