"""Undo: within its window, a person asks for what was allowed to be taken back (docs/rules.md: A14)."""

from __future__ import annotations

from bot.acts.act import Act, Press, written
from bot.render import modals
from bot.render.blocks import Button
from bot.render.buttons import Offer, Seen
from bot.render.modal_parts import View, line, modal
from bot.render.modals import Where
from bot.render.visible_text import Mrkdwn
from bot.service import undo
from bot.service.context import World
from policies.approval import Approval


def _button(seen: Seen) -> Button | None:
    return seen.press("undo", "Undo") if seen.undo_until is not None else None


def _form(approval: Approval, where: Where) -> View:
    running = "The agent is asked to roll this back, and its report is shown here."
    waiting = "It has not run yet: this cancels it before it runs."
    told = line(Mrkdwn(waiting if approval.granted else running))
    parts = [*modals.lead(approval), told, modals.note("Why?", "The agent and your colleagues read this.")]
    return modal(ACT.modal, "Undo", parts, submit="Undo", private=modals.about(approval, where))


def _run(world: World, press: Press, said: None) -> Approval:
    return undo.undo(world, press.tap)


ACT = Act("undo", Offer(_button), _form, written, _run, may_open=undo.load_to_undo)
