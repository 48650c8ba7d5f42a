"""Approve, and let the like run: who, what stays the same, until when, how many and how much (docs/standing.md)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from bot.acts.act import Act, Look, Press, may_say_yes
from bot.render import forms, modals
from bot.render import standing as told
from bot.render.blocks import Button
from bot.render.buttons import Offer, Seen
from bot.render.cards import needs_full_view
from bot.render.facts import brief
from bot.render.modal_parts import AnyPart, Input, View, code, line, modal, small
from bot.render.modals import Where
from bot.render.typed_text import dollars
from bot.render.visible_text import Shown, fill
from bot.service import standing_giving
from bot.service.authorization import Tap
from bot.service.context import World
from policies.approval import Approval
from policies.sentences import usd
from policies.standing_offer import TOTAL, UNTIL, USES, Wanted, bounds_of, widest, withheld

TITLE, SUBMIT = "Approve & let run", "Approve & let run"


def _button(seen: Seen) -> Button | None:
    offered = seen.pending and withheld(seen.approval) is None
    return seen.press("approve_standing", "Approve & let run…") if offered else None


def _may_open(world: World, tap: Tap) -> Approval:
    approval = may_say_yes(world, tap)
    standing_giving.require_standing_offered(world, approval)
    return approval


def _form(approval: Approval, where: Where) -> View:
    """What is said, then the bounds; the full view first where the card could not show everything."""
    ending = [*_words(approval), *_bounds(approval), *modals.amount_input(approval), modals.note("Note for the agent")]
    if needs_full_view(approval):
        return modals.in_pages(TITLE, approval, ending, where, name=ACT.modal, submit=SUBMIT)
    parts = [*modals.lead(approval), *ending]
    return modal(ACT.modal, TITLE, parts, submit=SUBMIT, private=modals.about(approval, where))


def _words(approval: Approval) -> list[AnyPart]:
    one = widest(approval, approval.created_at)
    said = fill(
        "✅ *Approves this, and lets similar requests run without asking*: {title}, by {who}",
        title=brief(approval.title, 120),
        who=told.who(one),
    )
    return [
        line(said),
        code(told.same_lines(one, approval), "Must stay the same"),
        code(told.free_lines(one), "May differ: any value of this sort"),
    ]


def _bounds(approval: Approval) -> list[AnyPart]:
    bounds = bounds_of(approval)
    options = told.spans(bounds.max_seconds)
    first = str(min(bounds.max_seconds, told.HOUR))
    found: list[AnyPart] = [
        Input(UNTIL, "For how long", "static_select", initial=first, options=options),
        Input(USES, f"How many more, at most {bounds.max_uses}", "number", initial=str(bounds.max_uses), decimal=False),
    ]
    if bounds.max_total_usd is not None:
        label = f"How many dollars in all, at most {usd(bounds.max_total_usd)}"
        found.append(Input(TOTAL, label, "number", initial=_plain(bounds.max_total_usd)))
    told_when = "Each is counted on one message. Anybody who may decide this can end it there at any time."
    return [*found, small([Shown(told_when)])]


def _plain(dollars: float) -> str:
    """A figure as people type it: 200 and 12.5."""
    figure = f"{Decimal(str(dollars)):f}"
    return figure.rstrip("0").rstrip(".") if "." in figure else figure


def _read(state: forms.State, look: Look) -> tuple[Wanted, str | None]:
    approval = look()
    bounded = bounds_of(approval).max_total_usd is not None if withheld(approval) is None else False
    wanted = Wanted(
        _whole(state, UNTIL, "Pick how long."),
        _whole(state, USES, "A whole number, please."),
        _dollars(state) if bounded else None,
    )
    forms.require_amount(approval, approval.params, state)
    return wanted, forms.text_of(state, "note")


def _whole(state: forms.State, name: str, message: str) -> int:
    text = forms.needed(state, name, message)
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise forms.FormErrors({name: message})
    return int(text)


def _dollars(state: forms.State) -> Decimal:
    text = forms.needed(state, TOTAL, "Say up to how much in all.")
    found = dollars(text)
    if found is None:
        raise forms.FormErrors({TOTAL: "An amount in dollars, please: write it like 1999.99."})
    return found


def _run(world: World, press: Press, said: tuple[Wanted, str | None]) -> Approval:
    wanted, note = said
    return standing_giving.give_standing(world, replace(press.tap, note=note), wanted)


ACT = Act("approve_standing", Offer(_button, behind=True), _form, _read, _run, may_open=_may_open)
