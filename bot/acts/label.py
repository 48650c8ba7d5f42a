"""How did it turn out? Whoever may decide it, and admins, say so of what ran, from its details (docs/rules.md: F2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bot.acts.act import Act, Look, Press, Tell
from bot.render import forms, modals
from bot.render.blocks import Button, Option
from bot.render.buttons import button_value
from bot.render.edited_values import value_of
from bot.render.message import summary
from bot.render.modal_parts import AnyPart, Input, View, modal, press
from bot.render.modals import Where
from bot.render.visible_text import escape
from bot.service import labelling
from bot.service.context import World
from policies.approval import Approval

SAID: Final = {"correct": "It was right", "incident": "It was an incident", "reverted": "It was taken back"}


@dataclass(frozen=True, slots=True)
class _Said:
    """What the form says."""

    word: str
    note: str | None


def asking(approval: Approval) -> list[AnyPart]:
    """The button in the details."""
    return [press("label", [Button(ACT.verb, "How did it turn out?", button_value(approval))])]


def _form(approval: Approval, where: Where) -> View:
    options = [Option(value, label) for value, label in SAID.items()]
    word = Input("label", "How did it turn out?", "static_select", options=options, placeholder="Pick one")
    note = modals.note(
        "Why?", "Kept with your name. An incident needs it, and whoever said yes is told, without blame."
    )
    parts = [*modals.lead(approval), word, note]
    return modal(ACT.modal, "How it turned out", parts, submit="Keep", private=modals.about(approval, where))


def _read(state: forms.State, look: Look) -> _Said:
    word = value_of(state, "label")
    if word not in SAID:
        raise forms.FormErrors({"label": "Pick one."})
    return _Said(
        word,
        forms.needed(state, "note", "Say what went wrong.") if word == "incident" else forms.text_of(state, "note"),
    )


def _run(world: World, press: Press, said: _Said) -> Tell:
    return Tell(kept(labelling.label_by_person(world, replace(press.tap, note=said.note), said.word), said.word))


def kept(approval: Approval, word: str) -> str:
    """What whoever said it reads."""
    return f"Kept as *{word}*: {escape(summary(approval))}"


ACT: Act[_Said] = Act(
    "label",
    None,
    _form,
    _read,
    _run,
    may_open=labelling.load_to_label,
    asked_about=labelling.load_to_label,
    once=True,
)
