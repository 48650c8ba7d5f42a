"""Pause, resume or cancel the agent's run, from the details of one of its requests (docs/rules.md: C3)."""

from __future__ import annotations

from functools import partial
from typing import Final

from bot.acts.act import Act, Press
from bot.render.blocks import Button, Confirm
from bot.render.buttons import button_value
from bot.render.labels import mention
from bot.render.modal_parts import AnyPart, line, press
from bot.render.visible_text import clip, fill, visible
from bot.service import steer
from bot.service.context import World
from policies.approval import Approval

_OFFERED: Final = {"running": ("pause", "cancel"), "paused": ("resume", "cancel"), "cancelled": ()}


def steering(approval: Approval, state: str, by: str | None) -> list[AnyPart]:
    """Where the agent's run stands, and what can be done about it."""
    name = clip(visible(approval.request.session_id or ""), 200)
    said = fill("The agent's session *{name}* is {state}", name=name, state=state)
    if by:
        said = fill("{said} (set by {by})", said=said, by=mention(by))
    end = Confirm(
        "Cancel the session?", "The agent stops at its next step, and its open requests are withdrawn.", "Cancel it"
    )
    offered = {
        "pause": Button("session_pause", "Pause the session", button_value(approval)),
        "resume": Button("session_resume", "Resume the session", button_value(approval), "primary"),
        "cancel": Button("session_cancel", "Cancel the session", button_value(approval), "danger", end),
    }
    words = _OFFERED.get(state, ())
    return [line(said), *([press("session", [offered[word] for word in words])] if words else [])]


def _at_once(world: World, press: Press, word: str) -> Approval:
    return steer.steer_from_card(world, press.tap.actor, press.tap.approval_id, word)


ACTS: Final[tuple[Act[None], ...]] = tuple(
    Act(f"session_{word}", at_once=partial(_at_once, word=word), once=True) for word in steer.STATES
)
