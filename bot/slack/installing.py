"""How a workspace installs the app: Bolt's OAuth flow over our sealed store, whose calls wait for the database in a thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncSuccessArgs, DefaultAsyncCallbackOptions
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.models.bot import Bot
from slack_sdk.oauth.installation_store.models.installation import Installation
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient
from starlette.requests import Request
from starlette.responses import Response

from bot.server.scopes import NEEDED
from store.installations import Installations, States

log = logging.getLogger("sayso.installing")
INSTALL, REDIRECT = "/slack/install", "/slack/oauth_redirect"
Installed = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Client:
    """The app as Slack knows it."""

    id: str
    secret: str = field(repr=False)
    api_url: str


class Installing:
    """The two pages: where an admin begins, and where Slack sends them back to."""

    def __init__(self, client: Client, installations: Installations, states: States, installed: Installed) -> None:
        options = AsyncOAuthSettings(
            client_id=client.id,
            client_secret=client.secret,
            scopes=list(NEEDED),
            install_path=INSTALL,
            redirect_uri_path=REDIRECT,
            authorization_url=client.api_url.removesuffix("api/") + "oauth/v2/authorize",
            installation_store=_Store(installations),
            state_store=_States(states),
        )
        usual = DefaultAsyncCallbackOptions(
            logger=log, state_utils=options.state_utils, redirect_uri_page_renderer=options.redirect_uri_page_renderer
        )
        options.callback_options = AsyncCallbackOptions(success=_then(installed, usual), failure=usual.failure)
        self._flow = AsyncOAuthFlow(
            client=AsyncWebClient(base_url=client.api_url, retry_handlers=[]), logger=log, settings=options
        )

    async def begin(self, request: Request) -> Response:
        """The page with the button that leads to Slack."""
        return _response(await self._flow.handle_installation(_request(request)))

    async def finish(self, request: Request) -> Response:
        """Slack's answer: kept, and the workspace begins; else a page that says what was wrong."""
        return _response(await self._flow.handle_callback(_request(request)))


def _then(
    installed: Installed, usual: DefaultAsyncCallbackOptions
) -> Callable[[AsyncSuccessArgs], Awaitable[BoltResponse]]:
    async def success(arguments: AsyncSuccessArgs) -> BoltResponse:
        found = arguments.installation
        log.info("installed in %s", found.enterprise_id if found.is_enterprise_install else found.team_id)
        await installed()
        return await usual.success(arguments)

    return success


class _Store(AsyncInstallationStore):
    """The store, asked in a thread."""

    def __init__(self, store: Installations) -> None:
        self._store = store

    @property
    def logger(self) -> logging.Logger:
        return log

    async def async_save(self, installation: Installation) -> None:
        await asyncio.to_thread(self._store.save, installation)

    async def async_save_bot(self, bot: Bot) -> None:
        await asyncio.to_thread(self._store.save_bot, bot)

    async def async_find_bot(self, **place: Any) -> Bot | None:
        return await asyncio.to_thread(lambda: self._store.find_bot(**place))

    async def async_find_installation(self, **place: Any) -> Installation | None:
        return await asyncio.to_thread(lambda: self._store.find_installation(**place))


class _States(AsyncOAuthStateStore):
    """Who began, asked in a thread."""

    def __init__(self, store: States) -> None:
        self._store = store

    @property
    def logger(self) -> logging.Logger:
        return log

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        return await asyncio.to_thread(self._store.issue)

    async def async_consume(self, state: str) -> bool:
        return await asyncio.to_thread(self._store.consume, state)


def _request(request: Request) -> AsyncBoltRequest:
    return AsyncBoltRequest(body="", query=request.url.query, headers=dict(request.headers))


def _response(answer: BoltResponse) -> Response:
    response = Response(answer.body or "", answer.status)
    for name, values in (answer.headers or {}).items():
        for value in values if isinstance(values, list) else [values]:
            response.headers.append(name, str(value))
    return response
