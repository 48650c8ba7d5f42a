"""Who looks again once an approval has moved on."""

from __future__ import annotations

from bot.service.context import World
from policies.approval import Approval


def wake(world: World, approval: Approval) -> None:
    """After the commit: whoever waits for it, the courier, and the sweep's alarm."""
    world.signals.approval_changed(approval.id)
    world.signals.outbox_filled()
    if approval.clock.wake_at:
        world.signals.deadline_set(approval.clock.wake_at)
