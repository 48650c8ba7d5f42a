"""A small real server that keeps the agent HTTP API's promises, and breaks the network's on demand.

Written from the contract alone, on purpose apart from `sayso.testing`: two readings keep each other honest.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

TOKEN = "agent-token"
GRANTED = ("approved", "edited", "chosen", "answered")


def now() -> str:
    return datetime.now(UTC).isoformat()


class Problem(Exception):
    def __init__(self, status: int, title: str, **more: Any) -> None:
        self.status = status
        self.body = {"type": "about:blank", "title": title, "status": status, **more}


class Book:
    """What the server remembers; it outlives the server's restarts."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, tuple[Any, str]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.nonces: list[str] = []
        self.stopped = False

    def row(self, approval_id: str) -> dict[str, Any]:
        if approval_id not in self.rows:
            raise Problem(404, "Not found")
        return self.rows[approval_id]

    def create(self, body: dict[str, Any], key: str | None, step: str | None = None) -> tuple[int, dict[str, Any]]:
        if not key:
            raise Problem(400, "Idempotency-Key is missing", field="Idempotency-Key")
        if key in self.keys:
            known, approval_id = self.keys[key]
            if known != body:
                raise Problem(422, "Key reused", detail="this key was used with another body")
            return 200, self.row(approval_id)
        meant = next((row for row in self.rows.values() if self.meant(row, body, step)), None)
        if meant is not None:
            self.keys[key] = (body, meant["id"])
            return 200, meant
        route, state, decision = self.judge(body)
        row: dict[str, Any] = {
            "id": f"ap_{len(self.rows) + 1}",
            "action": body["action"],
            "params": body["params"],
            "state": state,
            "version": 1,
            "level": "hard_approval" if route == "ask" else "full_auto",
            "route": route,
            "why": ["because"],
            "digest": "0" * 64,
            "policy_version": "1",
            "assignee": "U0ALICE",
            "due_at": now(),
            "expires_at": now(),
            "created_at": now(),
            "decision": decision,
            "info_request": None,
            "feedback": None,
            "_body": body,
            "_step": step,
        }
        self.rows[row["id"]] = row
        self.keys[key] = (body, row["id"])
        return 201, row

    def meant(self, row: dict[str, Any], body: dict[str, Any], step: str | None) -> bool:
        """Whether the same is open, and no other step of another session."""
        was = row["_body"]
        if row["state"] != "pending" or any(was.get(name) != body.get(name) for name in ("action", "params", "kind")):
            return False
        if step is not None or row["_step"] is not None:
            return bool(step == row["_step"])
        return any(was.get(name) == body.get(name) for name in ("session_id", "completed_steps"))

    def judge(self, body: dict[str, Any]) -> tuple[str, str, dict[str, Any] | None]:
        policy = {"by": "policy", "at": now(), "latency_ms": 0}
        if body["action"] != "process_refund":
            return "block", "blocked", policy | {"kind": "block"}
        amount = body["params"].get("amount_usd", 0)
        if amount > 10_000:
            return "deny", "denied", policy | {"kind": "deny"}
        if amount < 50:
            return "auto", "approved", policy | {"kind": "approve"}
        return "ask", "pending", None

    def decide(self, approval_id: str, state: str, **more: Any) -> None:
        row = self.row(approval_id)
        decision = {"kind": state, "by": "U0ALICE", "at": now(), "latency_ms": 12, **more}
        if "edited_params" in more:
            row["params"] = more["edited_params"]
        self.change(row, state=state, decision=decision, info_request=None, feedback=f"It was {state}.")

    def change(self, row: dict[str, Any], **values: Any) -> dict[str, Any]:
        row.update(values, version=row["version"] + 1)
        return row

    def by_hand(self, session_id: str | None) -> str | None:
        rows = (row for row in self.rows.values() if session_id and row["_body"].get("session_id") == session_id)
        return "U0ALICE" if any(row["state"] == "taken_over" for row in rows) else None

    def claim(self, row: dict[str, Any], nonce: str) -> dict[str, Any]:
        self.nonces.append(nonce)
        if self.stopped:
            raise Problem(423, "Stopped", state=row["state"])
        if row["state"] == "expired":
            raise Problem(410, "Too late", state="expired")
        if row["state"] == "claimed" and row["_nonce"] != nonce:
            raise Problem(409, "Another nonce", state="claimed")
        if row["state"] != "claimed":
            if row["state"] not in GRANTED:
                raise Problem(409, "Not approved", state=row["state"])
            if self.by_hand(row["_body"].get("session_id")):
                raise Problem(423, "A person took over in this session", state=row["state"])
            self.change(row, state="claimed", _nonce=nonce)
        decision = row["decision"]
        return {
            "params": row["params"],
            "digest": row["digest"],
            "note": decision.get("note"),
            "edited": "edited_params" in decision,
            "claim_expires_at": (datetime.now(UTC) + timedelta(minutes=15)).isoformat(),
        }

    def result(self, row: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        if row.get("_nonce") != body["nonce"]:
            raise Problem(409, "Another nonce", state=row["state"])
        if row["state"] == body["outcome"]:
            return row
        if row["state"] != "claimed":
            raise Problem(409, "Not claimed", state=row["state"])
        return self.change(row, state=body["outcome"], _detail=body["detail"])

    def answer(self, row: dict[str, Any], text: str) -> dict[str, Any]:
        if row["info_request"] is None:
            raise Problem(409, "Nothing was asked", state=row["state"])
        return self.change(row, info_request=None, _told=text)

    def cancel(self, row: dict[str, Any]) -> dict[str, Any]:
        if row["state"] != "pending" and row["state"] not in GRANTED:
            raise Problem(409, "Too late", state=row["state"])
        return self.change(row, state="cancelled")


def public(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.startswith("_")}


class Faults:
    """Wraps the app: scripted statuses before it, lost answers after it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.refuse: deque[tuple[int, dict[str, str]]] = deque()
        self.lose: Counter[str] = Counter()
        self.seen: list[tuple[str, str, dict[str, str]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.seen.append((scope["method"], scope["path"], headers))
        if self.refuse:
            status, more = self.refuse.popleft()
            return await Response("<h1>busy</h1>", status, more)(scope, receive, send)
        last = f"{scope['method']} {scope['path'].rsplit('/', 1)[-1]}"
        if self.lose[last] > 0:
            self.lose[last] -= 1
            return await self._apply_and_hang_up(scope, receive, send)
        return await self.app(scope, receive, send)

    async def _apply_and_hang_up(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def nowhere(_: Any) -> None:
            return None

        await self.app(scope, receive, nowhere)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9999")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        # Returning with the body unfinished makes uvicorn cut the connection: the answer is lost.


class Server:
    """The app on a real socket, in a thread of its own; `stop` and `start` keep book and port."""

    def __init__(self) -> None:
        self.book = Book()
        self.faults = Faults(self._app())
        self.port = 0
        self._uvicorn: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self.faults, log_level="critical", lifespan="off", timeout_graceful_shutdown=1, access_log=False
        )
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        while not self._uvicorn.started:
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        assert self._uvicorn is not None
        assert self._thread is not None
        self._uvicorn.should_exit = True
        self._thread.join(10)

    def _app(self) -> ASGIApp:
        routes = [
            Route("/v1/approvals", self._approvals, methods=["GET", "POST"]),
            Route("/v1/approvals/{id}", self._one),
            Route("/v1/approvals/{id}/checkpoint", self._checkpoint),
            Route("/v1/approvals/{id}/{verb}", self._verb, methods=["POST"]),
            Route("/v1/route", self._route, methods=["POST"]),
            Route("/v1/sessions/{id}", self._session, methods=["GET", "PUT"]),
        ]
        return Starlette(routes=routes, exception_handlers={Problem: _problem})

    async def _approvals(self, request: Request) -> Response:
        _authorise(request)
        if request.method == "POST":
            status, row = self.book.create(
                await request.json(), request.headers.get("idempotency-key"), request.headers.get("sayso-step")
            )
            return JSONResponse(public(row), status)
        state, session = request.query_params.get("state"), request.query_params.get("session_id")
        rows = [row for row in reversed(self.book.rows.values()) if state in (None, row["state"])]
        rows = [row for row in rows if session in (None, row["_body"].get("session_id"))]
        rows = [row for row in rows if "undone" not in request.query_params or row.get("undo")]
        begin = int(request.query_params.get("cursor", 0))
        more = str(begin + 2) if begin + 2 < len(rows) else None
        return JSONResponse({"approvals": [public(r) for r in rows[begin : begin + 2]], "next_cursor": more})

    async def _one(self, request: Request) -> Response:
        _authorise(request)
        row = self.book.row(request.path_params["id"])
        end, version = time.monotonic() + float(request.query_params.get("wait", 0)), row["version"]
        while row["state"] == "pending" and row["version"] == version and time.monotonic() < end:
            if self._uvicorn is not None and self._uvicorn.should_exit:
                break
            await asyncio.sleep(0.01)
        return JSONResponse(public(row))

    async def _checkpoint(self, request: Request) -> Response:
        _authorise(request)
        return JSONResponse(self.book.row(request.path_params["id"])["_body"].get("checkpoint"))

    async def _verb(self, request: Request) -> Response:
        _authorise(request)
        row, body = self.book.row(request.path_params["id"]), await request.json()
        match request.path_params["verb"]:
            case "claim":
                return JSONResponse(self.book.claim(row, body["nonce"]))
            case "result":
                row = self.book.result(row, body)
            case "answer":
                row = self.book.answer(row, body["text"])
            case "cancel":
                row = self.book.cancel(row)
            case "delegate":
                if row["state"] not in {*GRANTED, "claimed"}:
                    raise Problem(409, "Nothing to pass on", state=row["state"])
            case "label":
                row = self.book.change(row, _label=body["label"])
        return JSONResponse(public(row))

    async def _route(self, request: Request) -> Response:
        _authorise(request)
        route, _, _ = self.book.judge(await request.json())
        return JSONResponse({"route": route, "level": "hard_approval", "why": ["because"]})

    async def _session(self, request: Request) -> Response:
        _authorise(request)
        session_id = request.path_params["id"]
        if session_id not in self.book.sessions:
            if request.method == "GET":
                raise Problem(404, "No such session")
            self.book.sessions[session_id] = {"id": session_id, "state": "running", "by": None, "at": now()}
        return JSONResponse(self.book.sessions[session_id] | {"taken_over_by": self.book.by_hand(session_id)})


def _authorise(request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        raise Problem(401, "Unauthorized")


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return Response(json.dumps(error.body), error.status, media_type="application/problem+json")
