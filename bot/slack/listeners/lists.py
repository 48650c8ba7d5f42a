"""`/sayso queue`, `mine` and `show`: what waits, mine first, each row with what can be done about it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from bot.render.labels import Names, outcome_line, person, when
from bot.render.message import Message, summary
from bot.render.queues import ROWS, Section, lists
from bot.render.visible_text import escape
from bot.service import authorization
from bot.service import stats as told
from bot.slack import links
from bot.slack.listeners.desk import Body, Desk
from policies.approval import Approval
from policies.permissions import Actor
from store import approvals
from store import stats as counted
from store.unit import Unit

log = logging.getLogger("sayso.lists")
MOST_LISTED = 500
QUEUE = "queue"  # begins the ids of the blocks of everybody's list


async def queue(desk: Desk, actor: Actor, rest: str) -> Message | str:
    """What waits for me, then what waits for others."""
    return await _waiting(desk, actor, None, "Nothing is waiting.")


async def mine(desk: Desk, actor: Actor, rest: str) -> Message | str:
    """What waits for me."""
    return await _waiting(desk, actor, actor.user, "Nothing is waiting for you.")


async def _waiting(desk: Desk, actor: Actor, assignee: str | None, nothing: str) -> Message | str:
    authorization.require_genuine(actor)

    def look(unit: Unit) -> tuple[counted.Waiting, list[Approval], list[Approval]]:
        own = approvals.pending(unit, assignee=actor.user, limit=MOST_LISTED)
        everything = own if assignee else approvals.pending(unit, limit=MOST_LISTED)
        ids = {found.id for found in own}
        return counted.waiting(unit, assignee), own, [found for found in everything if found.id not in ids]

    load, own, others = await desk.call(desk.runtime.world.database.read, look)
    if not own and not others:
        return nothing
    shown = [*own, *others][:ROWS]
    found = await links.to_cards(desk.runtime, shown)
    # Each sentence is read for what it hides: not where every tap waits.
    name = "mine" if assignee else f"{QUEUE}-mine"
    sections = [
        Section(name, f"Waiting for you ({len(own)})", own, mine=True),
        Section(f"{QUEUE}-others", f"Waiting for others ({len(others)})", others),
    ]
    return await desk.call(_drawn, told.load(load), sections, found, desk.runtime.world.directory.name)


def _drawn(load: str, sections: Sequence[Section], found: dict[str, str], names: Names) -> Message:
    return lists(load, [section for section in sections if section.approvals], found, names)


async def again(desk: Desk, actor: Actor, body: Body) -> None:
    """Draw a list anew in its place, after something on it was decided; Slack says on which block the tap was, no more."""
    tapped = [str(action.get("block_id", "")) for action in body.get("actions") or [] if isinstance(action, dict)]
    message = await (queue if any(f"-{QUEUE}-" in name for name in tapped) else mine)(desk, actor, "")
    address = str(body.get("response_url") or "")
    text, drawn = (message, []) if isinstance(message, str) else (message.text, message.blocks)
    if not await desk.runtime.slack.respond(address, text, drawn):
        log.info("the list of %s was not drawn anew", actor.user)


def is_list(body: Body) -> bool:
    """Whether a tap was on such a list: an answer that only one person sees."""
    return bool((body.get("container") or {}).get("is_ephemeral"))


async def show(desk: Desk, actor: Actor, rest: str) -> str:
    """One request, by its id."""
    approval = await desk.call(authorization.read, desk.runtime.world, rest.strip("`"), actor)
    names = desk.runtime.world.directory.name
    if approval.pending:
        return _line(approval, names)
    return f"• {escape(summary(approval))} · {outcome_line(approval, names=names)} · `{approval.id}`"


def _line(approval: Approval, names: Names) -> str:
    due = approval.clock.due_at or approval.clock.expires_at
    whose = f" · {person(approval.assignee, names)}" if approval.assignee else ""
    until = f" · due {when(due)}" if due else ""
    return f"• {escape(summary(approval))}{whose}{until} · `{approval.id}`"
