"""Show hidden: what a card hides, in plain, for one reviewer who may decide; that they looked is recorded."""

from __future__ import annotations

from dataclasses import replace

from bot.acts.act import Act, Press
from bot.acts.deciding import deciding
from bot.render import modals
from bot.render.blocks import VIEW_BLOCKS, Button
from bot.render.buttons import Offer, Seen, button_value
from bot.render.full_view import cost, sheets
from bot.render.hidden_values import in_plain
from bot.render.modal_parts import AnyPart, View, modal
from bot.render.modals import Where
from bot.service import disclosure
from bot.service.context import World
from policies.approval import Approval
from policies.hidden import hidden_of
from policies.lifecycle import State


def _button(seen: Seen) -> Button | None:
    return button(seen.approval) if seen.pending or seen.approval.state is State.TAKEN_OVER else None


def button(approval: Approval) -> Button | None:
    """Opens what the card hides, for those who may decide; None where nothing is hidden."""
    hides = hidden_of(approval).count
    return Button("show_hidden", "Show hidden", button_value(approval)) if hides else None


def _form(approval: Approval, where: Where) -> View:
    """Page by page, with the card's buttons on the last one."""
    ending, pages = _pages(approval, where)
    page = max(0, min(where.page, len(pages) - 1))
    last = ending if page + 1 == len(pages) else []
    parts = [*pages[page], *modals.turning(page, len(pages)), *last]
    return modal(ACT.modal, "Hidden values", parts, private=modals.about(approval, replace(where, page=page)))


def _pages(approval: Approval, where: Where) -> tuple[list[AnyPart], list[list[AnyPart]]]:
    ending = deciding(approval, where, ACT.verb) if approval.pending else []
    return ending, sheets(in_plain(approval), blocks=VIEW_BLOCKS - 6 - len(ending), spare=sum(map(cost, ending)))


def _shows(world: World, press: Press) -> View:
    def is_last(approval: Approval) -> bool:
        return press.where.page + 1 >= len(_pages(approval, press.where)[1])

    return _form(disclosure.show(world, press.tap, last=is_last), press.where)


ACT: Act[None] = Act("show_hidden", Offer(_button, behind=True), _form, shows=_shows)
