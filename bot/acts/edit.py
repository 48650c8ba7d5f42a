"""Edit: a yes to other parameters, typed by the action's schema."""

from __future__ import annotations

from typing import Any

from bot.acts.act import Act, Look, Press, may_open, may_say_yes
from bot.render import forms, modals
from bot.render.blocks import Button, Option
from bot.render.buttons import Offer, Seen
from bot.render.cards import needs_full_view
from bot.render.editing import Field, editable, for_another
from bot.render.modal_parts import AnyPart, Input, View, code, line, modal
from bot.render.modals import Where
from bot.render.visible_text import Mrkdwn, Shown, clip, fill, visible
from bot.service import decide
from bot.service.context import World
from policies.approval import Approval
from policies.kinds import Kind
from policies.sentences import usd

SUBMIT = "Approve with changes"


def _button(seen: Seen) -> Button | None:
    return seen.press("edit", "Edit") if seen.asks(Kind.CONFIRM) else None


def _form(approval: Approval, where: Where) -> View:
    """The parameters as typed inputs; what cannot be edited here stays as it is.

    Where the card could not show everything, the full view comes first.
    """
    fields = editable(approval)
    replied = where.change.label if where.change else None
    fixed = [f"{found.label}: {found.fixed}" for found in fields if found.fixed is not None and found.label != replied]
    inputs = [item for found in fields for item in _inputs(found)]
    confirmed = [line(Mrkdwn("Another person has to confirm your changes."))]
    ending: list[AnyPart] = [*(confirmed if inputs and for_another(fields) else []), *inputs]
    if where.change is None:
        ending += _by_reply(fields, where)
    else:
        label = clip(visible(where.change.label, exact=True), 100)
        ending.append(line(fill("✏️ Your reply changes *{label}*, as shown at the beginning.", label=label)))
    if fixed:
        ending.append(code(clip(Shown("\n".join(fixed)), 2800), f"Unchanged ({len(fixed)})"))
    if approval.policy and approval.policy.confirm_amount_above_usd is not None:
        above = usd(approval.policy.confirm_amount_above_usd)
        hint = f"Only needed above {above}: type the amount again."
        ending.append(Input("amount", "Confirm the amount", optional=True, hint=hint, most_chars=40))
    ending.append(modals.note("Note for the agent", "The agent is told what changed and why."))
    if needs_full_view(approval) or where.change is not None:
        return modals.in_pages("Edit", approval, ending, where, name=ACT.modal, submit=SUBMIT)
    parts = [*modals.lead(approval), *ending]
    return modal(ACT.modal, "Edit", parts, submit=SUBMIT, private=modals.about(approval, where))


def _by_reply(fields: list[Field], where: Where) -> list[AnyPart]:
    """How to change what no form holds; a conversation with one person has no thread that is heard."""
    names = [found.name for found in fields if found.by_reply]
    if not names or where.channel.startswith("D"):
        return []
    words = "✏️ Too long for a form: {names}. Reply in the thread of the card with *edit {first}* on the first line and "
    words += "the whole new text under it, in one message. You see what changes before it counts."
    told = clip(visible(", ".join(names), exact=True), 300)
    return [line(fill(words, names=told, first=clip(visible(names[0], exact=True), 100)))]


def _inputs(found: Field) -> list[Input]:
    """The inputs of one parameter: several for a long text, none where it stays as it is."""
    if found.fixed is not None:
        return []
    if found.parts:
        return [
            Input(
                part.block_id,
                Shown(f"{visible(found.label)} (part {at} of {len(found.parts)})"),
                "text",
                "edit_value",
                part.frame.shown,
                optional=True,
                multiline=True,
                hint=found.hint,
            )
            for at, part in enumerate(found.parts, 1)
        ]
    return [
        Input(
            found.block_id,
            found.label,
            found.element,
            "edit_value",
            found.initial,
            optional=found.optional,
            multiline=found.multiline,
            hint=found.hint,
            decimal=found.decimal,
            options=[Option(option.key, option.label, option.detail) for option in found.offered],
        )
    ]


def _read(state: forms.State, look: Look) -> dict[str, Any]:
    return forms.read_edit(look(), state)


def _run(world: World, press: Press, params: dict[str, Any]) -> Approval:
    return decide.edit(world, press.tap, params)


ACT = Act("edit", Offer(_button), _form, _read, _run, may_open=may_say_yes, asked_about=may_open, words=True)
