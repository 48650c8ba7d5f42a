"""The way to Slack: one client that never re-sends by itself, and what Slack's refusals mean for us."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from bot.server.metrics import Metrics
from bot.settings import Settings

log = logging.getLogger("sayso.slack")
TIMEOUT_SECONDS = 10


class SlackTrouble(Exception):
    """Slack said no, or did not answer. `error` is Slack's word for it."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class RateLimited(SlackTrouble):
    """Slack asks to wait `seconds` (429)."""

    def __init__(self, seconds: float) -> None:
        super().__init__("ratelimited")
        self.seconds = seconds


class OutcomeUnknown(SlackTrouble):
    """The call may or may not have taken effect."""


class ChannelGone(SlackTrouble):
    """The channel is not there, archived, or closed to us."""


class MessageGone(SlackTrouble):
    """The message can no longer be changed."""


class TokenTrouble(SlackTrouble):
    """Our token is revoked or lacks a scope."""


_CHANNEL = frozenset({"channel_not_found", "is_archived", "not_in_channel", "restricted_action", "user_not_found",
                      "channel_is_archived", "cannot_dm_bot", "messages_tab_disabled"})  # fmt: skip
_MESSAGE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch",
                      "thread_not_found", "cannot_reply_to_message"})  # fmt: skip
_TOKEN = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive",
                    "missing_scope", "no_permission", "org_login_required"})  # fmt: skip
_UNSURE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are in Slack."""

    team: str | None
    user: str | None
    bot: str | None
    enterprise: str | None
    organisation: bool = False  # installed for all workspaces of the enterprise


class Slack:
    """Calls Slack's Web API; every failure comes as one of the troubles above."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._session: aiohttp.ClientSession | None = None
        self.identity: Identity | None = None
        self.client = AsyncWebClient(
            token=settings.slack_bot_token,
            base_url=settings.slack_api_url,
            timeout=TIMEOUT_SECONDS,
            # slack_sdk's default handlers send again after a dropped connection: one post becomes two cards.
            retry_handlers=[],
        )

    async def open(self) -> None:
        """Open the connection pool in the running loop."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))
        self.client.session = self._session

    async def close(self) -> None:
        """Close the connection pool."""
        if self._session is not None:
            await self._session.close()

    async def identify(self) -> Identity:
        """Ask Slack who we are, once; raises SlackTrouble."""
        if self.identity is None:
            said = await self.call("auth.test")
            self.identity = Identity(
                team=said.get("team_id"),
                user=said.get("user_id"),
                bot=said.get("bot_id"),
                enterprise=said.get("enterprise_id"),
                organisation=said.get("is_enterprise_install") is True,
            )
        return self.identity

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One call, sent once; raises SlackTrouble."""
        return (await self.ask(method, **arguments))[0]

    async def ask(self, method: str, **arguments: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """One call, sent once, and the headers of its answer by their names in small letters; raises SlackTrouble."""
        outcome = "ok"
        try:
            # The SDK knows which methods take JSON and which only a form or a query: reading ones refuse JSON.
            send = getattr(self.client, method.replace(".", "_"))
            answer = await send(**arguments)
            data = answer.data
            assert isinstance(data, dict)
            return data, {str(name).lower(): str(value) for name, value in dict(answer.headers or {}).items()}
        except SlackApiError as error:
            trouble = _trouble(error)
            outcome = trouble.error
            raise trouble from error
        except (TimeoutError, aiohttp.ClientError, SlackRequestError, OSError) as error:
            outcome = "no_answer"
            raise OutcomeUnknown(f"no answer: {type(error).__name__}") from error
        finally:
            self._metrics.called(method, outcome)

    async def upload(
        self, channel: str, name: str, content: bytes, *, title: str, alt: str, comment: str, thread: str | None = None
    ) -> None:
        """Post a file: ask where to, bring it there, share it in the channel (an id), or a thread of it. Raises SlackTrouble."""
        place = await self.call("files.getUploadURLExternal", filename=name, length=len(content), alt_txt=alt)
        await self._bring(str(place["upload_url"]), content)
        files = [{"id": place["file_id"], "title": title}]
        under = {"thread_ts": thread} if thread else {}
        await self.call(
            "files.completeUploadExternal", files=files, channel_id=channel, initial_comment=comment, **under
        )

    async def _bring(self, address: str, content: bytes) -> None:
        assert self._session is not None
        try:
            async with self._session.post(address, data=content) as answer:
                if answer.status != 200:
                    raise SlackTrouble(f"upload refused with {answer.status}")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise OutcomeUnknown(f"no answer: {type(error).__name__}") from error

    async def respond(self, address: str, text: str, blocks: list[dict[str, Any]] | None = None) -> bool:
        """Answer a tap at the address it brought, for the eyes of whoever tapped; whether Slack took it.

        With `blocks` the answer takes the place of the message that was tapped on.
        """
        assert self._session is not None
        body = {"text": text, "response_type": "ephemeral", "replace_original": blocks is not None}
        if blocks:
            body["blocks"] = blocks
        try:
            async with self._session.post(address, json=body) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return False


def _trouble(error: SlackApiError) -> SlackTrouble:
    response = error.response
    status = getattr(response, "status_code", None)
    if status == 429:
        return RateLimited(_retry_after(response.headers))
    said = response.get("error") if isinstance(getattr(response, "data", None), dict) else None
    word = str(said or f"http_{status}")
    if said == "ratelimited":
        return RateLimited(_retry_after(response.headers))
    for words, kind in (
        (_CHANNEL, ChannelGone),
        (_MESSAGE, MessageGone),
        (_TOKEN, TokenTrouble),
        (_UNSURE, OutcomeUnknown),
    ):
        if word in words:
            return kind(word)
    if said is None or (status is not None and status >= 500):
        return OutcomeUnknown(word)
    return SlackTrouble(word)


def _retry_after(headers: Any) -> float:
    for name, value in dict(headers or {}).items():
        if str(name).lower() == "retry-after":
            try:
                return max(0.0, float(value[0] if isinstance(value, list) else value))
            except ValueError:
                break
    return 1.0
