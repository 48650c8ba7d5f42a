"""The test kit: a workspace on a real port that a synchronous test can look at and act in.

with Playground.start(bot_url="http://127.0.0.1:8350") as slack:
    card = slack.expect_card(channel="#finance", contains="Refund")
    slack.person("U0ALICE").click(card, "approve")
    slack.expect_update(card, contains="Approved")
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from playground import payloads
from playground.app import PlaygroundApp
from playground.delivery import Answer
from playground.faults import Faults
from playground.installing import install
from playground.kit_directory import DirectoryKit
from playground.kit_people import Contains, PersonKit, Response, matches
from playground.kit_things import Card, Home, Modal
from playground.limits import RateLimits
from playground.model import Channel, Json, Message, Person, UserGroup
from playground.server import ServerThread
from playground.signing import signed_headers
from playground.sockets import SocketHub
from playground.workspace import Call, Workspace

__all__ = ["Card", "Channel", "Home", "Modal", "Person", "PersonKit", "Playground", "Response", "UserGroup"]
T = TypeVar("T")


class Playground:
    """A running workspace; use it as a context manager."""

    def __init__(self, app: PlaygroundApp, host: str = "127.0.0.1", port: int = 0) -> None:
        self.app = app
        self.server = ServerThread(app, host, port)
        self.directory = DirectoryKit(self)
        self._people: dict[str, PersonKit] = {}
        self._read: dict[tuple[str, str], tuple[int, str, str]] = {}

    @classmethod
    def start(
        cls,
        bot_url: str | None = None,
        *,
        socket_mode: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        app: PlaygroundApp | None = None,
    ) -> Playground:
        """Start on a free port. Without `bot_url`, interactions go over Socket Mode."""
        slack = cls(app or PlaygroundApp(), host, port)
        slack.bot_url = bot_url
        slack.app.delivery.socket_mode = socket_mode
        return slack

    def stop(self) -> None:
        """Stop serving."""
        self.server.stop()

    def __enter__(self) -> Playground:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- what a bot needs to know --------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The page's address."""
        return self.server.url

    @property
    def api_url(self) -> str:
        """The Web API's base address, with a slash at the end as the SDKs want it."""
        return f"{self.server.url}/api/"

    @property
    def token(self) -> str:
        """The bot token."""
        return self.workspace.credentials.bot_token

    @property
    def app_token(self) -> str:
        """The app-level token for Socket Mode."""
        return self.workspace.credentials.app_token

    @property
    def signing_secret(self) -> str:
        """The secret requests are signed with."""
        return self.workspace.credentials.signing_secret

    @property
    def env(self) -> dict[str, str]:
        """The settings a bot needs to use this workspace over HTTP."""
        return {
            "SLACK_BOT_TOKEN": self.token,
            "SLACK_SIGNING_SECRET": self.signing_secret,
            "SAYSO_SLACK_API_URL": self.api_url,
        }

    @property
    def bot_url(self) -> str | None:
        """Where the bot listens for HTTP requests; None sends over Socket Mode."""
        return self.app.delivery.bot_url

    @bot_url.setter
    def bot_url(self, url: str | None) -> None:
        self.app.delivery.bot_url = url

    def install(self, manifest: Json) -> None:
        """Install the app as a Slack app manifest describes it: its scopes, events, commands and switches."""
        install(self.workspace, manifest)

    # --- parts ---------------------------------------------------------------------------------------------------

    @property
    def workspace(self) -> Workspace:
        """The state; change it freely (`with workspace.changing(): …`)."""
        return self.app.workspace

    @property
    def faults(self) -> Faults:
        """Faults to switch on."""
        return self.app.faults

    @property
    def limits(self) -> RateLimits:
        """Slack's rate limits; off until `limits.enabled = True`."""
        return self.app.limits

    @property
    def sockets(self) -> SocketHub:
        """Socket Mode connections of the bot."""
        return self.app.sockets

    @property
    def calls(self) -> list[Call]:
        """Every Web API call so far, with time, arguments and answer."""
        return list(self.workspace.calls)

    def calls_to(self, method: str) -> list[Call]:
        """The calls of one method."""
        with self.workspace.lock:
            return [call for call in self.workspace.calls if call.method == method]

    @property
    def deliveries(self) -> list[Answer]:
        """Everything sent to the bot, with what came back."""
        return list(self.app.delivery.answers)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the playground from the test's thread (never from inside an `expect` condition)."""
        if self.workspace.lock_is_mine():
            work.close()
            raise RuntimeError("a condition given to expect() may only look, not act")
        return self.server.call(work)

    def person(self, user: str) -> PersonKit:
        """A person by id, or by name."""
        found = next((entry.id for entry in self.workspace.people.values() if entry.name == user), user)
        return self._people.setdefault(found, PersonKit(self, found))

    # --- looking -------------------------------------------------------------------------------------------------

    def all_messages(self) -> list[Card]:
        """Every message that is still there, oldest first, ephemerals included."""
        with self.workspace.lock:
            kept = [entry for entries in self.workspace.messages.values() for entry in entries if not entry.deleted]
            return [Card(self, entry) for entry in sorted(kept, key=lambda entry: entry.ts)]

    def messages(self, channel: str, ephemeral: bool = False) -> list[Card]:
        """The messages of a channel (`#name`, id, or a person's id), oldest first."""
        place = self.workspace.channel(channel)
        with self.workspace.lock:
            kept = [entry for entry in self.workspace.messages.get(place.id, []) if not entry.deleted]
            return [Card(self, entry) for entry in kept if ephemeral or entry.ephemeral_to is None]

    def cards(self, channel: str | None = None, approval_id: str | None = None) -> list[Card]:
        """The app's public messages with blocks, oldest first."""
        with self.workspace.lock:
            return [Card(self, entry) for entry in self._candidates(channel, approval_id)]

    def _candidates(self, channel: str | None, approval_id: str | None) -> list[Message]:
        if channel is None:
            places = list(self.workspace.messages.values())
        else:
            places = [self.workspace.messages.get(self.workspace.channel(channel).id, [])]
        kept = [
            entry
            for entries in places
            for entry in entries
            if entry.bot_id and entry.blocks and not entry.deleted and entry.ephemeral_to is None
        ]
        if approval_id is not None:
            kept = [entry for entry in kept if approval_id in approval_ids(entry.metadata)]
        return kept if channel is not None else sorted(kept, key=lambda entry: entry.ts)

    def fits(self, message: Message, contains: Contains) -> bool:
        """True when the message shows (or was sent with) every wanted piece; read once per revision."""
        if contains is None:
            return True
        key = (message.channel, message.ts)
        known = self._read.get(key)
        if known is None or known[0] != message.revision:
            card = Card(self, message)
            known = self._read[key] = (message.revision, card.text(), card.source())
        _, text, source = known
        return matches(contains, lambda: text, lambda: source)

    def expect(self, found: Callable[[], T | None], timeout: float, what: str) -> T:
        """Wait until `found()` is true; AssertionError with a transcript when it never is."""
        result = self.workspace.wait_for(found, timeout)
        if not result:
            raise AssertionError(self.told(f"expected within {timeout} s: {what}"))
        return result  # type: ignore[no-any-return]

    def expect_card(
        self,
        channel: str | None = None,
        contains: Contains = None,
        approval_id: str | None = None,
        timeout: float = 30.0,
        has: str | None = None,
        excluding: Card | list[Card] | None = None,
    ) -> Card:
        """Wait for a card (an app message with blocks); the newest that fits.

        `has` names something that must be touchable on it; `excluding` skips cards already known.
        """
        known = [excluding] if isinstance(excluding, Card) else excluding or []
        skipped = {(card.channel, card.ts) for card in known}

        def found() -> Card | None:
            for entry in reversed(self._candidates(channel, approval_id)):
                if (entry.channel, entry.ts) in skipped:
                    continue
                if self.fits(entry, contains) and (has is None or Card(self, entry).has(has)):
                    return Card(self, entry)
            return None

        return self.expect(found, timeout, f"a card {channel=} {contains=} {approval_id=} {has=}")

    def expect_message(self, channel: str, contains: Contains = None, timeout: float = 30.0) -> Card:
        """Wait for any message of a channel with this text, blocks or not; the newest that fits."""

        def found() -> Card | None:
            for entry in reversed(self.workspace.messages.get(self.workspace.channel(channel).id, [])):
                if not entry.deleted and entry.ephemeral_to is None and self.fits(entry, contains):
                    return Card(self, entry)
            return None

        return self.expect(found, timeout, f"a message in {channel} with {contains!r}")

    def expect_no_card(
        self,
        channel: str | None = None,
        contains: Contains = None,
        approval_id: str | None = None,
        within: float = 0.3,
    ) -> None:
        """Fail when such a card is there or appears within `within` seconds."""

        def found() -> Card | None:
            fitting = (entry for entry in self._candidates(channel, approval_id) if self.fits(entry, contains))
            return next((Card(self, entry) for entry in fitting), None)

        card = self.workspace.wait_for(found, within)
        if card:
            raise AssertionError(self.told(f"did not expect {card!r}"))

    def expect_update(self, card: Card, contains: Contains = None, timeout: float = 30.0) -> Card:
        """Wait until the message was changed after this snapshot was taken and shows the text; the new snapshot."""

        def found() -> Card | None:
            if card.message.deleted or card.message.revision <= card.revision:
                return None
            fresh = Card(self, card.message)
            return fresh if matches(contains, fresh.text, fresh.source) else None

        return self.expect(found, timeout, f"{card!r} is updated to show {contains!r}")

    def expect_gone(self, card: Card, timeout: float = 30.0) -> None:
        """Wait until the message was deleted."""
        self.expect(lambda: card.message.deleted, timeout, f"{card!r} is deleted")

    def expect_call(self, method: str, count: int = 1, timeout: float = 30.0) -> list[Call]:
        """Wait until the method was called at least `count` times."""

        def found() -> list[Call] | None:
            calls = self.calls_to(method)
            return calls if len(calls) >= count else None

        return self.expect(found, timeout, f"{method} is called {count} times")

    def expect_sockets(self, count: int = 1, timeout: float = 30.0) -> None:
        """Wait until the bot holds this many Socket Mode connections."""
        self.expect(lambda: len(self.sockets.ready) >= count, timeout, f"{count} sockets are connected")

    def refresh(self, card: Card) -> Card:
        """The message as it is now; AssertionError when it is gone."""
        return Card(self, self.current(card))

    def current(self, card: Card) -> Message:
        """The live message behind a card."""
        if card.message.deleted:
            raise AssertionError(self.told(f"{card!r} was deleted"))
        return card.message

    # --- raw requests --------------------------------------------------------------------------------------------

    def send_signed(
        self,
        body: bytes | str | Json,
        headers: dict[str, str] | None = None,
        *,
        secret: str | None = None,
        timestamp: int | str | None = None,
        path: str = "/slack/events",
    ) -> tuple[int, Any]:
        """POST a request to the bot signed as Slack signs; returns (status, body).

        A dict becomes `payload=<json>`. `headers` override the signed ones (None removes one); `secret` and
        `timestamp` forge the signature.
        """
        if isinstance(body, dict):
            body = payloads.encoded(body)
        content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        stamp = str(int(time.time()) if timestamp is None else timestamp)
        fields: dict[str, str | None] = dict(
            signed_headers(secret or self.signing_secret, stamp, content, "application/x-www-form-urlencoded")
        )
        fields |= headers or {}
        kept = {name: value for name, value in fields.items() if value is not None}
        return self.run(self.app.delivery.raw(content, kept, path))

    def replay(self, answer: Answer | Response | None = None) -> tuple[int, Any]:
        """Send a request to the bot again, byte for byte; the latest one without an argument."""
        again = answer.answer if isinstance(answer, Response) else answer or self.app.delivery.answers[-1]
        if again is None:
            raise ValueError("that act never reached the bot")
        return self.run(self.app.delivery.raw(again.sent.body, again.sent.headers))

    def send_event(self, event: Json) -> Answer:
        """Send an event such as `{"type": "tokens_revoked", …}`, wrapped as Slack wraps it."""
        return self.run(self.app.delivery.event(payloads.event_callback(self.workspace, event)))

    def together(self, *acts: Callable[[], T]) -> list[T]:
        """Run several acts at the same moment, each in a thread; their results in order."""
        gate = threading.Barrier(len(acts))

        def run(act: Callable[[], T]) -> T:
            gate.wait(10)
            return act()

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(run, acts))

    def disconnect(self, how: str = "refresh") -> None:
        """Disturb Socket Mode: `warning`, `refresh` (goodbye, then close) or `cut` (no goodbye)."""
        ways = {"warning": self.sockets.warn, "refresh": self.sockets.refresh, "cut": self.sockets.cut}
        self.run(ways[how]())

    # --- telling -------------------------------------------------------------------------------------------------

    def transcript(self, last: int = 30) -> str:
        """What happened, in words: messages, modals and what was sent to the bot."""
        lines = ["messages:"]
        for card in self.all_messages()[-last:]:
            place = self.workspace.channels[card.channel]
            who = f" (only {card.ephemeral_to})" if card.ephemeral_to else ""
            name = f"@{place.name}" if place.is_im else f"#{place.name}"
            text = card.text().replace("\n", " / ")[:300]
            lines.append(f"  {name}{who} {card.ts} {card.user}: {text} {card.actions() or ''}")
        for user, stack in self.workspace.modals.items():
            lines += [f"modal of {user}: {Modal(self, view)!r} errors={view.errors}" for view in stack]
        lines += ["sent to the bot:", *(f"  {describe(answer)}" for answer in self.deliveries[-last:])]
        refused = [call for call in self.calls if not call.ok][-10:]
        lines += ["refused Web API calls:", *(f"  {describe_call(call)}" for call in refused)]
        return "\n".join(lines)

    def told(self, problem: str) -> str:
        """A failure's message with the transcript."""
        return f"{problem}\n{self.transcript()}"


def approval_ids(metadata: Json | None) -> list[str]:
    """The approval ids in a card's metadata, one or a batch."""
    payload = (metadata or {}).get("event_payload") or {}
    several = str(payload.get("approval_ids") or "")
    return [str(payload.get("approval_id") or ""), *(entry.strip() for entry in several.split(",") if entry.strip())]


def describe(answer: Answer) -> str:
    """One line about something sent to the bot."""
    payload = answer.sent.payload
    user = payload.get("user", {}).get("id") if isinstance(payload.get("user"), dict) else payload.get("user_id")
    acts = [entry["action_id"] for entry in payload.get("actions", [])]
    what = payload.get("type") or payload.get("command")
    return f"{what} {acts or ''} by {user} -> {answer.status} {answer.error or ''} {answer.elapsed:.3f}s {answer.body or ''}"


def describe_call(call: Call) -> str:
    """One line about a Web API call."""
    return f"{call.method} {call.status} {call.response.get('error') or call.fault} {call.response.get('response_metadata') or ''}"
