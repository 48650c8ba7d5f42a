"""Edit: a yes to other parameters, typed by the action's schema."""

from __future__ import annotations

from typing import Any

from bot.acts.act import Act, Look, Press, may_open, may_say_yes
from bot.render import forms, modals
from bot.render.blocks import Button, Option
from bot.render.buttons import Offer, Seen
from bot.render.cards import needs_full_view
from bot.render.editing import Field, editable
from bot.render.modal_parts import AnyPart, Input, View, code, modal
from bot.render.modals import Where
from bot.render.visible_text import Shown, clip
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
    fixed = [f"{found.label}: {found.fixed}" for found in fields if found.fixed]
    ending: list[AnyPart] = [_input(found) for found in fields if not found.fixed]
    if fixed:
        ending.append(code(clip(Shown("\n".join(fixed)), 2800), f"Unchanged ({len(fixed)})"))
    if approval.policy and approval.policy.confirm_amount_above_usd is not None:
        above = usd(approval.policy.confirm_amount_above_usd)
        hint = f"Only needed above {above}: type the amount again."
        ending.append(Input("amount", "Confirm the amount", optional=True, hint=hint, most_chars=40))
    ending.append(modals.note("Note for the agent", "It is told what changed and why."))
    if needs_full_view(approval):
        return modals.in_pages("Edit", approval, ending, where, name=ACT.modal, submit=SUBMIT)
    parts = [*modals.lead(approval), *ending]
    return modal(ACT.modal, "Edit", parts, submit=SUBMIT, private=modals.about(approval, where))


def _input(found: Field) -> Input:
    options = [Option(str(index), label) for index, label in enumerate(found.labels)]
    return Input(
        found.block_id,
        found.label,
        found.kind,
        "edit_value",
        found.initial,
        optional=found.optional,
        multiline=found.multiline,
        hint=found.hint,
        decimal=found.decimal,
        options=options,
    )


def _read(state: forms.State, look: Look) -> dict[str, Any]:
    return forms.read_edit(look(), state)


def _run(world: World, press: Press, params: dict[str, Any]) -> Approval:
    return decide.edit(world, press.tap, params)


ACT = Act("edit", Offer(_button), _form, _read, _run, may_open=may_say_yes, asked_about=may_open)
