"""Each HTTP request is watched: its answer counted, its log lines marked, its part in a trace recorded."""

from __future__ import annotations

import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.server.prefix import inner_path
from bot.server.runtime import Runtime
from bot.server.tracing import Ask
from bot.service import activity
from bot.service.activity import Activity
from policies.trace_context import traceparent

_ONE = re.compile(r"/v1/approvals/([^/]+)(?:/(claim|result|answer|cancel|label|delegate))?")
_ASKS = ("/v1/approvals", "/v1/tool-calls", "/aap/v1/requests")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Watching:
    """ASGI middleware, outside of everything that answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Watch one request."""
        runtime: Runtime | None = getattr(scope["app"].state, "runtime", None) if scope["type"] == "http" else None
        if runtime is None:
            await self._app(scope, receive, send)
            return
        found = _ONE.fullmatch(path := inner_path(scope))
        own = activity.take_up(_begun(scope, found[1] if found else None))
        ask = runtime.spans.ask(own.caller) if _asks(scope["method"], path) else None
        own.keeps = ask.trace if ask else None
        status = 500  # what becomes of a request that raises

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *_marks(own)]}
            await send(message)

        try:
            await self._app(scope, receive, told)
        finally:
            runtime.metrics.responses.labels(str(status)).inc()
            _record(runtime, own, ask, (found[2] if found else None), status)


def _asks(method: str, path: str) -> bool:
    return method == "POST" and (path in _ASKS or path.startswith("/v1/hooks/"))


def _begun(scope: Scope, approval_id: str | None) -> Activity:
    wanted = {b"traceparent", b"x-request-id"}
    said: dict[bytes, list[str]] = {name: [] for name in wanted}
    for name, value in scope["headers"]:
        if name in wanted:
            said[name].append(value.decode("latin-1"))
    parents, names = said[b"traceparent"], said[b"x-request-id"]
    parent = traceparent(parents[0]) if len(parents) == 1 else None
    name = names[0] if len(names) == 1 and _NAME.fullmatch(names[0]) else secrets.token_hex(8)
    client = scope["client"][0] if scope.get("client") else None
    known = approval_id if approval_id and _NAME.fullmatch(approval_id) else None
    return Activity(name, client, str(parent) if parent else None, approval_id=known)


def _marks(own: Activity) -> list[tuple[bytes, bytes]]:
    marks = [(b"x-request-id", (own.request_id or "").encode())]
    if own.approval is not None and own.approval.trace is not None:
        marks.append((b"traceparent", own.approval.trace.encode()))
    return marks


def _record(runtime: Runtime, own: Activity, ask: Ask | None, verb: str | None, status: int) -> None:
    approval = own.approval
    if ask is not None and own.made is not None:
        ask.end(own)
    if approval is None:
        return
    if verb is not None:
        more = {"status": status}
        failed = status >= 400
        name = f"sayso.{verb}"
        runtime.spans.record(name, approval, own.started_ns, "server", caller=own.caller, failed=failed, more=more)
    elif own.woken_ns is not None:
        runtime.spans.record("sayso.wake", approval, own.woken_ns, caller=own.caller)
