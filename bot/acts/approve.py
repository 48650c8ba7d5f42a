"""Approve: a yes at one tap where the card shows everything, else after the full view."""

from __future__ import annotations

from dataclasses import replace

from bot.acts.act import Act, Look, Press
from bot.render import forms, modals
from bot.render.blocks import Button, Confirm
from bot.render.buttons import Offer, Seen, is_final
from bot.render.cards import needs_full_view
from bot.render.modal_parts import View
from bot.render.modals import Where
from bot.service import decide
from bot.service.context import World
from policies.approval import Approval
from policies.hidden import hidden_of
from policies.kinds import Kind


def _button(seen: Seen) -> Button | None:
    if not seen.asks(Kind.CONFIRM):
        return None
    asks_once_more = is_final(seen.approval) and not seen.full_view
    dialog = Confirm("This cannot be undone", seen.sentence, "Approve") if asks_once_more else None
    opens = seen.full_view or hidden_of(seen.approval).by_pattern
    return seen.press("approve", "Review & approve" if opens else "Approve", "primary", dialog)


def _form(approval: Approval, where: Where) -> View:
    """The full view, then Approve; a large amount has to be typed."""
    ending = [*modals.amount_input(approval), modals.note("Note for the agent")]
    return modals.in_pages("Review & approve", approval, ending, where, name=ACT.modal, submit="Approve")


def _read(state: forms.State, look: Look) -> str | None:
    approval = look()
    forms.require_amount(approval, approval.params, state)
    return forms.text_of(state, "note")


def _run(world: World, press: Press, note: str | None) -> Approval:
    return decide.approve(world, replace(press.tap, note=note))


def _at_once(world: World, press: Press) -> Approval:
    return decide.approve(world, press.tap, seen_enough=_fits_on_card)


def _fits_on_card(approval: Approval) -> bool:
    return not needs_full_view(approval)


ACT = Act("approve", Offer(_button), _form, _read, _run, _at_once)
