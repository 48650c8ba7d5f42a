"""Short-lived permissions an interaction carries: trigger ids and response urls."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from playground.errors import SlackError
from playground.model import Message, View


@dataclass
class Trigger:
    """Lets the app open one view for one person."""

    id: str
    user: str
    expires: float
    view: View | None = None
    used: bool = False


@dataclass
class ResponseUrl:
    """Lets the app answer where the interaction happened."""

    secret: str
    user: str
    channel: str
    expires: float
    uses_left: int
    message: Message | None = None


class Tickets:
    """Issues triggers and response urls and takes them back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._triggers: dict[str, Trigger] = {}
        self._responses: dict[str, ResponseUrl] = {}

    def new_trigger(self, user: str, seconds: float, view: View | None = None) -> str:
        """A trigger id good once, for `seconds`."""
        name = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[name] = Trigger(name, user, self._clock() + seconds, view)
        return name

    def redeem_trigger(self, name: str) -> Trigger:
        """Use a trigger up; `invalid_trigger_id`, `exchanged_trigger_id`, `expired_trigger_id`."""
        trigger = self._triggers.get(name)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._clock() > trigger.expires:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger

    def new_response(self, user: str, channel: str, seconds: float, uses: int, message: Message | None) -> str:
        """The secret of a response url good for `uses` answers within `seconds`."""
        secret = secrets.token_urlsafe(18)
        self._responses[secret] = ResponseUrl(secret, user, channel, self._clock() + seconds, uses, message)
        return secret

    def use_response(self, secret: str) -> ResponseUrl:
        """Take one use; `expired_url` when too late, `used_url` when used up, `invalid_url` when unknown."""
        response = self._responses.get(secret)
        if response is None:
            raise SlackError("invalid_url")
        if self._clock() > response.expires:
            raise SlackError("expired_url")
        if response.uses_left < 1:
            raise SlackError("used_url")
        response.uses_left -= 1
        return response
