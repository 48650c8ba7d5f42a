"""The state of one pretend Slack workspace, safe to use from several threads.

Every change happens inside `changing()`, which wakes whoever waits on `changed` and tells the listeners.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playground.errors import SlackError
from playground.model import Channel, File, Json, Message, Person, Team, UserGroup, View
from playground.state_values import initial_state, merge_state
from playground.tickets import Tickets

APP_ID = "A0SAYSO"
BOT_ID = "B0SAYSO"
MODAL_STACK = 3
# What an app without an answer to it is told; Slack does not document its word for this.
SOCKETS_OFF = "socket_mode_not_enabled"
EVENTS = (
    "app_home_opened",
    "subteam_members_changed",
    "subteam_updated",
    "user_change",
    "team_join",
    "message.channels",
    "message.groups",
)


@dataclass
class Timing:
    """Slack's clocks, in seconds; shorten them in tests that wait for them."""

    ack: float = 3.0
    trigger: float = 3.0
    response_url: float = 1800.0
    response_url_uses: int = 5
    event_retries: tuple[float, ...] = (0.0, 60.0, 300.0)


@dataclass
class Credentials:
    """What the app was installed with."""

    bot_token: str = "xoxb-playground"
    app_token: str = "xapp-playground"
    signing_secret: str = "playground-signing-secret"
    revoked: str | None = None
    scopes: set[str] | None = None


@dataclass
class Call:
    """One Web API call as it arrived, and what was answered."""

    method: str
    args: Json
    at: float
    status: int = 0
    response: Json = field(default_factory=dict)
    fault: str | None = None
    elapsed: float = 0.0

    @property
    def ok(self) -> bool:
        """True when Slack said `ok`."""
        return self.response.get("ok") is True


@dataclass
class Switches:
    """What an administrator of the app switches on: without it nothing of the kind is sent."""

    interactivity: bool = True
    socket_mode: bool = True


Listener = Callable[[Json], None]


