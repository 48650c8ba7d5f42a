"""What every listener needs: who tapped, use cases in the pool, and a way to tell a person something only they see."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from bot.acts.act import Answer, Open, Show, Tell
from bot.render import modals
from bot.render.buttons import read_value
from bot.server.runtime import Runtime
from bot.server.slack_client import OutcomeUnknown, RateLimited, SlackTrouble
from bot.service import activity
from bot.service.authorization import Tap, Unconfirmed
from bot.slack.ingress import SIGNATURE
from bot.slack.people import People
from policies.errors import SaysoError
from policies.permissions import Actor
from store import looks, received
from store.engine import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("sayso.listeners")
Body = dict[str, Any]


@dataclass
class Desk:
    """Handed to every listener."""

    runtime: Runtime
    people: People

    async def actor(self, body: Body) -> Actor:
        """Who acted: (enterprise, team, user) as the payload and the directory say."""
        user = body.get("user") or {}
        user_id = user.get("id") or body.get("user_id") or ""
        team = user.get("team_id") or (body.get("team") or {}).get("id") or body.get("team_id")
        enterprise = (body.get("enterprise") or {}).get("id") or body.get("enterprise_id")
        return await self.people.actor(str(user_id), team, enterprise)

    async def tap(self, body: Body, value: object, note: str | None = None) -> Tap:
        """The tap that a button's value and a payload describe; a value that is no text names nothing."""
        approval_id, digest = read_value(value if isinstance(value, str) else "")
        activity.names(approval_id)
        return Tap(approval_id, digest, await self.actor(body), note)

    def answer(self, body: Body, answer: Answer) -> None:
        """Let the person see at once what came of what they did."""
        match answer:
            case Open(view):
                self.open_modal(body, view)
            case Show(view):
                self.update_modal(body, view)
            case Tell(text, channel):
                self.tell(body | {"channel": {"id": channel}} if channel else body, text)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a use case in the pool; once more where Slack has to be asked first about people who said yes before."""
        try:
            return await self.runtime.call(function, *args, **kwargs)
        except Unconfirmed as first:
            await self.people.confirm(first.users)
        return await self.runtime.call(function, *args, **kwargs)

    async def once(self, body: Body, work: Callable[[], Awaitable[T]], again: T) -> T:
        """Do `work`; where this very request of Slack's was heard before, as its signature says, nothing, and give `again`.

        What is refused, or shown first, counts as not heard. Over Socket Mode nothing comes twice.
        """
        signature = str(body.get(SIGNATURE) or "")
        if not signature:
            return await work()
        run = self.runtime.world.database.run
        if not await self.call(run, lambda unit: received.first_time(unit, signature)):
            return again
        heard = False
        try:
            done = await work()
            heard = not isinstance(done, Open)
            return done
        finally:
            if not heard:
                with contextlib.suppress(StoreUnavailable):
                    await self.call(run, lambda unit: received.not_heard(unit, signature))

    def tell(self, body: Body, text: str) -> None:
        """Say something that only the person who acted sees; never silence, whatever the channel allows."""
        self.runtime.background(self._tell(body, text))

    async def _tell(self, body: Body, text: str) -> None:
        user = (body.get("user") or {}).get("id") or body.get("user_id")
        container = body.get("container") or {}
        channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or user
        arguments = {"channel": channel, "user": user, "text": text, "parse": "none"}
        thread = container.get("thread_ts")
        try:
            more = {"thread_ts": thread} if thread else {}
            await self.runtime.slack.call("chat.postEphemeral", **arguments, **more)
        except SlackTrouble as error:
            log.info("could not tell %s in %s: %s", user, channel, error)
            await self._tell_otherwise(body, text)

    async def _tell_otherwise(self, body: Body, text: str) -> None:
        """By the answer address of the tap itself, which works for people outside the channel too; else directly."""
        address = body.get("response_url")
        if address and await self.runtime.slack.respond(str(address), text):
            return
        user = (body.get("user") or {}).get("id") or body.get("user_id")
        try:
            await self.runtime.slack.call("chat.postMessage", channel=user, text=text, parse="none")
        except SlackTrouble as error:
            log.warning("%s could not be told: %s", user, error)

    def open_modal(self, body: Body, view: Body) -> None:
        """Open a modal beside the answer: Slack's trigger lives for 3 s, our ack must not wait for it."""
        self.runtime.background(self._open(body, view))

    async def _open(self, body: Body, view: Body) -> None:
        # From inside a modal, the new one is put on top of it.
        method = "views.push" if in_modal(body) else "views.open"
        try:
            await self.runtime.slack.call(method, trigger_id=body.get("trigger_id"), view=view)
        except SlackTrouble as error:
            log.warning("a modal did not open: %s", error)
            await self._tell(body, _not_opened(error))
        else:
            await self._looked(body, view)

    async def _looked(self, body: Body, view: Body) -> None:
        """Remember what this person has open now; nothing of theirs hangs on it."""
        found = modals.approval_of(view)
        user = str((body.get("user") or {}).get("id") or body.get("user_id") or "")
        if found is None or not user:
            return
        try:
            await self.runtime.call(self.runtime.world.database.run, lambda unit: looks.keep_look(unit, found, user))
        except SaysoError as error:
            log.info("what %s looked at is not kept: %s", user, error)

    def update_modal(self, body: Body, view: Body, otherwise: str = "") -> None:
        """Show another view in the modal that the person is looking at; where Slack does not, say `otherwise` beside the card."""
        self.runtime.background(self._update(body, view, otherwise))

    async def _update(self, body: Body, view: Body, otherwise: str) -> None:
        shown = body.get("view") or {}
        arguments = {"view_id": shown.get("id"), "hash": shown.get("hash"), "view": view}
        try:
            await self.runtime.slack.call("views.update", **arguments)
        except SlackTrouble as error:
            log.warning("a modal did not change: %s", error)
            if otherwise:
                channel = str(modals.read_metadata(shown).get("channel") or "")
                await self._tell(body | {"channel": {"id": channel}} if channel else body, otherwise)


def _not_opened(error: SlackTrouble) -> str:
    """Why no form opened, in words: a second tap helps where Slack was late or busy, and nowhere else."""
    late = isinstance(error, RateLimited | OutcomeUnknown) or "trigger" in error.error
    if late:
        return "Slack did not open the form in time. Please tap again."
    return (
        f"Slack did not open the form ({error.error}), and nothing was done. Close other forms, or try it in Details."
    )


def place(body: Body) -> tuple[str, str]:
    """(channel, ts) of the message that was tapped; empty where it was none."""
    container = body.get("container") or {}
    channel = container.get("channel_id") or (body.get("channel") or {}).get("id") or ""
    return str(channel), str(container.get("message_ts") or "")


def in_modal(body: Body) -> bool:
    """Whether something inside a modal was tapped."""
    return (body.get("view") or {}).get("type") == "modal"


def is_outage(error: SaysoError) -> bool:
    """Whether the database is out of reach: then nothing is acknowledged (docs/rules.md: I2)."""
    return isinstance(error, StoreUnavailable)
