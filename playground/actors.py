"""What a person can do in the workspace; the page and the test kit both act through here."""

from __future__ import annotations

import asyncio
import copy
import html
from dataclasses import dataclass, field
from typing import Any

from playground import payloads
from playground.answers import follow, reply, slackbot_says
from playground.delivery import Answer, Delivery
from playground.errors import SlackError
from playground.finding import find_element, find_touch
from playground.formcheck import refusals
from playground.model import Channel, Json, Message, View
from playground.state_values import FIELDS, hold
from playground.workspace import Workspace

TROUBLE = {
    "timeout": "did not answer within {seconds:g} seconds",
    "connection": "could not be reached",
    "status": "answered with status code {status}",
    "no_socket": "is not connected",
    "lost": "never got it",
    "off": "is not configured to handle interactive responses",
}


@dataclass
class Outcome:
    """What became of one act. `errors`: by block id; `client_side`: refused before anything was sent."""

    answer: Answer | None = None
    errors: dict[str, str] = field(default_factory=dict)
    client_side: bool = False
    refused: str | None = None
    message: Message | None = None


class Actors:
    """Acts of the people of one workspace."""

    def __init__(self, workspace: Workspace, delivery: Delivery) -> None:
        self.workspace = workspace
        self.delivery = delivery

    # --- messages ------------------------------------------------------------------------------------------------

    async def click(
        self,
        user: str,
        message: Message,
        name: str,
        value: str | None = None,
        block_id: str | None = None,
        snapshot: Json | None = None,
    ) -> Outcome:
        """Touch a button or an overflow option of a message; `snapshot` is an old copy still on the screen."""
        shown = copy.deepcopy(snapshot) if snapshot is not None else message.shown()
        blocks = shown.get("blocks", [])
        touch = find_touch(blocks, name, value, block_id)
        values = self.workspace.message_state(message, user) if snapshot is None else {}
        payload = payloads.from_message(
            self.workspace, user, message, shown, [payloads.action(self.workspace, *touch[:2], None, touch[2])], values
        )
        return await self._send(user, payload)

    async def choose(self, user: str, message: Message, name: str, choice: Any, block_id: str | None = None) -> Outcome:
        """Set a menu, checkbox group or input in a message; sent at once unless it sits in a quiet input block."""
        block, element = find_element(_narrowed(message.blocks, block_id), name)
        if element["type"] not in FIELDS:
            return await self.click(user, message, name, choice, block_id)
        with self.workspace.changing({"kind": "state", "user": user, "channel": message.channel, "ts": message.ts}):
            state = self.workspace.message_state(message, user)
            value = hold(element, choice)
            state[block["block_id"]][element["action_id"]] = value
            values = copy.deepcopy(state)
        if block["type"] == "input" and not block.get("dispatch_action"):
            return Outcome()
        action = payloads.action(self.workspace, block, element, value, None)
        payload = payloads.from_message(self.workspace, user, message, message.shown(), [action], values)
        return await self._send(user, payload)

    async def post(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Message:
        """Write a message; the bot hears of it when it subscribed to such events."""
        place = self.workspace.channel(channel)
        ts = self.workspace.next_ts()
        escaped = html.escape(text, quote=False)  # as Slack keeps what people type
        message = self.workspace.add_message(Message(place.id, ts, user, escaped, thread_ts=thread_ts))
        await self._told(place, message.shown())
        return message

    async def rewrite(self, message: Message, text: str) -> None:
        """Change an own message; the bot hears of that too."""
        with self.workspace.changing():
            message.text = html.escape(text, quote=False)
            message.edited = {"user": message.user, "ts": self.workspace.next_ts()}
            self.workspace.message_changed(message)
        place = self.workspace.channel(message.channel)
        changed = {"type": "message", "subtype": "message_changed", "hidden": True, "message": message.shown()}
        await self._told(place, changed | {"ts": self.workspace.next_ts()})

    async def _told(self, place: Channel, event: Json) -> None:
        kind = "im" if place.is_im else "group" if place.is_private else "channel"
        if {"im": "message.im", "group": "message.groups"}.get(kind, "message.channels") in self.workspace.bot_events:
            event = event | {"channel": place.id, "channel_type": kind}
            await self.delivery.event(payloads.event_callback(self.workspace, event))

    async def command(self, user: str, channel: str, name: str, text: str = "") -> Outcome:
        """Run a slash command; its immediate reply becomes `message`."""
        place = self.workspace.channel(channel)
        if name not in self.workspace.commands:
            note = f"{name} is not a valid command."
            return Outcome(refused=note, message=slackbot_says(self.workspace, user, place.id, note))
        fields = payloads.slash_command(self.workspace, user, place, name, text)
        answer = await self.delivery.command(fields)
        if not answer.ok:
            note = f"{name} failed with the error “{_slack_error(answer)}”"
            return Outcome(answer, refused=note, message=slackbot_says(self.workspace, user, place.id, note))
        try:
            return Outcome(answer, message=reply(self.workspace, user, place.id, answer.body))
        except SlackError as refusal:
            note = f"{name} failed with the error “{refusal.error}”"
            return Outcome(answer, refused=note, message=slackbot_says(self.workspace, user, place.id, note))

    # --- views ---------------------------------------------------------------------------------------------------

    async def click_view(
        self, user: str, view: View, name: str, value: str | None = None, block_id: str | None = None
    ) -> Outcome:
        """Touch a button or an overflow option of a modal or a home tab."""
        touch = find_touch(view.blocks, name, value, block_id)
        action = payloads.action(self.workspace, *touch[:2], None, touch[2])
        return await self._send(user, payloads.from_view(self.workspace, view, [action]))

    async def fill(self, user: str, view: View, name: str, choice: Any, block_id: str | None = None) -> Outcome:
        """Enter a value into a field of a view; sent at once where the field dispatches."""
        block, element = find_element(_narrowed(view.blocks, block_id), name)
        if element["type"] not in FIELDS:
            return await self.click_view(user, view, name, choice, block_id)
        with self.workspace.changing({"kind": "view_state", "user": user, "view": view.id}):
            value = hold(element, choice)
            view.state[block["block_id"]][element["action_id"]] = value
            view.errors.pop(block["block_id"], None)
        if block["type"] == "input" and not block.get("dispatch_action"):
            return Outcome()
        action = payloads.action(self.workspace, block, element, value, None)
        return await self._send(user, payloads.from_view(self.workspace, view, [action]))

    async def submit(self, user: str, view: View, force: bool = False) -> Outcome:
        """Send a modal; `force` skips the client's own checks, as a hostile client would."""
        problems = {} if force else refusals(view)
        if problems:
            with self.workspace.changing({"kind": "views", "user": user}):
                view.errors = problems
            return Outcome(errors=problems, client_side=True)
        view.errors = {}
        outcome = await self._send(user, payloads.view_submission(self.workspace, view))
        if outcome.answer is None or not outcome.answer.ok:
            return outcome
        try:
            follow(self.workspace, view, outcome.answer.json())
        except SlackError as refusal:
            return self._refuse(user, outcome, f"Sayso answered with something Slack refuses: {refusal.body()}")
        outcome.errors = dict(view.errors)
        return outcome

    async def close(self, user: str, everything: bool = False) -> list[Outcome]:
        """Dismiss the top modal (or all of them); the bot hears of those that asked for it."""
        closed = self.workspace.close_top(user)
        while everything and self.workspace.modals.get(user):
            closed += self.workspace.close_top(user)
        told = [view for view in closed if view.body.get("notify_on_close")]
        cleared = everything or len(closed) > 1
        return [await self._send(user, payloads.view_closed(self.workspace, view, cleared)) for view in told]

    async def open_home(self, user: str, wait: float = 3.0) -> View | None:
        """Open the app's home tab; waits up to `wait` seconds for the bot to publish it."""
        before = self.workspace.homes.get(user)
        old_hash = before.hash if before else None
        if "app_home_opened" not in self.workspace.bot_events:
            return before
        answer = await self.delivery.event(payloads.home_opened(self.workspace, user))

        def fresh() -> bool:
            view = self.workspace.homes.get(user)
            return view is not None and view.hash != old_hash

        if answer.ok and not fresh():
            await asyncio.to_thread(self.workspace.wait_for, fresh, wait if before is None else min(wait, 0.3))
        return self.workspace.homes.get(user)

    # --- telling the person --------------------------------------------------------------------------------------

    async def _send(self, user: str, payload: Json) -> Outcome:
        answer = await self.delivery.interaction(payload)
        outcome = Outcome(answer)
        if not answer.ok:
            self._refuse(user, outcome, f"Sayso {_trouble(answer, self.workspace.timing.ack)}")
        return outcome

    def _refuse(self, user: str, outcome: Outcome, text: str) -> Outcome:
        outcome.refused = text
        self.workspace.publish({"kind": "toast", "user": user, "text": text})
        return outcome


def _narrowed(blocks: list[Json], block_id: str | None) -> list[Json]:
    return [block for block in blocks if block_id is None or block.get("block_id") == block_id] or blocks


def _trouble(answer: Answer, seconds: float) -> str:
    return TROUBLE.get(str(answer.error), "failed").format(seconds=seconds, status=answer.status)


def _slack_error(answer: Answer) -> str:
    return "operation_timeout" if answer.error == "timeout" else "dispatch_failed"
