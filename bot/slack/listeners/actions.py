"""Taps on cards: each is one use case, acknowledged after its commit."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.render import cards, hidden_view, modals
from bot.service import authorization, decide, disclosure, review, steer, undo
from bot.service.authorization import Tap, UnseenInPart
from bot.service.disclosure import HiddenUnseen
from bot.slack.listeners import batches
from bot.slack.listeners.desk import Body, Desk, explain, in_modal, is_outage, place, state_of
from policies.approval import Approval
from policies.errors import SaysoError
from policies.permissions import Actor

Action = dict[str, Any]
_Handler = Callable[[Desk, Body, Action], Awaitable[None]]


def register(app: AsyncApp, desk: Desk) -> None:
    """Hear every button of a card."""
    for action_id, handler in _HANDLERS.items():
        app.action(action_id)(_listener(desk, handler))
    app.action(re.compile(r"^choose:.+"))(_listener(desk, _choose))
    # Inputs inside forms and links need no answer, but Slack wants one.
    app.action(re.compile(r".*"))(_listener(desk, _nothing))


def _listener(desk: Desk, handler: _Handler) -> Callable[..., Awaitable[None]]:
    async def listen(ack: AsyncAck, body: Body, action: Action) -> None:
        verb = str(action.get("action_id", "")).partition(":")[0]
        try:
            with desk.runtime.metrics.tap_seconds.time():
                await handler(desk, body, action)
            desk.runtime.metrics.tapped(verb, "done")
        except SaysoError as error:
            if is_outage(error):
                raise
            desk.runtime.metrics.tapped(verb, type(error).__name__)
            _refuse(desk, body, error)
        await ack()

    return listen


def _refuse(desk: Desk, body: Body, error: SaysoError) -> None:
    """Say it where the person looks: in the modal they tapped in, else so that only they see it."""
    if in_modal(body):
        desk.update_modal(body, modals.notice_modal("Nothing was done", str(error), state_of(error)))
    else:
        desk.tell(body, explain(error))


async def _redraw(desk: Desk, body: Body, approval: Approval, actor: Actor) -> None:
    """A decision taken inside a modal is shown there."""
    if in_modal(body):
        desk.update_modal(body, await _drawn(desk, approval, actor))


async def _approve(desk: Desk, body: Body, action: Action) -> None:
    tap = await desk.tap(body, action.get("value"))
    try:
        approval = await desk.call(decide.approve, desk.runtime.world, tap, seen_enough=_fits_on_card)
        await _redraw(desk, body, approval, tap.actor)
    except UnseenInPart as error:
        desk.open_modal(body, await desk.call(modals.approve_modal, error.approval, *place(body)))
    except HiddenUnseen:
        await _open_hidden(desk, body, tap)


def _fits_on_card(approval: Approval) -> bool:
    return not cards.needs_full_view(approval)


async def _choose(desk: Desk, body: Body, action: Action) -> None:
    if action.get("selected_option"):
        # A menu has no value of its own: the digest is that of the card it stands on.
        value, choice = _value_on_card(body), str(action["selected_option"]["value"])
    else:
        value, choice = str(action.get("value") or ""), str(action["action_id"]).partition(":")[2]
    if not choice:
        await _yes_form(modals.choose_modal, desk, body, action)
        return
    tap = await desk.tap(body, value)
    try:
        seen = cards.chosen_on_card
        approval = await desk.call(decide.choose, desk.runtime.world, tap, choice, seen_enough=seen)
        await _redraw(desk, body, approval, tap.actor)
    except HiddenUnseen:
        await _open_hidden(desk, body, tap)
    except UnseenInPart as error:
        desk.open_modal(body, modals.choose_modal(error.approval, *place(body)))


def _value_on_card(body: Body) -> str:
    for block in _objects((body.get("message") or {}).get("blocks")):
        for element in _objects(block.get("elements")) if block.get("type") == "actions" else []:
            if "|" in str(element.get("value", "")):
                return str(element["value"])
    return ""


def _objects(value: object) -> list[Body]:
    """Those entries of a list that are objects."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


async def _turn_page(desk: Desk, body: Body, action: Action) -> None:
    """Another page of a long view, in place."""
    view = body.get("view") or {}
    noted = modals.read_metadata(view)
    actor = await desk.actor(body)
    approval = await desk.call(authorization.read, desk.runtime.world, str(noted.get("approval_id", "")), actor)
    wanted = str(action.get("value"))
    page = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 6 else 0
    if view.get("callback_id") == "details_modal":
        desk.update_modal(body, await _drawn(desk, approval, actor, page))
    elif view.get("callback_id") == hidden_view.NAME:
        tap = Tap(approval.id, str(noted.get("digest", "")), actor)
        desk.update_modal(body, await _hidden_page(desk, body, tap, page))
    else:
        desk.update_modal(body, await desk.call(modals.turn_page, view, approval, page))


