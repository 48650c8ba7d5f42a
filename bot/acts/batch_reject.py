"""Reject several: those that this person could reject now, with one reason for all (docs/rules.md: D4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.acts.act import Act, Answer, Look, Open, Press, Tell
from bot.acts.batches import offered, several, told_of_all
from bot.render import forms, modals
from bot.render.batch_card import batch_value
from bot.render.message import summary
from bot.render.modal_parts import View, code, heading, modal
from bot.render.modals import Where
from bot.render.visible_text import Shown
from bot.service import batch
from bot.service.context import World
from policies.approval import Approval
from policies.batching import lines_of


def _at_once(world: World, press: Press) -> Answer:
    """Open the form for the reason."""
    tally = batch.could_decide(world, several(world, press))
    if not tally.decided:
        return Tell(told_of_all(world, press, tally, "rejected", offered(press)))
    return Open(form_of_all(tally.decided, press.where, offered(press)))


def form_of_all(approvals: Sequence[Approval], where: Where, shown: Collection[str] = ()) -> View:
    """Why not, once for all of them, each named; `shown` is all that the card did, where all of it was meant."""
    lines = [_entry(number, found) for number, found in enumerate(lines_of(approvals), 1)]
    items = batch_value(approvals)
    private = {"items": items, "channel": where.channel, "ts": where.ts, "offered": ",".join(shown)}
    parts = [
        heading(f"Reject {len(approvals)} {'request' if len(approvals) == 1 else 'requests'}"),
        code(Shown("\n".join(lines))),
        *modals.why_not(),
    ]
    return modal(ACT.modal, "Reject", parts, submit="Reject", private=private)


def _entry(number: int, same: Sequence[Approval]) -> str:
    return f"{number}. {summary(same[0], 200, 360)}{f' ({len(same)} times)' if len(same) > 1 else ''}"


def _form(approval: Approval, where: Where) -> View:
    return form_of_all([approval], where)


def _read(state: forms.State, look: Look) -> str:
    return forms.read_why_not(state)


def _run(world: World, press: Press, reason: str) -> Tell:
    tally = batch.reject_each(world, replace(several(world, press), note=reason))
    return Tell(
        told_of_all(world, press, tally, "rejected", press.offered), press.where.channel or press.tap.actor.user
    )


ACT = Act("batch_reject", None, _form, _read, _run, _at_once)
