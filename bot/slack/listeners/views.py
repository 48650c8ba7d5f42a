"""Forms that were sent: the act is done before the form closes; what went wrong is said inside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.acts import registry
from bot.acts.act import Act, Press
from bot.acts.refusals import state_of
from bot.render import forms, modals
from bot.render.modals import Where
from bot.server import tracing
from bot.service import activity
from bot.service.authorization import Tap
from bot.slack.listeners.desk import Body, Desk, is_outage
from policies.errors import InvalidInput, SaysoError


def register(app: AsyncApp, desk: Desk) -> None:
    """Hear the form of every act that has one to send."""
    for act in registry.ACTS:
        if act.run is not None:
            app.view(act.modal)(_listener(desk, act))


def _listener(desk: Desk, act: Act[Any]) -> Callable[..., Awaitable[None]]:
    async def listen(ack: AsyncAck, body: Body, view: Body) -> None:
        with activity.begun() as own:
            await heard(ack, body, view)
        tracing.tapped(desk.runtime.spans, own, act.verb, "done" if own.moved else "refused")

    async def heard(ack: AsyncAck, body: Body, view: Body) -> None:
        state = view["state"]["values"]
        try:
            press = await _press(desk, body, view)
            work = partial(desk.call, partial(registry.sent, desk.runtime.world, act, press, state))
            answer = await (desk.once(body, work, None) if act.once else work())
        except forms.FormErrors as error:
            await ack(response_action="errors", errors=error.errors)
        except InvalidInput as error:
            await ack(response_action="errors", errors={_block_for(view, error.field): str(error)})
        except SaysoError as error:
            if is_outage(error):
                raise
            desk.runtime.metrics.tapped(act.verb, type(error).__name__)
            await ack(response_action="update", view=_refusal(error))
        else:
            desk.runtime.metrics.tapped(act.verb, "done")
            desk.answer(body, answer)
            await ack(response_action="clear")

    return listen


async def _press(desk: Desk, body: Body, view: Body) -> Press:
    noted = modals.read_metadata(view)
    activity.names(str(noted.get("approval_id", "")))
    note = forms.text_of(view["state"]["values"], "note")
    tap = Tap(str(noted.get("approval_id", "")), str(noted.get("digest", "")), await desk.actor(body), note)
    where = Where(str(noted.get("channel") or ""), str(noted.get("ts") or ""), reply=str(noted.get("reply") or ""))
    offered = [key for key in str(noted.get("offered", "")).split(",") if key]
    return Press(tap, where, str(noted.get("items", "")), offered=offered)


def _refusal(error: SaysoError) -> Body:
    return modals.notice_modal("Nothing was done", str(error), state_of(error))


def _block_for(view: Body, field: str | None) -> str:
    """The input an error belongs to; Slack shows errors only at inputs that the form has."""
    blocks = [block for block in view.get("blocks") or [] if isinstance(block, dict)]
    inputs = [str(block.get("block_id")) for block in blocks if block.get("type") == "input"]
    name = (field or "").rpartition(".")[2]
    return next((block for block in inputs if name and block.endswith(name)), inputs[-1] if inputs else "note")
