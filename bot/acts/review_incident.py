"""Incident: a reviewer after the fact says what went wrong with something that ran without asking (docs/rules.md: F2)."""

from __future__ import annotations

from dataclasses import replace

from bot.acts.act import Act, Look, Press
from bot.render import forms, modals
from bot.render.modal_parts import Input, View, modal
from bot.render.modals import Where
from bot.service import review
from bot.service.context import World
from policies.approval import Approval


def _form(approval: Approval, where: Where) -> View:
    hint = "Recorded against this action, and used in later suggestions for the manifest."
    parts = [*modals.lead(approval), Input("note", "What went wrong?", multiline=True, hint=hint)]
    return modal(ACT.modal, "Incident", parts, submit="Incident", private=modals.about(approval, where))


def _read(state: forms.State, look: Look) -> str:
    return forms.needed(state, "note", "Say what went wrong.")


def _run(world: World, press: Press, note: str) -> Approval:
    return review.judge(world, replace(press.tap, note=note), "incident")


ACT = Act("review_incident", None, _form, _read, _run, may_open=review.load_to_review)
