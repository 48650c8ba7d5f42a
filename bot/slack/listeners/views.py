"""Submitted forms: the decision is taken before the form closes; what went wrong is said inside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.render import forms, modals
from bot.service import authorization, decide, review, undo
from bot.service.authorization import Tap
from bot.slack.listeners.desk import Body, Desk, is_outage, state_of
from policies.errors import InvalidInput, SaysoError

_Values = dict[str, dict[str, dict[str, Any]]]
_Handler = Callable[[Desk, Tap, _Values], Awaitable[object]]


def register(app: AsyncApp, desk: Desk) -> None:
    """Hear every form of ours."""
    for word, handler in _HANDLERS.items():
        app.view(f"{word}_modal")(_listener(desk, word, handler))


def _listener(desk: Desk, word: str, handler: _Handler) -> Callable[..., Awaitable[None]]:
    async def listen(ack: AsyncAck, body: Body, view: Body) -> None:
        try:
            told = modals.read_metadata(view)
            note = forms.text_of(view["state"]["values"], "note")
            tap = Tap(str(told.get("approval_id", "")), str(told.get("digest", "")), await desk.actor(body), note)
            await handler(desk, tap, view["state"]["values"])
        except forms.FormErrors as error:
            await ack(response_action="errors", errors=error.errors)
        except InvalidInput as error:
            await ack(response_action="errors", errors={_block_for(view, error.field): str(error)})
        except SaysoError as error:
            if is_outage(error):
                raise
            desk.runtime.metrics.tapped(word, type(error).__name__)
            await ack(response_action="update", view=_refusal(error))
        else:
            desk.runtime.metrics.tapped(word, "done")
            await ack(response_action="clear")

    return listen


def _refusal(error: SaysoError) -> Body:
    return modals.notice_modal("Nothing was done", str(error), state_of(error))


def _block_for(view: Body, field: str | None) -> str:
    """The input an error belongs to; Slack shows errors only at inputs that the form has."""
    blocks = [block for block in view.get("blocks") or [] if isinstance(block, dict)]
    inputs = [str(block.get("block_id")) for block in blocks if block.get("type") == "input"]
    name = (field or "").rpartition(".")[2]
    return next((block for block in inputs if name and block.endswith(name)), inputs[-1] if inputs else "note")


async def _approve(desk: Desk, tap: Tap, values: _Values) -> object:
    approval = await desk.call(authorization.look, desk.runtime.world, tap.approval_id, tap.actor)
    note = forms.read_approve(approval, values)
    return await desk.call(decide.approve, desk.runtime.world, replace(tap, note=note))


async def _reject(desk: Desk, tap: Tap, values: _Values) -> object:
    return await desk.call(decide.reject, desk.runtime.world, replace(tap, note=forms.read_reject(values)))


async def _edit(desk: Desk, tap: Tap, values: _Values) -> object:
    approval = await desk.call(authorization.look, desk.runtime.world, tap.approval_id, tap.actor)
    authorization.require_open(approval, tap)
    params = forms.read_edit(approval, values)
    return await desk.call(decide.edit, desk.runtime.world, tap, params)


async def _take_over(desk: Desk, tap: Tap, values: _Values) -> object:
    return await desk.call(decide.take_over, desk.runtime.world, tap)


async def _hand_back(desk: Desk, tap: Tap, values: _Values) -> object:
    steps, state = forms.read_hand_back(values)
    return await desk.call(decide.hand_back, desk.runtime.world, replace(tap, note=state), steps)


async def _request_info(desk: Desk, tap: Tap, values: _Values) -> object:
    return await desk.call(decide.request_info, desk.runtime.world, tap, forms.needed(values, "question"))


async def _escalate(desk: Desk, tap: Tap, values: _Values) -> object:
    return await desk.call(decide.escalate, desk.runtime.world, replace(tap, note=forms.text_of(values, "reason")))


async def _choose(desk: Desk, tap: Tap, values: _Values) -> object:
    approval = await desk.call(authorization.look, desk.runtime.world, tap.approval_id, tap.actor)
    return await desk.call(decide.choose, desk.runtime.world, tap, forms.read_choose(approval, values))


async def _answer(desk: Desk, tap: Tap, values: _Values) -> object:
    approval = await desk.call(authorization.look, desk.runtime.world, tap.approval_id, tap.actor)
    return await desk.call(decide.answer, desk.runtime.world, tap, forms.read_answer(approval, values))


async def _undo(desk: Desk, tap: Tap, values: _Values) -> object:
    return await desk.call(undo.undo, desk.runtime.world, tap)


async def _review_incident(desk: Desk, tap: Tap, values: _Values) -> object:
    note = forms.needed(values, "note", "Say what went wrong.")
    return await desk.call(review.judge, desk.runtime.world, replace(tap, note=note), "incident")


_HANDLERS: dict[str, _Handler] = {
    "approve": _approve,
    "reject": _reject,
    "edit": _edit,
    "take_over": _take_over,
    "hand_back": _hand_back,
    "request_info": _request_info,
    "escalate": _escalate,
    "choose": _choose,
    "answer": _answer,
    "undo": _undo,
    "review_incident": _review_incident,
}
