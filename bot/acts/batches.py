"""What the acts on a screen of several requests share: what was meant, and what became of each (docs/rules.md: D4)."""

from __future__ import annotations

from collections.abc import Collection

from bot.acts.act import Press
from bot.acts.refusals import explain
from bot.render.batch_card import read_batch_value
from bot.render.labels import settled_sentence
from bot.render.message import summary
from bot.render.visible_text import Mrkdwn, escape, fill
from bot.service import batch
from bot.service.authorization import Lost, Outdated, UnseenInPart
from bot.service.batch import LeftOut, Several, Tally
from bot.service.context import World
from bot.service.disclosure import HiddenUnseen


def several(world: World, press: Press) -> Several:
    """What is ticked; with nothing ticked, everything that the card offered."""
    chosen = batch.meant(world, read_batch_value(press.value), press.ticked)
    return Several(chosen, press.tap.actor, press.where.ts)


def offered(press: Press) -> list[str]:
    """All that the card showed, where all of it was meant."""
    return [] if press.ticked else list(read_batch_value(press.value))


def told_of_all(world: World, press: Press, tally: Tally, verb: str, shown: Collection[str]) -> str:
    """What became of each, with ticks on what the card no longer offers, and with what came after the look at it."""
    known = read_batch_value(press.value)
    tally = batch.with_gone(world, tally, [key for key in press.ticked if key not in known])
    return told(batch.with_arrived(world, tally, shown, press.where.ts), verb)


def told(tally: Tally, verb: str) -> str:
    """What became of each, for the one who tapped: how many, and who was left out and why."""
    lines = [f"{len(tally.decided)} {verb}."]
    waiting = sum(approval.pending for approval in tally.decided)
    if waiting:
        lines.append(f"{waiting} of them still need more approvals.")
    return "\n".join([*lines, *(_left_out(entry) for entry in tally.left_out)])


def _left_out(entry: LeftOut) -> str:
    name = summary(entry.approval, 120, 300) if entry.approval else Mrkdwn("One request")
    return fill("• {name} was left out: {why}", name=escape(name), why=_why(entry))


def _why(entry: LeftOut) -> Mrkdwn:
    error, approval = entry.error, entry.approval
    if approval is not None and (isinstance(error, Lost) or not approval.pending):
        return settled_sentence(approval)
    if approval is not None and approval.info_request is not None:
        return Mrkdwn("it waits for the agent's answer.")
    if isinstance(error, batch.MovedOn):
        return Mrkdwn("it now has its own card.")
    if isinstance(error, batch.Arrived):
        return Mrkdwn("it came after you looked, and still waits on this card.")
    if isinstance(error, Outdated):
        return Mrkdwn("it changed after this card was posted.")
    if isinstance(error, HiddenUnseen):
        return Mrkdwn("it has hidden values: open it and tap Show hidden first.")
    if isinstance(error, UnseenInPart | batch.Gone):
        return Mrkdwn("it has to be decided on its own.")
    return Mrkdwn(explain(error))
