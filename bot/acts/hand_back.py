"""Hand back: what was done by hand, and how things stand now."""

from __future__ import annotations

from dataclasses import replace

from bot.acts.act import Act, Look, Press
from bot.render import forms, modals
from bot.render.blocks import Button
from bot.render.buttons import Offer, Seen
from bot.render.modal_parts import Input, View, modal
from bot.render.modals import Where
from bot.service import decide
from bot.service.context import World
from policies.approval import Approval
from policies.lifecycle import State

Done = tuple[list[str], str | None]


def _button(seen: Seen) -> Button | None:
    taken = seen.approval.state is State.TAKEN_OVER
    return seen.press("hand_back", "Hand back", "primary") if taken else None


def _form(approval: Approval, where: Where) -> View:
    parts = [
        *modals.lead(approval),
        Input("steps", "What you did", multiline=True, hint="One step per line. The agent does not repeat these."),
        Input("state", "How things stand now", optional=True, multiline=True),
    ]
    return modal(ACT.modal, "Hand back", parts, submit="Hand back", private=modals.about(approval, where))


def _read(state: forms.State, look: Look) -> Done:
    """The steps done by hand, one a line, and how things stand now."""
    steps = [step.strip() for step in forms.needed(state, "steps", "Say what you did, one step per line.").splitlines()]
    return [step for step in steps if step], forms.text_of(state, "state")


def _run(world: World, press: Press, done: Done) -> Approval:
    steps, state = done
    return decide.hand_back(world, replace(press.tap, note=state), steps)


ACT = Act("hand_back", Offer(_button), _form, _read, _run)
