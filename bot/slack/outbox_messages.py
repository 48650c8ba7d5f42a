"""What an outbox item looks like now: its approvals as the database has them, drawn when it is sent (docs/rules.md: I4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.acts.registry import approval_card
from bot.render import cards
from bot.render import standing as counting
from bot.render.held import Held, on_card
from bot.render.labels import Names, nobody
from bot.render.message import Message, Sent
from bot.render.notices import alert, notice
from bot.render.reviews import review_card
from bot.render.weekly import own_figures, weekly_post
from policies.approval import Approval
from policies.memory import Memory
from policies.messages import (
    AlertFacts,
    CardFacts,
    MorningFacts,
    Notice,
    NoticeFacts,
    OwnFiguresFacts,
    ReviewFacts,
    SharedFacts,
    Sharing,
    StandingFacts,
    WeeklyFacts,
)
from policies.routing import RouteName
from policies.standing import Standing
from store import approvals, batches, memory, sessions, standings
from store.outbox import Item
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Scene:
    """What an item shows: one approval, several, or none; `moved` are those that went on to a card of their own, `now` is when it
    was read, `held` is what keeps the one approval from running, `memory` what is remembered of requests like it."""

    approvals: tuple[Approval, ...]
    moved: dict[str, str | None]
    now: datetime | None = None
    standing: Standing | None = None
    held: Held | None = None
    memory: Memory | None = None

    @property
    def one(self) -> Approval | None:
        """The approval that stands for it: the first that still waits here, else the first of all."""
        waiting = (found for found in self.approvals if found.pending and found.id not in self.moved)
        return next(waiting, self.approvals[0] if self.approvals else None)


def scene(unit: Unit, item: Item) -> Scene:
    """The approvals behind an item, as they are."""
    if item.screen:
        members = batches.members(unit, item.id)
        found = approvals.several(unit, [member.approval_id for member in members])
        moved = {member.approval_id: member.moved_to for member in members if member.moved}
        return Scene(tuple(found[member.approval_id] for member in members), moved, unit.now)
    told = item.told
    if isinstance(told, MorningFacts):
        listed = approvals.several(unit, told.ids)
        return Scene(tuple(listed[approval_id] for approval_id in told.ids), {}, unit.now)
    approval = approvals.load(unit, item.approval_id) if item.approval_id is not None else None
    if approval is not None and isinstance(told, StandingFacts):
        uses = standings.let_run(unit, told.standing, counting.LATELY)
        return Scene((approval, *uses), {}, unit.now, standings.get(unit, told.standing))
    if approval is not None and isinstance(told, NoticeFacts) and told.notice is Notice.TAKEOVER:
        approval = approvals.with_checkpoint(unit, approval)
    held = _held(unit, approval) if item.card else None
    waits = item.card and approval is not None and approval.pending
    known = memory.remembered(unit, approval) if waits and approval is not None else None
    return Scene((approval,) if approval else (), {}, unit.now, held=held, memory=known)


def _held(unit: Unit, approval: Approval | None) -> Held | None:
    """Who holds what waits or may run: everything is stopped, or its session is paused."""
    if approval is None or not (approval.pending or approval.granted):
        return None
    if (by := sessions.stopped_by(unit)) is not None:
        return Held(by)
    session_id = approval.request.session_id
    session = sessions.get(unit, approval.agent_id, session_id) if session_id else None
    return Held(session.by, session=True) if session and session.by and session.state == "paused" else None


def drawn(item: Item, shown: Scene, link: str | None = None, names: Names = nobody) -> Message:
    """The message, with the metadata by which it is found again; `link` leads to the card it is about, `names` are what those
    who decided are called."""
    match item.told:
        case SharedFacts(Sharing.BATCH, asked):
            return cards.batch_card(shown.approvals, shown.moved, asked, names)
        case SharedFacts():
            return cards.digest_card(shown.approvals, shown.moved, names)
        case MorningFacts(_, total):
            return cards.queue_message(shown.approvals, title="Good morning, this waits for you", total=total)
        case WeeklyFacts() as told:
            return weekly_post(told)
        case OwnFiguresFacts() as told:
            return own_figures(told)
        case AlertFacts(title, text, over):
            return alert(title, text, link=link, over=over)
    if shown.one is None:
        raise ValueError(f"message {item.id} has no approval to show")
    return _of_one(item, shown, shown.one, link, Sent(shown.now, names, shown.memory))


def _of_one(item: Item, shown: Scene, approval: Approval, link: str | None, sent: Sent) -> Message:
    match item.told:
        case StandingFacts(_, by) if shown.standing is not None:
            return counting.counting_message(shown.standing, approval, shown.approvals[1:], by, sent.names)
        case NoticeFacts(kind, said):
            return notice(kind, approval, link=link, said=said, sent=sent)
        case ReviewFacts(number):
            return review_card(approval, number)
        case CardFacts(moved_to):
            return _card(item, shown, approval, moved_to, link, sent)
    raise ValueError(f"message {item.id} shows a standing approval that is gone")


def _card(item: Item, shown: Scene, approval: Approval, moved_to: str | None, link: str | None, sent: Sent) -> Message:
    undo_until = approval.clock.undo_until if item.live else None
    if approval.route is RouteName.AUTO:
        return notice(Notice.DONE, approval, undo_until=undo_until, sent=sent)
    card = approval_card(approval, face=item.face, moved_to=moved_to, undo_until=undo_until, link=link, sent=sent)
    return on_card(card, shown.held if item.live else None, sent.names)


def revision(item: Item, shown: Scene) -> int:
    """Which revision this draws: a single card's is its approval's version."""
    own = item.card and not item.screen and shown.one is not None
    return shown.one.version if own and shown.one else item.wanted


def metadata(item: Item, message: Message) -> dict[str, Any]:
    """By what a message is found again: its approvals, or a notice's own key."""
    if item.card:
        return message.metadata
    return {"event_type": "sayso_notice", "event_payload": {"key": item.dedupe_key}}
