"""The HTTP side of the Web API: a bare ASGI app, so that a fault can cut the connection at any point."""

from __future__ import annotations

import asyncio
import json
import time
from email.utils import formatdate
from typing import Any

from starlette.types import Receive, Scope, Send

from playground.errors import SlackError
from playground.faults import Fault, Faults
from playground.limits import RateLimits
from playground.webapi import chat, conversations, directory, files, views
from playground.webapi.args import Args, parse_args
from playground.webapi.registry import METHODS, Method, allowed, method
from playground.workspace import SOCKETS_OFF, Call, Workspace

Json = dict[str, Any]
HANDLERS = (chat, conversations, directory, files, views)
BODY_MOST = 10_000_000


@method("apps.connections.open", 1, "connections:write", token="app")
def connections_open(workspace: Workspace, _: Args) -> Json:
    """Where to connect a socket; refused where the app has Socket Mode switched off."""
    if not workspace.switches.socket_mode:
        raise SlackError(SOCKETS_OFF)
    return {"url": workspace.new_socket_url()}


class WebApi:
    """Answers `/api/<method>`; every call is recorded in `workspace.calls`."""

    def __init__(self, workspace: Workspace, faults: Faults, limits: RateLimits) -> None:
        self.workspace = workspace
        self.faults = faults
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        body = await read_body(receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        name = scope["path"].removeprefix("/api/").strip("/")
        call = Call(name, {}, self.workspace.clock())
        started = time.perf_counter()
        hits = self.faults.take(name)
        await self._delay(hits)
        if _hit(hits, "drop_before"):
            self._record(call, started, "drop_before")
            await drop(receive, send)
            return
        status, extra = self._answer(call, headers, body, scope["query_string"].decode("latin-1"), hits)
        dropped = _hit(hits, "drop_after") is not None
        self._record(call, started, "drop_after" if dropped else call.fault)
        extra["date"] = formatdate(self.workspace.clock(), usegmt=True)
        if dropped:
            await drop(receive, send)
        else:
            await respond(send, status, call.response, extra)

    async def _delay(self, hits: list[Fault]) -> None:
        for fault in hits:
            if fault.kind == "latency":
                await asyncio.sleep(fault.seconds)

    def _record(self, call: Call, started: float, fault: str | None) -> None:
        call.fault, call.elapsed = fault, time.perf_counter() - started
        notice = {"kind": "call", "method": call.method, "ok": call.ok, "fault": fault, "status": call.status}
        with self.workspace.changing(notice):
            self.workspace.calls.append(call)

    def _answer(
        self, call: Call, headers: dict[str, str], body: bytes, query: str, hits: list[Fault]
    ) -> tuple[int, dict[str, str]]:
        call.status, extra = 200, {}
        try:
            args = parse_args(headers.get("content-type", ""), body, query)
            token = _token(headers, args)
            call.args = args
            refused = self._refused(call, hits)
            if refused is not None:
                return refused
            call.response = self._run(call.method, token, args)
        except SlackError as refusal:
            call.response = refusal.body()
        if self.workspace.credentials.scopes is not None:
            extra["x-oauth-scopes"] = ",".join(sorted(self.workspace.credentials.scopes))
        return call.status, extra

    def _refused(self, call: Call, hits: list[Fault]) -> tuple[int, dict[str, str]] | None:
        """An injected failure or a rate limit, before anything is done."""
        for fault in hits:
            if fault.kind == "ratelimited":
                return self._too_many(call, max(0, round(fault.seconds)), "ratelimited")
            if fault.kind == "server_error":
                call.status, call.response, call.fault = 500, {"ok": False, "error": "internal_error"}, fault.kind
                return 500, {}
            if fault.kind == "error":
                call.fault = fault.kind
                raise SlackError(fault.error)
        known = METHODS.get(call.method)
        wait = self.limits.retry_after(call.method, known.tier, str(call.args.get("channel"))) if known else None
        return None if wait is None else self._too_many(call, wait, None)

    def _too_many(self, call: Call, seconds: int, fault: str | None) -> tuple[int, dict[str, str]]:
        call.status, call.response, call.fault = 429, {"ok": False, "error": "ratelimited"}, fault
        return 429, {"retry-after": str(seconds)}

    def _run(self, name: str, token: str, args: Json) -> Json:
        known = METHODS.get(name)
        if known is None:
            raise SlackError("unknown_method", req_method=name)
        self._check_token(known, token)
        with self.workspace.lock:
            return {"ok": True, **known.handler(self.workspace, Args(args))}

    def _check_token(self, known: Method, token: str) -> None:
        credentials = self.workspace.credentials
        if known.token == "none":
            return
        if not token:
            raise SlackError("not_authed")
        if token not in {credentials.bot_token, credentials.app_token}:
            raise SlackError("invalid_auth")
        if credentials.revoked:
            raise SlackError(credentials.revoked)
        if (token == credentials.app_token) != (known.token == "app"):
            raise SlackError("not_allowed_token_type")
        if known.token == "bot" and not allowed(credentials.scopes, known.scopes):
            provided = ",".join(sorted(credentials.scopes or ()))
            raise SlackError("missing_scope", needed=",".join(known.scopes), provided=provided)


def _hit(hits: list[Fault], kind: str) -> Fault | None:
    return next((fault for fault in hits if fault.kind == kind), None)


def _token(headers: dict[str, str], args: Json) -> str:
    header = headers.get("authorization", "")
    given = args.pop("token", "")
    return header[7:].strip() if header.lower().startswith("bearer ") else str(given or "")


async def read_body(receive: Receive) -> bytes:
    """The whole request body, at most 10 MB of it."""
    chunks: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        chunks.append(event.get("body", b""))
        size += len(chunks[-1])
        if not event.get("more_body") or size > BODY_MOST:
            return b"".join(chunks)


async def respond(send: Send, status: int, body: Json, headers: dict[str, str]) -> None:
    """One JSON answer."""
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    fields = {"content-type": "application/json; charset=utf-8", "content-length": str(len(content)), **headers}
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})


async def drop(receive: Receive, send: Send) -> None:
    """Cut the connection without a word, as a broken network does."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("this server does not let a connection be cut")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
