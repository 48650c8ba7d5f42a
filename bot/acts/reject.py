"""Reject: no, with a reason that the agent is told (docs/rules.md: B6)."""

from __future__ import annotations

from dataclasses import replace

from bot.acts.act import Act, Look, Press
from bot.render import forms, modals
from bot.render.blocks import Button
from bot.render.buttons import Offer, Seen
from bot.render.modal_parts import View, modal
from bot.render.modals import Where
from bot.service import decide
from bot.service.context import World
from policies.approval import Approval


def _button(seen: Seen) -> Button | None:
    return seen.press("reject", "Reject", "danger") if seen.pending else None


def _form(approval: Approval, where: Where) -> View:
    """Why not: a common reason, words, or both."""
    parts = [*modals.lead(approval), *modals.why_not()]
    return modal(ACT.modal, "Reject", parts, submit="Reject", private=modals.about(approval, where))


def _read(state: forms.State, look: Look) -> str:
    return forms.read_why_not(state)


def _run(world: World, press: Press, reason: str) -> Approval:
    return decide.reject(world, replace(press.tap, note=reason))


ACT = Act("reject", Offer(_button), _form, _read, _run)
