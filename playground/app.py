"""The composition: workspace, Web API, delivery and page behind one ASGI app."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from playground import seed
from playground.actors import Actors
from playground.answers import use_response_url
from playground.changes import Changes
from playground.control import Control
from playground.delivery import Delivery
from playground.errors import SlackError
from playground.faults import Faults
from playground.gate import Gate
from playground.limits import RateLimits
from playground.sockets import SocketHub
from playground.webapi import WebApi
from playground.workspace import Workspace

STATIC = Path(__file__).parent / "static"


@dataclass
class PlaygroundApp:
    """Everything that makes one playground; call it as an ASGI app."""

    workspace: Workspace = field(default_factory=lambda: seed.fill(Workspace()))
    faults: Faults = field(default_factory=Faults)
    limits: RateLimits = field(default_factory=RateLimits)

    def __post_init__(self) -> None:
        self.sockets = SocketHub(self.workspace)
        self.delivery = Delivery(self.workspace, self.sockets, self.faults)
        self.actors = Actors(self.workspace, self.delivery)
        self.changes = Changes(self.workspace, self.delivery)
        self.api = WebApi(self.workspace, self.faults, self.limits)
        self.control = Control(self.workspace, self.actors, self.changes, self.faults, self.limits, self.sockets)
        self.gate = Gate()
        self._pages = Starlette(routes=self._routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The Web API on the short way, everything else through Starlette; what is not for us is refused before either."""
        refusal = self.gate.refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is not None:
            await _refuse(scope, receive, send, *refusal)
        elif scope["type"] == "http" and scope["path"].startswith("/api/"):
            await self.api(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    def _routes(self) -> list[Any]:
        return [
            Route("/", self._page),
            Route("/archives/{channel}/{message}", self._page),
            Mount("/static", StaticFiles(directory=STATIC)),
            Mount("/playground", routes=self.control.routes()),
            Route("/actions/{team}/{secret}", self._response_url, methods=["POST"]),
            Route("/commands/{team}/{secret}", self._response_url, methods=["POST"]),
            Route("/upload/v1/{file}", self._upload, methods=["POST", "PUT"]),
            Route("/files/{file}/{name}", self._file),
            WebSocketRoute("/link/", self.sockets.serve),
        ]

    async def _page(self, _: Request) -> Response:
        headers = {"cache-control": "no-store", "x-frame-options": "DENY", "x-content-type-options": "nosniff"}
        return FileResponse(STATIC / "index.html", headers=headers)

    async def _response_url(self, request: Request) -> Response:
        try:
            body = json.loads(await request.body())
            use_response_url(self.workspace, request.path_params["secret"], body)
        except SlackError as refusal:
            gone = refusal.error in {"expired_url", "used_url", "invalid_url"}
            return PlainTextResponse(json.dumps(refusal.body()), 404 if gone else 400, media_type="application/json")
        except (ValueError, AttributeError):
            return PlainTextResponse("invalid_payload", 400)
        return PlainTextResponse("ok")

    async def _upload(self, request: Request) -> Response:
        file = self.workspace.files.get(request.path_params["file"])
        if file is None:
            return PlainTextResponse("file not found", 404)
        content = await request.body()
        with self.workspace.changing():
            file.content = content
        return PlainTextResponse(f"OK - {len(content)}")

    async def _file(self, request: Request) -> Response:
        file = self.workspace.files.get(request.path_params["file"])
        if file is None or file.content is None:
            return PlainTextResponse("file not found", 404)
        headers = {"content-security-policy": "sandbox", "x-content-type-options": "nosniff"}
        return Response(file.content, media_type=file.mimetype, headers=headers)


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, words: str) -> None:
    if scope["type"] == "websocket":
        await WebSocketClose(4403, words)(scope, receive, send)
    else:
        await JSONResponse({"ok": False, "error": words}, status)(scope, receive, send)
