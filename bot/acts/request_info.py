"""Ask the agent: a question, while the clock stands still (docs/rules.md: C1)."""

from __future__ import annotations

from bot.acts.act import Act, Look, Press
from bot.render import forms, modals
from bot.render.blocks import Button
from bot.render.buttons import Offer, Seen
from bot.render.modal_parts import Input, View, modal
from bot.render.modals import Where
from bot.service import decide
from bot.service.context import World
from policies.approval import Approval


def _button(seen: Seen) -> Button | None:
    """One question at a time."""
    asks = seen.pending and not seen.approval.info_request
    return seen.press("request_info", "Ask the agent") if asks else None


def _form(approval: Approval, where: Where) -> View:
    hint = "The deadline is paused until the agent answers."
    parts = [*modals.lead(approval), Input("question", "What do you need to know?", multiline=True, hint=hint)]
    return modal(ACT.modal, "Ask the agent", parts, submit="Ask", private=modals.about(approval, where))


def _read(state: forms.State, look: Look) -> str:
    return forms.needed(state, "question")


def _run(world: World, press: Press, question: str) -> Approval:
    return decide.request_info(world, press.tap, question)


ACT = Act("request_info", Offer(_button, behind=True), _form, _read, _run, once=True)
