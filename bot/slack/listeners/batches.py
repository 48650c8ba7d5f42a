"""Taps on a screen of several requests: what is ticked, or all of it, decided one by one and told in one answer (docs/rules.md: D4)."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.render import cards, forms, modals
from bot.render.labels import settled_sentence
from bot.render.message import summary
from bot.render.visible_text import Mrkdwn, escape, fill
from bot.service import batch
from bot.service.authorization import Lost, Outdated, UnseenInPart
from bot.service.batch import LeftOut, Several, Tally
from bot.service.disclosure import HiddenUnseen
from bot.slack.listeners.desk import Body, Desk, explain, is_outage, place
from policies.errors import InvalidInput, SaysoError

Action = dict[str, Any]


def register(app: AsyncApp, desk: Desk) -> None:
    """Hear the form that asks why several are rejected; the buttons are heard with all the others."""

    async def rejected(ack: AsyncAck, body: Body, view: Body) -> None:
        try:
            tally, where = await _reject(desk, body, view)
        except forms.FormErrors as error:
            await ack(response_action="errors", errors=error.errors)
        except InvalidInput as error:
            await ack(response_action="errors", errors={"reason": str(error)})
        except SaysoError as error:
            if is_outage(error):
                raise
            await ack(response_action="update", view=modals.notice_modal("Nothing was done", str(error)))
        else:
            desk.tell(body | {"channel": {"id": where}}, told(tally, "rejected"))
            await ack(response_action="clear")

    app.view("batch_reject_modal")(rejected)


async def approve(desk: Desk, body: Body, action: Action) -> None:
    """Approve what is ticked; with nothing ticked, everything that the card offered."""
    several, gone = await _tapped(desk, body, action)
    world = desk.runtime.world
    tally = await desk.call(batch.approve, world, several, seen_enough=cards.batchable)
    desk.tell(body, told(await desk.call(batch.with_gone, world, tally, gone), "approved"))


async def ask_why(desk: Desk, body: Body, action: Action) -> None:
    """Open the form for the reason, for those that this person could reject now."""
    several, gone = await _tapped(desk, body, action)
    world = desk.runtime.world
    tally = await desk.call(batch.look, world, several)
    if not tally.decided:
        desk.tell(body, told(await desk.call(batch.with_gone, world, tally, gone), "rejected"))
        return
    desk.open_modal(body, modals.batch_reject_modal(tally.decided, *place(body)))


async def _reject(desk: Desk, body: Body, view: Body) -> tuple[Tally, str]:
    noted = modals.read_metadata(view)
    several = Several(
        chosen=cards.read_batch_value(str(noted.get("items", ""))),
        actor=await desk.actor(body),
        ts=str(noted.get("ts", "")),
        note=forms.read_reject(view["state"]["values"]),
    )
    tally = await desk.call(batch.reject, desk.runtime.world, several)
    return tally, str(noted.get("channel") or several.actor.user)


async def _tapped(desk: Desk, body: Body, action: Action) -> tuple[Several, list[str]]:
    """What was meant, and ticks on what the card no longer offers."""
    offered = cards.read_batch_value(str(action.get("value", "")))
    ticks = ticked(body)
    chosen = {key: digest for key, digest in offered.items() if not ticks or key in ticks}
    several = Several(chosen, await desk.actor(body), place(body)[1])
    return several, [key for key in ticks if key not in offered]


def ticked(body: Body) -> list[str]:
    """The approval ids that are ticked on the card, as Slack sends them along."""
    state = body.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    blocks = [block for block in values.values() if isinstance(block, dict)] if isinstance(values, dict) else []
    boxes = [block["batch_select"] for block in blocks if isinstance(block.get("batch_select"), dict)]
    options = [option for box in boxes for option in box.get("selected_options") or [] if isinstance(option, dict)]
    return [value for value in (option.get("value") for option in options) if isinstance(value, str)]


def told(tally: Tally, verb: str) -> str:
    """What became of each, for the one who tapped: how many, and who was left out and why."""
    lines = [f"{len(tally.decided)} {verb}."]
    waiting = sum(approval.pending for approval in tally.decided)
    if waiting:
        lines.append(f"{waiting} of them still wait for more people.")
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
        return Mrkdwn("it has a card of its own now.")
    if isinstance(error, Outdated):
        return Mrkdwn("it was changed since this card was drawn.")
    if isinstance(error, HiddenUnseen):
        return Mrkdwn("something in it is hidden: open it and show that first.")
    if isinstance(error, UnseenInPart | batch.Gone):
        return Mrkdwn("it cannot be decided together with others.")
    return Mrkdwn(explain(error))
