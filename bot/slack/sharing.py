"""Which waiting cards share a message: one that is in Slack already, a new one with their like, a digest of a burst (docs/rules.md: D4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.render import cards
from policies.approval import Approval
from policies.batching import alike
from policies.messages import CardFacts, Sharing
from store import approvals, batches, outbox
from store.batches import Member, Open
from store.outbox import Item
from store.unit import Unit

BUSY_SECONDS = 0.5  # until a card looks again whether the message it could join has been sent


def joined(unit: Unit, item: Item) -> bool:
    """Whether the leased post `item` needs none: it is on a message of its like now, or waits for one that is being sent."""
    if not _sharing(item) or item.alike is None:
        return False
    found = batches.open_like(unit, item)
    if found is None:
        return False
    if found.busy:
        outbox.wait(unit, item, unit.now + timedelta(seconds=BUSY_SECONDS))
        return True
    return _widened(unit, item, found) if found.approval_id is not None else _taken_in(unit, item, found)


def group(unit: Unit, item: Item, *, crowded: bool) -> Item:
    """The leased post `item`, or the screen that it now shares: with its like, or in a crowd with all of its risk.

    What may have been posted already stays as it is.
    """
    if not _sharing(item) or item.risk is None:
        return item
    like, known = _like(unit, item)
    if len(like) > 1:
        asked = _asked(like, known)
        more = cards.is_batch([known[member.approval_id] for member in like], further=1)
        return batches.form(unit, item, like, Sharing.BATCH, asked=asked, more=more)
    if not crowded:
        return item
    found = batches.waiting_beside(unit, item, cards.DIGEST)
    return batches.form(unit, item, found, Sharing.DIGEST) if len(found) > 1 else item


def _sharing(item: Item) -> bool:
    return item.live and not (item.screen or item.posted or item.unsure)


def _widened(unit: Unit, item: Item, lone: Open) -> bool:
    """Whether the card of one request became a batch of two."""
    assert lone.approval_id is not None
    assert item.approval_id is not None
    known = approvals.several(unit, [lone.approval_id, item.approval_id])
    first, second = known[lone.approval_id], known[item.approval_id]
    asked = _told(first)
    if alike(first) != item.alike or not _welcome(item, asked) or not _fit([first, second]):
        return False
    batches.widen(unit, lone, item, asked=asked)
    return True


def _taken_in(unit: Unit, item: Item, screen: Open) -> bool:
    """Whether the batch takes one more: something on it waits, somebody it asks may decide it, and there is room."""
    on_it = batches.members(unit, screen.id)
    known = approvals.several(unit, [*(member.approval_id for member in on_it), str(item.approval_id)])
    new = known.pop(str(item.approval_id))
    present = [known[member.approval_id] for member in on_it]
    waits = any(cards.batchable(approval) for approval in present)
    if not waits or not _welcome(item, screen.asked) or not cards.batchable(new) or not cards.is_batch([*present, new]):
        return False
    batches.join(unit, screen.id, item)
    if not cards.is_batch([*present, new], further=1):
        batches.shut(unit, screen.id)
    return True


def _welcome(item: Item, asked: Sequence[str]) -> bool:
    """Whether it is no request that all who were notified of the message are barred from deciding."""
    barred = item.told.barred if isinstance(item.told, CardFacts) else ()
    return not asked or not set(asked) <= set(barred)


def _fit(found: Sequence[Approval]) -> bool:
    return all(map(cards.batchable, found)) and cards.is_batch(found)


def _like(unit: Unit, item: Item) -> tuple[list[Member], Mapping[str, Approval]]:
    """Those that may be decided together with `item`, itself included, as many as fit; none where it may not."""
    if item.alike is None:
        return [], {}
    found = batches.like(unit, item, cards.MOST)
    known = approvals.several(unit, [member.approval_id for member in found])
    taken: list[Member] = []
    for member in found:
        if _fit([known[one.approval_id] for one in (*taken, member)]):
            taken.append(member)
        elif member.id == item.id:
            return [], {}
    return taken, known


def _asked(members: Sequence[Member], known: Mapping[str, Approval]) -> list[str]:
    """Whom a new batch mentions: who is asked first, and others only for what those may not decide."""
    asked: list[str] = []
    for member in members:
        if not asked or set(asked) <= set(member.barred):
            asked += [user for user in _told(known[member.approval_id]) if user not in asked]
    return asked


def _told(approval: Approval) -> list[str]:
    return [approval.assignee] if approval.assignee and not approval.hushed else []
