"""Several workspaces in one server: each is an app of its own with a database of its own; what comes in is led to its app."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fastapi import FastAPI
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from bot.app import VERSION, build
from bot.server import audit_anchor, installed, open_database, workspace
from bot.server.prefix import Prefixed
from bot.server.runtime import Runtime
from bot.settings import Settings
from bot.slack.ingress import PATH, Body, Headers, Ingress
from bot.slack.installing import INSTALL, REDIRECT, Client, Installing
from policies.errors import SaysoError
from store.engine import Database
from store.installations import Installations, Workspace

log = logging.getLogger("sayso.workspaces")
Build = Callable[..., FastAPI]
_NOT_HERE = "Sayso is not installed here, or not ready yet: ask whoever runs it to look at its log."


@dataclass
class Tenant:
    """One workspace's app while it runs; `trouble` says why it does not."""

    place: Workspace
    app: FastAPI | None = None
    trouble: str | None = "starting"
    task: asyncio.Task[None] | None = None
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ended(self) -> bool:
        """Whether it runs no longer, or never did: then it is tried again."""
        return self.task is not None and self.task.done()

    @property
    def runtime(self) -> Runtime | None:
        """What its app is made of, once it runs."""
        return getattr(self.app.state, "runtime", None) if self.app is not None and self.trouble is None else None


class Tenants:
    """Every workspace where the app is installed: begun when it is installed, ended when it is not any more."""

    def __init__(self, settings: Settings, store: Installations, build: Build = build) -> None:
        self._settings, self._store, self._build = settings, store, build
        self._looking = asyncio.Lock()
        self.all: dict[str, Tenant] = {}
        self._troubles: dict[str, str] = {}  # what kept a workspace from running, told until it runs

    async def run(self) -> None:
        """Look for ever: another server may have been where somebody installed it, and what failed is tried again."""
        while True:
            await asyncio.sleep(self._settings.sweep_seconds)
            await self.look()

    async def look(self) -> None:
        """Begin what is new or failed, and end what is gone or has another token."""
        async with self._looking:
            try:
                found = {place.id: place for place in await asyncio.to_thread(self._store.workspaces)}
            except Exception as error:
                log.error("no look at what is installed: %s", error)
                return
            gone = [tenant for name, tenant in self.all.items() if found.get(name) != tenant.place or tenant.ended]
            await asyncio.gather(*(self._end(tenant) for tenant in gone))
            await asyncio.gather(*(self._begin(place) for name, place in found.items() if name not in self.all))

    async def close(self) -> None:
        """End all of them."""
        await asyncio.gather(*(self._end(tenant) for tenant in list(self.all.values())))

    def of(self, team: str | None, enterprise: str | None, *, organisation: bool) -> Tenant | None:
        """Whose a request is: the workspace's own installation, else its organisation's."""
        names = [enterprise] if organisation else [team, enterprise]
        return next((self.all[name] for name in names if name in self.all), None)

    async def answered(self, body: Body, headers: Headers) -> BoltResponse:
        """Slack's request, answered by the app of the workspace that it is from."""
        context = AsyncBoltRequest(body=body, mode="socket_mode").context
        tenant = self.of(context.team_id, context.enterprise_id, organisation=bool(context.is_enterprise_install))
        kind = (body.get("event") or {}).get("type") if isinstance(body.get("event"), dict) else None
        if tenant is not None and kind in _GOODBYES:
            return await self._leave(tenant, body["event"])
        if tenant is None or tenant.app is None or tenant.trouble is not None:
            where = context.team_id or context.enterprise_id
            log.warning("a request from %s, where the app does not run: %s", where, tenant and tenant.trouble)
            return BoltResponse(status=200 if body.get("command") else 404, body=_NOT_HERE)
        answer: BoltResponse = await tenant.app.state.reception.answered(body, headers)
        return answer

    async def _leave(self, tenant: Tenant, event: dict[str, Any]) -> BoltResponse:
        """Uninstalled, or the bot's token is revoked: nothing of it is kept that opens the workspace."""
        tokens = event.get("tokens") or {}
        if event["type"] == "app_uninstalled" or tokens.get("bot"):
            await asyncio.to_thread(self._store.remove, tenant.place)
            log.info("no longer installed in %s", tenant.place.id)
            await self.look()
        return BoltResponse(status=200, body="")

    async def _begin(self, place: Workspace) -> None:
        tenant = self.all[place.id] = Tenant(place, trouble=self._troubles.pop(place.id, "starting"))
        started = asyncio.Event()
        tenant.task = asyncio.create_task(self._live(tenant, started))
        await started.wait()

    async def _live(self, tenant: Tenant, started: asyncio.Event) -> None:
        try:
            app = await asyncio.to_thread(self._made, tenant.place)
            async with app.router.lifespan_context(app):
                tenant.app, tenant.trouble = app, None
                started.set()
                await tenant.ending.wait()
        except SaysoError as error:
            tenant.trouble = str(error)
            log.error("%s does not run: %s", tenant.place.id, error)
        except Exception as error:
            tenant.trouble = type(error).__name__
            log.exception("%s does not run", tenant.place.id)
        finally:
            started.set()

    def _made(self, place: Workspace) -> FastAPI:
        own = workspace.settings_of(self._settings, place.id, place.token)
        installed.make_room(self._settings, own)
        database = open_database.open_database(own)
        audit_anchor.require_place(own, database)
        return self._build(own, database=database)

    async def _end(self, tenant: Tenant) -> None:
        tenant.ending.set()
        if tenant.task is not None:
            await tenant.task
        if tenant.trouble is not None:
            self._troubles[tenant.place.id] = tenant.trouble
        self.all.pop(tenant.place.id, None)


