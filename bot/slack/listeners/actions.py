"""Taps on cards and in modals: each is one act (bot/acts), acknowledged after its commit."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.acts import edit, registry
from bot.acts.act import Act, Press
from bot.acts.refusals import explain, state_of
from bot.render import modals
from bot.render.menu import read_option
from bot.render.modals import Where
from bot.server import tracing
from bot.service import activity
from bot.service.authorization import Tap
from bot.slack.listeners import home, lists
from bot.slack.listeners.desk import Body, Desk, in_modal, is_outage, place
from policies.errors import SaysoError

Action = dict[str, Any]


def register(app: AsyncApp, desk: Desk) -> None:
    """Hear every control; inputs inside forms and links need no answer, but Slack wants one."""
    app.action(re.compile(r".*"))(_listener(desk))


def _listener(desk: Desk) -> Callable[..., Awaitable[None]]:
    async def listen(ack: AsyncAck, body: Body, action: Action) -> None:
        await hear(desk, body, action)
        await ack()

    return listen


async def hear(desk: Desk, body: Body, action: Action) -> None:
    """Do what a control stands for; raises only where nothing may be acknowledged."""
    action = _picked(action)
    verb = str(action.get("action_id", "")).partition(":")[0]
    with activity.begun() as own:
        outcome = await _settled(desk, body, action, verb)
        desk.runtime.metrics.tapped(verb, outcome)
    tracing.tapped(desk.runtime.spans, own, verb, outcome)


def on_card(body: Body) -> Action | None:
    """The button of ours that was tapped, outside of the home tab, whose buttons have listeners of their own."""
    if body.get("type") != "block_actions" or (body.get("view") or {}).get("type") == "home":
        return None
    action: Action = next(iter(body.get("actions") or ()), {})
    return action if registry.named(str(action.get("action_id", ""))) is not None else None


async def _settled(desk: Desk, body: Body, action: Action, verb: str) -> str:
    try:
        with desk.runtime.metrics.tap_seconds.time():
            await _heard(desk, body, action)
        _draw_anew(desk, body, verb)
    except SaysoError as error:
        if is_outage(error):
            raise
        _refuse(desk, body, error)
        return type(error).__name__
    return "done"


def _picked(action: Action) -> Action:
    """What was picked behind ⋯ is the button that it stands for."""
    if action.get("action_id") != "overflow":
        return action
    option = action.get("selected_option")
    value = option.get("value") if isinstance(option, dict) else None
    verb, rest = read_option(value if isinstance(value, str) else "")
    return {"type": "button", "action_id": verb, "value": rest}


def _draw_anew(desk: Desk, body: Body, verb: str) -> None:
    """The list that was tapped on, home tab or answer, without what was decided."""
    if verb != "approve":
        return
    if (body.get("view") or {}).get("type") == "home":
        desk.runtime.background(home.publish(desk, str((body.get("user") or {}).get("id"))))
    elif lists.is_list(body):
        desk.runtime.background(_list_anew(desk, body))


async def _list_anew(desk: Desk, body: Body) -> None:
    await lists.again(desk, await desk.actor(body), body)


async def _heard(desk: Desk, body: Body, action: Action) -> None:
    action_id = str(action.get("action_id", ""))
    if action_id == "details_page":
        await _turn_page(desk, body, action)
    elif (act := registry.named(action_id)) is not None:
        press = await _press(desk, body, action, act)
        world, once = desk.runtime.world, act.once and act.at_once is not None
        work = partial(desk.call, partial(registry.tapped, world, act, press))
        desk.answer(body, await (desk.once(body, work, None) if once else work()))


def _refuse(desk: Desk, body: Body, error: SaysoError) -> None:
    """Say it where the person looks: in the modal they tapped in, else so that only they see it."""
    if in_modal(body):
        notice = modals.notice_modal("Nothing was done", str(error), state_of(error))
        desk.update_modal(body, notice, otherwise=explain(error))
    else:
        desk.tell(body, explain(error))


async def _press(desk: Desk, body: Body, action: Action, act: Act[Any]) -> Press:
    value, word = str(action.get("value") or ""), str(action["action_id"]).partition(":")[2]
    if act.words and action.get("selected_option"):
        # A menu has no value of its own: the digest is that of the card it stands on.
        value, word = _value_on_card(body), str(action["selected_option"]["value"])
    where = Where(*place(body), offers=registry.OFFERS, reply=word if act is edit.ACT else "")
    return Press(await desk.tap(body, value), where, value, word, _ticked(body), in_modal(body))


def _value_on_card(body: Body) -> str:
    for block in _objects((body.get("message") or {}).get("blocks")):
        for element in _objects(block.get("elements")) if block.get("type") == "actions" else []:
            if "|" in str(element.get("value", "")):
                return str(element["value"])
    return ""


def _objects(value: object) -> list[Body]:
    """Those entries of a list that are objects."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _ticked(body: Body) -> list[str]:
    """The approval ids that are ticked on a screen of several requests, as Slack sends them along."""
    state = body.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    blocks = _objects(list(values.values())) if isinstance(values, dict) else []
    boxes = [block["batch_select"] for block in blocks if isinstance(block.get("batch_select"), dict)]
    options = [option for box in boxes for option in _objects(box.get("selected_options"))]
    return [value for value in (option.get("value") for option in options) if isinstance(value, str)]


async def _turn_page(desk: Desk, body: Body, action: Action) -> None:
    """Another page of a long view, in place."""
    view = body.get("view") or {}
    noted = modals.read_metadata(view)
    wanted = str(action.get("value"))
    page = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 6 else 0
    activity.names(str(noted.get("approval_id", "")))
    tap = Tap(str(noted.get("approval_id", "")), str(noted.get("digest", "")), await desk.actor(body))
    reply = str(noted.get("reply", ""))
    where = Where(str(noted.get("channel", "")), str(noted.get("ts", "")), page, registry.OFFERS, reply)
    modal = str(view.get("callback_id"))
    desk.update_modal(body, await desk.call(registry.turned, desk.runtime.world, modal, Press(tap, where)))
