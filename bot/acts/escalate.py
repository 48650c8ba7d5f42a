"""Escalate: pass it on to the next role."""

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


def _button(seen: Seen) -> Button | None:
    return seen.press("escalate", "Escalate") if seen.pending else None


def _form(approval: Approval, where: Where) -> View:
    hint = "The next reviewer reads this."
    parts = [*modals.lead(approval), Input("reason", "Why pass it on?", optional=True, multiline=True, hint=hint)]
    return modal(ACT.modal, "Escalate", parts, submit="Escalate", private=modals.about(approval, where))


def _read(state: forms.State, look: Look) -> str | None:
    return forms.text_of(state, "reason")


def _run(world: World, press: Press, reason: str | None) -> Approval:
    return decide.escalate(world, replace(press.tap, note=reason))


ACT = Act("escalate", Offer(_button, behind=True), _form, _read, _run, once=True)