_GOODBYES = ("app_uninstalled", "tokens_revoked")


def build_several(settings: Settings, database: Database, build: Build = build) -> FastAPI:
    """The ASGI app of a server for many workspaces; `database` keeps where the app is installed."""
    assert settings.slack_signing_secret is not None
    store, states = installed.store_of(settings, database)
    tenants = Tenants(settings, store, build)
    assert settings.slack_client_id is not None
    assert settings.slack_client_secret is not None
    client = Client(settings.slack_client_id, settings.slack_client_secret, settings.slack_api_url)
    installing = Installing(client, store, states, tenants.look)
    ingress = Ingress(tenants, settings.slack_signing_secret)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await tenants.look()
        looking = asyncio.create_task(tenants.run())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await tenants.close()

    app = FastAPI(title="Sayso", version=VERSION, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.tenants = tenants
    app.router.routes += [
        Route(PATH, ingress.receive, methods=["POST"]),
        Route(INSTALL, installing.begin, methods=["GET"]),
        Route(REDIRECT, installing.finish, methods=["GET"]),
        Route("/healthz", _alive, methods=["GET", "HEAD"]),
        Route("/readyz", partial(_ready, tenants, database), methods=["GET", "HEAD"]),
        Mount("/w", partial(_led, tenants)),
    ]
    app.add_middleware(Prefixed, prefix=settings.root_path)
    return app


async def _alive(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _ready(tenants: Tenants, database: Database, request: Request) -> Response:
    """The server takes requests where its database answers; each workspace says for itself what is wrong with it."""
    troubles = {name: tenant.trouble for name, tenant in tenants.all.items() if tenant.trouble}
    said = {name: troubles.get(name, "ready") for name in tenants.all}
    try:
        await asyncio.wait_for(asyncio.to_thread(database.check), 3.0)
    except (SaysoError, TimeoutError):
        body = {"status": "not ready", "troubles": {"database": "does not answer"}, "workspaces": said}
        return JSONResponse(body, 503)
    return JSONResponse({"status": "ready", "workspaces": said})


async def _led(tenants: Tenants, scope: Scope, receive: Receive, send: Send) -> None:
    """An agent's request below /w/T…: its workspace's app answers it."""
    place = scope["path"].removeprefix(scope["root_path"]).strip("/").partition("/")[0]
    tenant = tenants.all.get(place)
    if tenant is None or tenant.app is None or tenant.trouble is not None:
        status, why = (404, "no such workspace") if tenant is None else (503, "the workspace is not ready")
        body = {"type": "about:blank", "title": why, "status": status}
        await JSONResponse(body, status, media_type="application/problem+json")(scope, receive, send)
        return
    await tenant.app({**scope, "root_path": ""}, receive, send)
