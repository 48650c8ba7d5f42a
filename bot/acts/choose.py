"""Choose: a yes with one of the candidates, on the card where they are few and short, else in a form."""

from __future__ import annotations

from functools import partial

from bot.acts.act import Act, Look, Open, Press, may_say_yes
from bot.render import forms, modals
from bot.render.blocks import OPTION, Button, Confirm, size
from bot.render.buttons import SENTENCE_IN_DIALOG, Choices, Offer, Offers, Seen, Select, is_final
from bot.render.cards import approval_card
from bot.render.edited_values import value_of
from bot.render.modal_parts import Input, View
from bot.render.modals import Where
from bot.render.options import choice_options
from bot.render.redaction import redactor_of
from bot.render.visible_text import Shown, clip, utf16, visible
from bot.service import decide
from bot.service.context import World
from policies.approval import Approval
from policies.kinds import Kind

CHOICE_BUTTONS = 5
CHOICE_LABEL = 40  # characters of a label that still reads well on a button
CHOOSE_BYTES = 2600  # of buttons or options on the card; more open a modal
RADIO = 10
# A choice is a yes to the action, and the control that sends it says so (at most 24 characters).
WITH_CHOICE = "Approve with this choice"


def _button(seen: Seen) -> Choices | None:
    """Buttons where they are few and short, a menu where it fits, else a button that opens all of them."""
    if not seen.asks(Kind.CHOOSE):
        return None
    options = choice_options(seen.approval, seen.redact)
    longest = max(utf16(visible(seen.redact(choice.label))) for choice in seen.approval.request.choices or [])
    opens_all = Choices([seen.press("choose", "Choose & approve…", "primary")])
    if seen.full_view or longest > OPTION:
        return opens_all
    final = is_final(seen.approval)
    dialog = Confirm("This cannot be undone" if final else "Approve with this choice?", seen.sentence, WITH_CHOICE)
    if len(options) <= CHOICE_BUTTONS and longest <= CHOICE_LABEL:
        ask = dialog if final else None
        buttons = [
            seen.press(f"choose:{item.value}", Shown(f"Approve with: {visible(item.label)}"), None, ask)
            for item in options
        ]
        if sum(map(_button_bytes, buttons)) <= CHOOSE_BYTES:
            return Choices(buttons)
    if sum(size([item.value, item.label]) + 90 for item in options) <= CHOOSE_BYTES:
        return Choices([], Select(options, dialog))
    return opens_all


def _button_bytes(item: Button) -> int:
    """An upper bound of a button's JSON."""
    texts = [item.action, item.label, item.value]
    if item.confirm:
        texts += [item.confirm.title, clip(visible(item.confirm.text), SENTENCE_IN_DIALOG)]
    return size(texts) + (420 if item.confirm else 160)


def _form(approval: Approval, where: Where) -> View:
    """The full view with all candidates, then one to pick."""
    options = choice_options(approval, redactor_of(approval))
    kind = "radio_buttons" if len(options) <= RADIO else "static_select"
    ending = [
        *modals.approves(approval, "a choice"),
        Input("choose", "Your choice", kind, options=options),
        *modals.amount_input(approval),
        modals.note("Note for the agent"),
    ]
    return modals.in_pages("Choose & approve", approval, ending, where, name=ACT.modal, submit=WITH_CHOICE)


def _read(state: forms.State, look: Look) -> str:
    """The candidate that was picked; raises FormErrors where none was, or an amount was not typed."""
    approval = look()
    found = value_of(state, "choose")
    if found is None:
        raise forms.FormErrors({"choose": "Pick one."})
    forms.require_amount(approval, approval.params, state)
    return found


def _run(world: World, press: Press, choice: str) -> Approval:
    return decide.choose(world, press.tap, choice)


def _at_once(world: World, press: Press) -> Approval | Open:
    """A candidate on the card decides; the button that names none opens the form."""
    if not press.word:
        return Open(_form(may_say_yes(world, press.tap), press.where))
    return decide.choose(world, press.tap, press.word, seen_enough=partial(chosen_on_card, offers=press.where.offers))


def chosen_on_card(approval: Approval, offers: Offers) -> bool:
    """Whether the card itself offers the candidates: it shows all of the request, the question and every candidate."""
    pressed = (element for item in approval_card(approval, offers).blocks for element in item.get("elements", ()))
    return any(
        str(element.get("action_id", "")).startswith("choose:") or element.get("type") == "static_select"
        for element in pressed
    )


ACT = Act("choose", Offer(_button), _form, _read, _run, _at_once, may_open=may_say_yes, words=True, once=True)
