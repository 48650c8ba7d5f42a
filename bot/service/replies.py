"""A reply in a card's thread stands for a text that no form holds, and counts as an edit once its writer confirms it (docs/rules.md: C1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.service.authorization import Tap
from bot.service.context import World
from policies.approval import Approval
from policies.digest import fingerprint
from policies.errors import SaysoError
from policies.frozen_values import replace
from store import approvals, replies


class ReplyGone(SaysoError):
    """That reply no longer counts: it was discarded, replaced by a newer one or is too old. Reply in the thread again."""


def waiting_in(world: World, channel: str, ts: str) -> list[Approval]:
    """The approvals that wait in this thread of Slack's."""

    def look(unit: Any) -> Sequence[Approval]:
        ids = replies.waiting_in_thread(unit, channel, ts)
        found = approvals.several(unit, ids)
        return [found[one] for one in ids if one in found]

    return list(world.database.read(look))


def kept(world: World, tap: Tap, name: str, value: Any, *, seen: Approval, source: str) -> str | None:
    """The key under which this is confirmed; None where the same message was read already."""
    made = world.database.run(
        lambda unit: replies.keep_reply(unit, seen, name, value, by=tap.actor.user, source=source)
    )
    return f"{made.id}.{_seal(name, value)}" if made else None


def proposed(world: World, tap: Tap, key: str, approval: Approval) -> tuple[str, Approval]:
    """(the parameter, the approval as it would be) by what this very person wrote and was shown. Raises ReplyGone.

    The approval keeps its digest and version: what was decided or changed since makes the edit fail as any other.
    """
    reply_id, _, seal = key.partition(".")
    found = world.database.read(lambda unit: replies.reply(unit, reply_id))
    if found is None or found.by != tap.actor.user or _seal(found.name, found.value) != seal:
        raise ReplyGone()
    if (found.approval_id, found.digest) != (approval.id, tap.digest):
        raise ReplyGone()
    return found.name, replace(approval, params={**approval.params, found.name: found.value})


def discarded(world: World, tap: Tap, key: str) -> None:
    """Drop it; raises ReplyGone where there is nothing of this person's."""
    if not world.database.run(lambda unit: replies.forget_reply(unit, key.partition(".")[0], tap.actor.user)):
        raise ReplyGone()


def _seal(name: str, value: Any) -> str:
    return fingerprint([name, value])[:32]
