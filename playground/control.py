"""The JSON control API under `/playground/` and the live stream the page listens to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from playground import guide, snapshot
from playground.actors import Actors, Outcome
from playground.changes import Changes
from playground.errors import SlackError
from playground.faults import Faults
from playground.limits import RateLimits
from playground.model import Json, Message, View
from playground.sockets import SocketHub
from playground.workspace import Workspace

Act = Callable[[Json], Awaitable[Json]]


class Control:
    """Acting as people, switching faults, watching what happens."""

    def __init__(
        self,
        workspace: Workspace,
        actors: Actors,
        changes: Changes,
        faults: Faults,
        limits: RateLimits,
        sockets: SocketHub,
    ) -> None:
        self.workspace = workspace
        self.actors = actors
        self.changes = changes
        self.faults = faults
        self.limits = limits
        self.sockets = sockets
        self.acts: dict[str, Act] = {
            "click": self._click,
            "choose": self._choose,
            "submit": self._submit,
            "close": self._close,
            "command": self._command,
            "home": self._home,
            "post": self._post,
            "dismiss": self._dismiss,
            "person": self._person_changed,
            "group": self._group_changed,
        }

    def routes(self) -> list[Route]:
        """What to mount under `/playground`."""
        return [
            Route("/state", self._state),
            Route("/message/{channel}/{ts}", self._message),
            Route("/person/{user}", self._person),
            Route("/act/{name}", self._act, methods=["POST"]),
            Route("/faults", self._faults, methods=["GET", "POST", "DELETE"]),
            Route("/guide", self._guide, methods=["GET", "PUT", "DELETE"]),
            Route("/calls", self._calls),
            Route("/stream", self._stream),
        ]

    # --- reading -------------------------------------------------------------------------------------------------

    async def _state(self, request: Request) -> Response:
        user = request.query_params.get("user", "")
        return JSONResponse(snapshot.state(self.workspace, user) | {"faults": self._switched()})

    async def _message(self, request: Request) -> Response:
        user = request.query_params.get("user", "")
        message = self.workspace.find_message(request.path_params["channel"], request.path_params["ts"])
        if message is None or message.ephemeral_to not in (None, user):
            return JSONResponse({"message": None})
        return JSONResponse({"message": snapshot.message(self.workspace, message, user)})

    async def _person(self, request: Request) -> Response:
        return JSONResponse(snapshot.person_views(self.workspace, request.path_params["user"]))

    async def _guide(self, request: Request) -> Response:
        try:
            if request.method == "PUT":
                self.workspace.show_guide(guide.read(await request.json()))
            elif request.method == "DELETE":
                self.workspace.show_guide(None)
        except ValueError as refusal:
            return JSONResponse({"ok": False, "error": str(refusal)}, 400)
        return JSONResponse({"ok": True, "guide": self.workspace.guide})

    async def _calls(self, request: Request) -> Response:
        last = max(0, int(request.query_params.get("last", "50")))
        calls = self.workspace.calls[-last:] if last else []
        return JSONResponse({"calls": [snapshot.call(entry) for entry in calls]})

    async def _stream(self, request: Request) -> Response:
        user = request.query_params.get("user", "")
        return StreamingResponse(
            self._notices(user), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    async def _notices(self, user: str) -> AsyncIterator[str]:
        queue: asyncio.Queue[Json] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def listener(notice: Json) -> None:
            if notice.get("user") in (None, user):
                loop.call_soon_threadsafe(queue.put_nowait, notice)

        stop = self.workspace.listen(listener)
        try:
            # Only now nothing is missed any more: whoever looks again on this has everything.
            yield 'retry: 500\n\ndata: {"kind": "open"}\n\n'
            while True:
                try:
                    notice = await asyncio.wait_for(queue.get(), 15)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if notice["kind"] == "end":
                    return
                yield f"data: {json.dumps(notice)}\n\n"
        finally:
            stop()

    # --- acting --------------------------------------------------------------------------------------------------

    async def _act(self, request: Request) -> Response:
        act = self.acts.get(request.path_params["name"])
        if act is None:
            return JSONResponse({"ok": False, "error": "unknown act"}, 404)
        try:
            body = await request.json()
            return JSONResponse({"ok": True, **await act(body)})
        except (SlackError, LookupError, ValueError) as refusal:
            return JSONResponse({"ok": False, "error": str(refusal)}, 400)

    def _target_message(self, body: Json) -> Message:
        found = self.workspace.find_message(body["channel"], body["ts"])
        if found is None or found.ephemeral_to not in (None, body["user"]):
            raise LookupError("that message is gone")
        return found

    def _target_view(self, body: Json) -> View:
        view = self.workspace.views.get(body["view"])
        if view is None or not view.open or view.user != body["user"]:
            raise LookupError("that view is closed")
        return view

    async def _click(self, body: Json) -> Json:
        name, value, block = body["action_id"], body.get("value"), body.get("block_id")
        if "view" in body:
            return _told(await self.actors.click_view(body["user"], self._target_view(body), name, value, block))
        return _told(await self.actors.click(body["user"], self._target_message(body), name, value, block))

    async def _choose(self, body: Json) -> Json:
        name, value, block = body["action_id"], body.get("value"), body.get("block_id")
        if "view" in body:
            return _told(await self.actors.fill(body["user"], self._target_view(body), name, value, block))
        return _told(await self.actors.choose(body["user"], self._target_message(body), name, value, block))

    async def _submit(self, body: Json) -> Json:
        view = self._target_view(body)
        for entry in body.get("values", []):
            await self.actors.fill(body["user"], view, entry["action_id"], entry["value"], entry["block_id"])
        return _told(await self.actors.submit(body["user"], view))

    async def _close(self, body: Json) -> Json:
        await self.actors.close(body["user"], bool(body.get("all")))
        return {}

    async def _command(self, body: Json) -> Json:
        return _told(await self.actors.command(body["user"], body["channel"], body["command"], body.get("text", "")))

    async def _home(self, body: Json) -> Json:
        await self.actors.open_home(body["user"])
        return {}

    async def _post(self, body: Json) -> Json:
        message = await self.actors.post(body["user"], body["channel"], body["text"], body.get("thread_ts"))
        return {"ts": message.ts}

    async def _dismiss(self, body: Json) -> Json:
        message = self._target_message(body)
        if message.ephemeral_to != body["user"]:
            raise LookupError("only what you alone see can be dismissed")
        self.workspace.delete_message(message)
        return {}

    async def _person_changed(self, body: Json) -> Json:
        answer = await self.changes.person(body["user"], **body["fields"])
        return {"status": answer.status if answer else None}

    async def _group_changed(self, body: Json) -> Json:
        group, what = body["group"], body["change"]
        if what in ("enter", "leave"):
            users = tuple(body["users"])
            added, removed = (users, ()) if what == "enter" else ((), users)
            answer = await self.changes.members(group, add=added, remove=removed)
        elif what in ("disable", "enable"):
            answer = await self.changes.disable(group, disabled=what == "disable")
        elif what == "delete":
            answer = await self.changes.delete(group)
        else:
            raise ValueError("change must be enter, leave, disable, enable or delete")
        return {"status": answer.status if answer else None}

    # --- faults --------------------------------------------------------------------------------------------------

    def _switched(self) -> Json:
        return self.faults.listing() | {
            "limits": self.limits.enabled,
            "revoked": self.workspace.credentials.revoked,
            "sockets": len(self.sockets.connections),
            "socket_mode": self.actors.delivery.socket_mode or not self.actors.delivery.bot_url,
        }

    async def _faults(self, request: Request) -> Response:
        try:
            if request.method == "DELETE":
                self._all_well()
            elif request.method == "POST":
                await self._switch(await request.json())
        except (ValueError, TypeError) as refusal:
            return JSONResponse({"ok": False, "error": str(refusal)}, 400)
        if request.method != "GET":
            self.workspace.publish({"kind": "faults"})
        return JSONResponse({"ok": True, "faults": self._switched()})

    def _all_well(self) -> None:
        self.faults.clear()
        self.limits.enabled = False
        self.workspace.credentials.revoked = None

    async def _switch(self, body: Json) -> None:
        options = {key: body[key] for key in ("times", "seconds") if key in body}
        if "limits" in body:
            self.limits.enabled = bool(body["limits"])
        elif "revoked" in body:
            self.workspace.credentials.revoked = body["revoked"] or None
        elif "socket" in body:
            await {"warning": self.sockets.warn, "refresh": self.sockets.refresh, "cut": self.sockets.cut}[
                body["socket"]
            ]()
        elif "clicks" in body:
            self.faults.clicks(body["clicks"], **options)
        else:
            more = {key: body[key] for key in ("probability", "error") if key in body}
            self.faults.inject(body.get("method", "*"), body["kind"], **options, **more)


def _told(outcome: Outcome) -> Json:
    answer = outcome.answer
    return {
        "errors": outcome.errors,
        "client_side": outcome.client_side,
        "refused": outcome.refused,
        "status": answer.status if answer else None,
        "elapsed": answer.elapsed if answer else 0,
    }
