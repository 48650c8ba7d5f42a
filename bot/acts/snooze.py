"""Snooze: another half hour before somebody else is asked."""

from __future__ import annotations

from bot.acts.act import Act, Press, written
from bot.render import modals
from bot.render.blocks import Button
from bot.render.buttons import Offer, Seen
from bot.render.modal_parts import View, line, modal
from bot.render.modals import Where
from bot.render.visible_text import Mrkdwn
from bot.service import decide
from bot.service.context import World
from policies.approval import Approval


def _button(seen: Seen) -> Button | None:
    return seen.press("snooze", "Snooze") if seen.pending and seen.approval.clock.due_at else None


def _form(approval: Approval, where: Where) -> View:
    told = line(Mrkdwn("Nobody else is asked for another half hour. The request still expires when it would have."))
    parts = [*modals.lead(approval), told, modals.note("Why?", "Your colleagues read this.")]
    return modal(ACT.modal, "Snooze", parts, submit="Snooze", private=modals.about(approval, where))


def _run(world: World, press: Press, said: None) -> Approval:
    return decide.snooze(world, press.tap)


ACT = Act("snooze", Offer(_button, row=2), _form, written, _run)
