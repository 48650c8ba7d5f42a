"""Slack's way in over HTTP: our own size gate and signature check, before anything is parsed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from slack_bolt.response import BoltResponse
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from yarl import URL

from bot.server import arrivals
from bot.server.prefix import inner_path
from bot.slack import payload_checks

log = logging.getLogger("sayso.ingress")
MAX_BYTES = 1_000_000  # a view may hold 250 kB, and Slack sends it with its message
BODY_SECONDS = 2.5  # Slack waits for our answer for 3 s and then says that it failed
MAX_AGE_SECONDS = 300  # Slack's own figure for replays
MAX_NESTING = 64
MAX_FIELDS = 100
SIGNATURE = "x-slack-signature"  # beside the fields of a body: what tells a request from the next one like it
PATH = "/slack/events"
Body = dict[str, Any]
Headers = dict[str, str | Sequence[str]]


class Answers(Protocol):
    """Answers what was let in: a workspace's own reception, or one that leads it to the workspace that it is from."""

    async def answered(self, body: Body, headers: Headers) -> BoltResponse:
        """The answer to a body that was read and checked; of its headers those that tell of a repetition."""


class Ingress:
    """Lets in what Slack signed with our secret, and nothing else."""

    def __init__(
        self,
        app: Answers,
        signing_secret: str,
        clock: Callable[[], float] = time.time,
        note: Callable[[str], None] = lambda what: None,
    ) -> None:
        self._app = app
        self._note = note
        self._secret = signing_secret.encode()
        self._clock = clock

    async def receive(self, request: Request) -> Response:
        """One request of Slack's: 408 too slow, 413 too large, 401 not signed, 400 not Slack's form; else Bolt's answer."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                raw = await _limited(request)
        except TimeoutError:
            return PlainTextResponse("too slow", 408, {"connection": "close"})
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears it: whoever asked left before the body was whole
        if raw is None:
            return PlainTextResponse("too large", 413)
        if not self.signed(raw, request.headers.get("x-slack-request-timestamp"), request.headers.get(SIGNATURE)):
            log.warning("refused a request that Slack did not sign")
            self._note(arrivals.UNSIGNED)
            return PlainTextResponse("invalid signature", 401)
        body = parsed(raw, request.headers.get("content-type", ""))
        if body is None:
            return PlainTextResponse("not a Slack request", 400)
        if body.get("ssl_check") == "1":
            return PlainTextResponse("")
        if body.get("type") == "url_verification":
            return JSONResponse({"challenge": str(body.get("challenge", ""))})
        body = payload_checks.read(body)
        if body is None:
            return PlainTextResponse("not a Slack request", 400)
        body[SIGNATURE] = request.headers[SIGNATURE]
        answer = await self._app.answered(body, _retry(request))
        return Response(answer.body or "", answer.status, _plain(answer.headers))

    def signed(self, raw: bytes, timestamp: str | None, signature: str | None) -> bool:
        """Whether the body carries our secret's signature, from within the last five minutes."""
        if not timestamp or not signature or not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
            return False
        wanted = "v0=" + hmac.new(self._secret, b"v0:" + timestamp.encode() + b":" + raw, hashlib.sha256).hexdigest()
        ours = hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace"))
        if ours and abs(self._clock() - int(timestamp)) > MAX_AGE_SECONDS:
            self._note(arrivals.LATE)  # a replay, or one of the two clocks is wrong
            return False
        return ours


class Entrance:
    """ASGI middleware: what Slack posts goes to the ingress, before any of the agents' routes is asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it, or pass it on."""
        ingress: Ingress | None = None
        if scope["type"] == "http" and scope["method"] == "POST" and inner_path(scope) == PATH:
            ingress = getattr(scope["app"].state, "ingress", None)
        if ingress is None:
            await self._app(scope, receive, send)
        else:
            await (await ingress.receive(Request(scope, receive)))(scope, receive, send)


async def _limited(request: Request) -> bytes | None:
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > MAX_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return None
    return bytes(body)


def parsed(raw: bytes, content_type: str) -> dict[str, Any] | None:
    """The body as a mapping, whichever way Slack sends it; None where it is not one."""
    try:
        if "application/json" in content_type:
            return _object(raw.decode("utf-8"))
        form = _form(raw.decode("utf-8"))
        if any("\0" in value for value in form.values()):
            return None
        return _object(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        return None


def _form(text: str) -> dict[str, Any]:
    """The first value of each field. yarl reads a form in C, which takes a tenth of what urllib takes for a tap's."""
    if text.count("&") >= MAX_FIELDS:
        raise ValueError("too many fields")
    return dict(URL.build(query_string=text, encoded=True).query)


def _object(text: str) -> dict[str, Any] | None:
    value = json.loads(text)
    if _HALF_OF_A_PAIR.search(text):
        json.dumps(value, ensure_ascii=False).encode()  # half of a pair is no text, and could not be stored
    if "\0" in text or ("\\u0000" in text and _holds_nul(value)):
        return None  # nobody types it, and it could not be stored
    return value if isinstance(value, dict) and _shallow(value) else None


# Or what may be one: behind a backslash that stands for itself, it is not said where an escape begins.
_HALF_OF_A_PAIR = re.compile(
    r"\\\\u|\\u[dD][89abAB](?!..\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]", re.DOTALL
)


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_holds_nul, inner))


def _shallow(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_NESTING):
        level = [child for item in level for child in _children(item) if isinstance(child, dict | list)]
        if not level:
            return True
    return False


def _children(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _retry(request: Request) -> Headers:
    names = ("x-slack-retry-num", "x-slack-retry-reason")
    return {name: request.headers[name] for name in names if name in request.headers}


def _plain(headers: Any) -> dict[str, str]:
    return {name: value[0] if isinstance(value, list) else value for name, value in (headers or {}).items()}
