"""Take over: a person does it by hand, and the agent only reads from then on (docs/rules.md: C4)."""

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
    """First where only a person may do it."""
    return seen.press("take_over", "Take over", "primary" if seen.by_hand else None) if seen.pending else None


def _form(approval: Approval, where: Where) -> View:
    parts = [
        *modals.lead(approval),
        line(Mrkdwn("You do it by hand. Until you hand it back, the agent can only read.")),
        modals.note("Note", "The agent and your colleagues read this."),
    ]
    return modal(ACT.modal, "Take over", parts, submit="Take over", private=modals.about(approval, where))


def _run(world: World, press: Press, said: None) -> Approval:
    return decide.take_over(world, press.tap)


ACT = Act("take_over", Offer(_button, behind=True), _form, written, _run)
