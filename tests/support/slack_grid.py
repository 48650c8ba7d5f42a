"""One Slack for several workspaces: each is a playground of its own; a token leads to its workspace, a code installs the app."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import parse_qs

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from playground.kit import Playground
from support.servers import bound

Json = dict[str, Any]
CLIENT = {"SLACK_CLIENT_ID": "111.222", "SLACK_CLIENT_SECRET": "client-secret"}


class SlackGrid:
    """Slack's Web API for several workspaces on one address, and its side of an installation."""

    def __init__(self, workspaces: dict[str, Playground]) -> None:
        self.workspaces = workspaces
        self.tokens = {f"xoxb-{team.lower()}": team for team in workspaces}
        self.codes_taken: list[str] = []
        socket = bound()
        self.url = f"http://127.0.0.1:{socket.getsockname()[1]}/api/"
        app = Starlette(routes=[Route("/api/{method}", self._call, methods=["GET", "POST"])])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [socket]}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, with every workspace."""
        self._server.should_exit = True
        self._thread.join(10)
        for workspace in self.workspaces.values():
            workspace.stop()

    async def _call(self, request: Request) -> Response:
        method, body = request.path_params["method"], await request.body()
        if method == "oauth.v2.access":
            return JSONResponse(self._installed(request, body))
        team = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if team is None:
            return JSONResponse({"ok": False, "error": "invalid_auth"})
        slack = self.workspaces[team]
        headers = {"content-type": request.headers.get("content-type", ""), "authorization": f"Bearer {slack.token}"}
        async with httpx2.AsyncClient(timeout=30) as client:
            answer = await client.request(
                request.method, slack.env["SAYSO_SLACK_API_URL"] + method, content=body, headers=headers,
                params=request.query_params,
            )  # fmt: skip
        return Response(answer.content, answer.status_code, media_type="application/json")

    def _installed(self, request: Request, body: bytes) -> Json:
        """Slack's answer to a code, which is `code-TEAM`: good once, and only with our secret."""
        told = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        team = told.get("code", "").removeprefix("code-")
        known = team in self.workspaces and told["code"] not in self.codes_taken
        basic = request.headers.get("authorization", "").startswith("Basic ")
        if not (basic or told.get("client_secret") == CLIENT["SLACK_CLIENT_SECRET"]):
            return {"ok": False, "error": "bad_client_secret"}
        if not known:
            return {"ok": False, "error": "invalid_code"}
        self.codes_taken.append(told["code"])
        token = next(token for token, of in self.tokens.items() if of == team)
        place = self.workspaces[team].workspace.team
        enterprise = place.enterprise_id if place.organisation else None
        return {
            "ok": True,
            "app_id": "A0SAYSO",
            "access_token": token,
            "token_type": "bot",
            "scope": "chat:write,commands",
            "bot_user_id": "U0SAYSO",
            "authed_user": {"id": "U0ADMIN"},
            "team": None if enterprise else {"id": team, "name": f"Team {team}"},
            "enterprise": {"id": enterprise, "name": "The Organisation"} if enterprise else None,
            "is_enterprise_install": enterprise is not None,
        }


def workspace(team: str, *, enterprise: str | None = None) -> Playground:
    """A playground as one of several: its people are at home there; with `enterprise` it is installed for all of that."""
    slack = Playground.start(bot_url="http://127.0.0.1:1")
    with slack.workspace.changing():
        here, place = slack.workspace, slack.workspace.team
        for person in here.people.values():
            person.team_id = team if person.team_id == place.id else person.team_id
        place.id, place.enterprise_id, place.organisation = team, enterprise, enterprise is not None
    return slack