_Modal = Callable[..., Body]


async def _form(make: _Modal, desk: Desk, body: Body, action: Action) -> None:
    """Open a form for a decision, for those who may take it and while it can be taken."""
    tap = await desk.tap(body, action.get("value"))
    approval = await desk.call(authorization.look, desk.runtime.world, tap.approval_id, tap.actor)
    authorization.require_open(approval, tap)
    desk.open_modal(body, await desk.call(make, approval, *place(body)))


async def _yes_form(make: _Modal, desk: Desk, body: Body, action: Action) -> None:
    """The same for a form that ends in a yes: what is hidden from this person is shown to them first."""
    tap = await desk.tap(body, action.get("value"))
    approval = await desk.call(authorization.look, desk.runtime.world, tap.approval_id, tap.actor)
    authorization.require_open(approval, tap)
    try:
        await desk.call(disclosure.look, desk.runtime.world, approval, tap.actor.user)
        desk.open_modal(body, await desk.call(make, approval, *place(body)))
    except HiddenUnseen:
        await _open_hidden(desk, body, tap)


async def _show_hidden(desk: Desk, body: Body, action: Action) -> None:
    """What the card hides, for those who may decide; that they looked is recorded."""
    await _open_hidden(desk, body, await desk.tap(body, action.get("value")))


async def _open_hidden(desk: Desk, body: Body, tap: Tap) -> None:
    desk.open_modal(body, await _hidden_page(desk, body, tap, 0))


async def _hidden_page(desk: Desk, body: Body, tap: Tap, page: int) -> Body:
    def last(approval: Approval) -> bool:
        return hidden_view.is_last(approval, page)

    approval = await desk.call(disclosure.show, desk.runtime.world, tap, last=last)
    return await desk.call(hidden_view.show_hidden_modal, approval, *place(body), page)


async def _undo(desk: Desk, body: Body, action: Action) -> None:
    """Ask why, of those who may undo it and while they may."""
    tap = await desk.tap(body, action.get("value"))
    approval = await desk.call(undo.look, desk.runtime.world, tap)
    desk.open_modal(body, modals.undo_modal(approval, *place(body)))


async def _review_correct(desk: Desk, body: Body, action: Action) -> None:
    """A reviewer after the fact says that it was right, in one tap."""
    tap = await desk.tap(body, action.get("value"))
    await desk.call(review.judge, desk.runtime.world, tap, "correct")


async def _review_incident(desk: Desk, body: Body, action: Action) -> None:
    """Ask what went wrong."""
    tap = await desk.tap(body, action.get("value"))
    approval = await desk.call(review.look, desk.runtime.world, tap)
    desk.open_modal(body, modals.review_incident_modal(approval, *place(body)))


async def _details(desk: Desk, body: Body, action: Action) -> None:
    """Everything about the request, for everybody of the home team; who may decide can do it there."""
    tap = await desk.tap(body, action.get("value"))
    approval = await desk.call(authorization.read, desk.runtime.world, tap.approval_id, tap.actor)
    desk.open_modal(body, await _drawn(desk, approval, tap.actor))


async def _drawn(desk: Desk, approval: Approval, actor: Actor, page: int = 0) -> Body:
    """The details as this person may act on them."""
    may = steer.may_steer(actor, approval)
    session = await desk.call(steer.session_of, desk.runtime.world, approval) if may else None
    shown = (session.state, session.by) if session else None
    may_decide = authorization.refusal_of(approval, actor) is None
    return await desk.call(modals.details_modal, approval, page=page, session=shown, may_decide=may_decide)


async def _steer(word: str, desk: Desk, body: Body, action: Action) -> None:
    """Pause, resume or cancel the agent's run, and show in place what it is now."""
    tap = await desk.tap(body, action.get("value"))
    approval = await desk.call(steer.steer_from_card, desk.runtime.world, tap.actor, tap.approval_id, word)
    desk.update_modal(body, await _drawn(desk, approval, tap.actor))


async def _nothing(desk: Desk, body: Body, action: Action) -> None:
    return None


_HANDLERS: dict[str, _Handler] = {
    "approve": _approve,
    "choose": _choose,
    "details": _details,
    "details_page": _turn_page,
    "reject": partial(_form, modals.reject_modal),
    "edit": partial(_yes_form, modals.edit_modal),
    "take_over": partial(_form, modals.take_over_modal),
    "hand_back": partial(_form, modals.hand_back_modal),
    "request_info": partial(_form, modals.request_info_modal),
    "escalate": partial(_form, modals.escalate_modal),
    "undo": _undo,
    "review_correct": _review_correct,
    "review_incident": _review_incident,
    "answer": partial(_yes_form, modals.answer_modal),
    "show_hidden": _show_hidden,
    **{f"session_{word}": partial(_steer, word) for word in steer.STATES},
    "batch_approve": batches.approve,
    "batch_reject": batches.ask_why,
}