class Workspace:
    """People, channels, messages, views and files, and the ways they may change."""

    def __init__(self, team: Team | None = None, credentials: Credentials | None = None) -> None:
        self.team = team or Team()
        self.credentials = credentials or Credentials()
        self.timing = Timing()
        self.switches = Switches()
        self.clock: Callable[[], float] = time.time
        self.tickets = Tickets(lambda: self.clock())
        self.base_url = ""
        self.bot_user = "U0SAYSO"
        self.app_id = APP_ID
        self.bot_id = BOT_ID
        self.commands: dict[str, Json] = {
            "/sayso": {
                "description": "Approvals: queue, stats and more",
                "hint": "queue | mine | stats | show ID | help",
            }
        }
        self.bot_events: set[str] = set(EVENTS)
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.people: dict[str, Person] = {}
        self.groups: dict[str, UserGroup] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, list[Message]] = {}
        self._by_ts: dict[tuple[str, str], Message] = {}
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.views: dict[str, View] = {}
        self.files: dict[str, File] = {}
        self.calls: list[Call] = []
        self.guide: Json | None = None
        self.element_state: dict[tuple[str, str, str], Json] = {}
        self.socket_tickets: set[str] = set()
        self._listeners: list[Listener] = []
        self._last_ts = 0
        self._ids: Counter[str] = Counter()

    # --- changes and waiting -------------------------------------------------------------------------------------

    @contextmanager
    def changing(self, *notices: Json) -> Iterator[None]:
        """Hold the lock, then wake the waiters and publish `notices`."""
        with self.changed:
            yield
            self.changed.notify_all()
        for notice in notices:
            self.publish(notice)

    def lock_is_mine(self) -> bool:
        """True when this very thread holds the lock."""
        return bool(self.lock._is_owned())  # type: ignore[attr-defined]

    def publish(self, notice: Json) -> None:
        """Tell every listener (the page's live stream) that something happened."""
        for listener in list(self._listeners):
            listener(notice)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Subscribe; the returned function unsubscribes."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def wait_for(self, found: Callable[[], Any], timeout: float) -> Any:
        """Wait until `found()` is true and return it, or its last (false) value after `timeout` seconds."""
        with self.changed:
            return self.changed.wait_for(found, timeout)

    def next_ts(self) -> str:
        """A unique, increasing timestamp in Slack's form, e.g. `1700000000.000100`."""
        with self.lock:
            self._last_ts = max(self._last_ts + 100, int(self.clock() * 1_000_000))
            return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        """A fresh id such as `V00000003`."""
        with self.lock:
            self._ids[prefix] += 1
            return f"{prefix}{self._ids[prefix]:08d}"

    def new_socket_url(self) -> str:
        """A websocket address good for one connection."""
        ticket = secrets.token_urlsafe(16)
        self.socket_tickets.add(ticket)
        return f"{self.base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={self.app_id}"

    def show_guide(self, guide: Json | None) -> None:
        """Put a guide beside the channels, or take it away."""
        with self.changing():
            changed, self.guide = guide != self.guide, guide
        if changed:
            self.publish({"kind": "guide"})

    # --- people and places ---------------------------------------------------------------------------------------

    def add_person(self, person: Person) -> Person:
        """Add or replace a person."""
        with self.changing({"kind": "directory"}):
            self.people[person.id] = person
        return person

    def add_group(self, group: UserGroup) -> UserGroup:
        """Add or replace a user group."""
        with self.changing({"kind": "directory"}):
            self.groups[group.id] = group
        return group

    def add_channel(self, channel: Channel) -> Channel:
        """Add or replace a channel."""
        with self.changing({"kind": "directory"}):
            self.channels[channel.id] = channel
            self.messages.setdefault(channel.id, [])
        return channel

    def person(self, user: str) -> Person:
        """A person by id; `user_not_found`."""
        if user not in self.people:
            raise SlackError("user_not_found")
        return self.people[user]

    def find_channel(self, where: str) -> Channel | None:
        """A channel by id, `#name`, bare name, or a person's id (their direct message with the app)."""
        if where in self.channels:
            return self.channels[where]
        if where in self.people:
            return self.direct_message(where)
        name = where.removeprefix("#")
        return next((entry for entry in self.channels.values() if not entry.is_im and entry.name == name), None)

    def channel(self, where: str) -> Channel:
        """Like find_channel, but raises `channel_not_found`."""
        found = self.find_channel(where)
        if found is None:
            raise SlackError("channel_not_found")
        return found

    def direct_message(self, user: str) -> Channel:
        """The direct message between the app and a person; made when first asked for."""
        with self.lock:
            for entry in self.channels.values():
                if entry.user == user:
                    return entry
        channel = Channel(
            id=f"D{user.removeprefix('U')}", name=self.people[user].name, user=user, members=[user, self.bot_user]
        )
        return self.add_channel(channel)

    # --- messages ------------------------------------------------------------------------------------------------

    def add_message(self, message: Message) -> Message:
        """Store a message and show it to everyone entitled."""
        with self.changing({"kind": "message", "channel": message.channel, "ts": message.ts}):
            self.messages.setdefault(message.channel, []).append(message)
            self._by_ts[(message.channel, message.ts)] = message
        return message

    def find_message(self, channel: str, ts: str) -> Message | None:
        """A message that is still there."""
        found = self._by_ts.get((channel, ts))
        return None if found is None or found.deleted else found

    def message_changed(self, message: Message) -> None:
        """Announce an edit made inside the lock."""
        with self.changing({"kind": "message", "channel": message.channel, "ts": message.ts}):
            message.revision += 1

    def delete_message(self, message: Message) -> None:
        """Take a message away."""
        with self.changing({"kind": "message", "channel": message.channel, "ts": message.ts}):
            message.deleted = True
            message.revision += 1

    def message_state(self, message: Message, user: str) -> Json:
        """What this person has chosen in this message's menus and inputs."""
        key = (message.channel, message.ts, user)
        with self.lock:
            state = merge_state(message.blocks, self.element_state.get(key, {}))
            self.element_state[key] = state
            return state

    # --- views ---------------------------------------------------------------------------------------------------

    def new_view(self, user: str, body: Json, root: View | None = None, previous: View | None = None) -> View:
        """A view object with a fresh id and hash; not yet shown."""
        name = self.new_id("V")
        view = View(
            id=name,
            user=user,
            body=body,
            hash=self._new_hash(),
            team_id=self.team.id,
            app_id=self.app_id,
            bot_id=self.bot_id,
            root_view_id=root.id if root else name,
            previous_view_id=previous.id if previous else None,
            state=initial_state(body["blocks"]),
        )
        self.views[name] = view
        return view

    def _new_hash(self) -> str:
        return f"{self.next_ts()}.{secrets.token_hex(4)}"

    def open_modal(self, user: str, body: Json) -> View:
        """Show a modal, in place of whatever stack was open."""
        with self.changing({"kind": "views", "user": user}):
            for old in self.modals.get(user, []):
                old.open = False
            view = self.new_view(user, body)
            self.modals[user] = [view]
        return view

    def push_modal(self, user: str, body: Json) -> View:
        """Put a modal on top of the open one; `push_limit_reached` beyond three."""
        with self.changing({"kind": "views", "user": user}):
            stack = self.modals.get(user) or []
            if not stack:
                raise SlackError("not_found")
            if len(stack) >= MODAL_STACK:
                raise SlackError("push_limit_reached")
            view = self.new_view(user, body, root=stack[0], previous=stack[-1])
            stack.append(view)
        return view

    def replace_view(self, view: View, body: Json) -> View:
        """Give a view a new body; what was typed under the same block and action stays."""
        with self.changing({"kind": "home" if view.body["type"] == "home" else "views", "user": view.user}):
            view.body = body
            view.state = merge_state(body["blocks"], view.state)
            view.hash = self._new_hash()
            view.errors = {}
        return view

    def publish_home(self, user: str, body: Json) -> View:
        """Show a home tab."""
        with self.changing({"kind": "home", "user": user}):
            old = self.homes.get(user)
            if old:
                old.body, old.hash = body, self._new_hash()
                old.state = initial_state(body["blocks"])
                return old
            view = self.new_view(user, body)
            self.homes[user] = view
        return view

    def close_top(self, user: str) -> list[View]:
        """Close the topmost modal (the whole stack with clear_on_close); returns what closed."""
        with self.changing({"kind": "views", "user": user}):
            stack = self.modals.get(user) or []
            count = len(stack) if stack and stack[-1].body.get("clear_on_close") else min(1, len(stack))
            closed = [stack.pop() for _ in range(count)]
            for view in closed:
                view.open = False
        return closed

    def close_all(self, user: str) -> None:
        """Close the whole stack."""
        with self.changing({"kind": "views", "user": user}):
            for view in self.modals.get(user) or []:
                view.open = False
            self.modals[user] = []
