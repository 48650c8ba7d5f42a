"""The way from a person's action to the bot: signed HTTP or Socket Mode, three seconds for an answer, and the faults."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp

from playground.faults import Fault, Faults
from playground.payloads import encoded
from playground.signing import signed_headers
from playground.sockets import SocketGone, SocketHub
from playground.workspace import Workspace

Json = dict[str, Any]
FORM = "application/x-www-form-urlencoded"
SOCKET_KINDS = {"command": "slash_commands", "event": "events_api"}


@dataclass
class Sent:
    """What went to the bot, ready to be sent again."""

    kind: str
    payload: Json
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Answer:
    """What came back. `error`: None, `timeout`, `connection`, `status`, `no_socket`, `lost`, `off`. `elapsed` in seconds."""

    sent: Sent
    status: int | None = None
    body: Any = None
    elapsed: float = 0.0
    error: str | None = None
    at: float = 0.0
    duplicates: list[Answer] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when the bot acknowledged in time."""
        return self.error is None

    def json(self) -> Json:
        """The answer as an object, empty when there was none."""
        return self.body if isinstance(self.body, dict) else {}


class Delivery:
    """Sends to `bot_url` over HTTP, or over the open sockets when `socket_mode` is set."""

    def __init__(self, workspace: Workspace, sockets: SocketHub, faults: Faults) -> None:
        self.workspace = workspace
        self.sockets = sockets
        self.faults = faults
        self.bot_url: str | None = None
        self.socket_mode = False
        self.answers: list[Answer] = []
        self._session: aiohttp.ClientSession | None = None
        self._held: list[asyncio.Event] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def interaction(self, payload: Json) -> Answer:
        """Deliver a click, a submission or a closed view."""
        if not self.workspace.switches.interactivity:
            return self._note(Answer(Sent("interactive", payload), error="off", at=self.workspace.clock()))
        return await self._disturbed("interactive", payload)

    async def command(self, fields: dict[str, str]) -> Answer:
        """Deliver a slash command."""
        return await self._disturbed("command", fields)

    async def event(self, payload: Json) -> Answer:
        """Deliver an event; retries at Slack's pace (see Timing) go on in the background."""
        answer = await self._send(self._packed("event", payload))
        if not answer.ok:
            self._background(self._retry(payload, answer))
        return answer

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _retry(self, payload: Json, answer: Answer) -> None:
        for number, delay in enumerate(self.workspace.timing.event_retries, 1):
            await asyncio.sleep(delay)
            answer = await self._send(self._packed("event", payload, number, _retry_reason(answer)), number)
            if answer.ok:
                return

    async def _disturbed(self, kind: str, payload: Json) -> Answer:
        fault = self.faults.take_click()
        if fault is not None and fault.kind == "lost":
            return self._note(Answer(Sent(kind, payload), error="lost", at=self.workspace.clock()))
        if fault is not None and fault.kind == "late":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind == "reorder":
            await self._hold(fault)
        if fault is not None and fault.kind == "double":
            first, second = await asyncio.gather(
                self._send(self._packed(kind, payload)), self._send(self._packed(kind, payload))
            )
            first.duplicates.append(second)
            return first
        answer = await self._send(self._packed(kind, payload))
        if fault is not None and fault.kind == "lost_ack":
            answer.error, answer.body, answer.status = "timeout", None, None
        return answer

    async def _hold(self, fault: Fault) -> None:
        """Hold this click until its fellows are here, then let them go, last first."""
        gate = asyncio.Event()
        self._held.append(gate)
        if fault.times == 0:
            earlier, self._held = self._held[:-1], []
            self._background(_release(earlier[::-1]))
            return
        try:
            await asyncio.wait_for(gate.wait(), fault.seconds)
        except TimeoutError:
            self._held = [entry for entry in self._held if entry is not gate]

    def _packed(self, kind: str, payload: Json, retry: int = 0, reason: str = "") -> Sent:
        if kind == "event":
            body, content_type = json.dumps(payload).encode(), "application/json"
        elif kind == "command":
            body, content_type = urlencode(payload).encode(), FORM
        else:
            body, content_type = encoded(payload), FORM
        stamp = str(int(self.workspace.clock()))
        headers = signed_headers(self.workspace.credentials.signing_secret, stamp, body, content_type)
        if retry:
            headers |= {"x-slack-retry-num": str(retry), "x-slack-retry-reason": reason}
        return Sent(kind, payload, body, headers)

    async def _send(self, sent: Sent, retry: int = 0) -> Answer:
        started = time.perf_counter()
        answer = Answer(sent, at=self.workspace.clock())
        try:
            async with asyncio.timeout(self.workspace.timing.ack):
                if self.socket_mode or not self.bot_url:
                    await self._over_socket(sent, answer, retry)
                else:
                    await self._over_http(sent, answer)
        except TimeoutError:
            answer.error = "timeout"
        except (aiohttp.ClientError, OSError, SocketGone):
            answer.error = "connection"
        except LookupError:
            answer.error = "no_socket"
        answer.elapsed = time.perf_counter() - started
        return self._note(answer)

    async def _over_socket(self, sent: Sent, answer: Answer, retry: int) -> None:
        kind = SOCKET_KINDS.get(sent.kind, "interactive")
        reason = sent.headers.get("x-slack-retry-reason", "")
        answer.body = await self.sockets.deliver(kind, sent.payload, retry, reason)
        answer.status = 200

    async def _over_http(self, sent: Sent, answer: Answer) -> None:
        answer.status, answer.body = await self.raw(sent.body, sent.headers)
        if not 200 <= answer.status < 300:
            answer.error = "status"

    async def raw(self, body: bytes, headers: dict[str, str], path: str = "/slack/events") -> tuple[int, Any]:
        """POST exactly these bytes and headers to the bot; returns status and body (parsed when it is JSON)."""
        if self._session is None:
            connector = aiohttp.TCPConnector(force_close=True, limit=0)
            self._session = aiohttp.ClientSession(connector=connector)
        url = f"{(self.bot_url or '').rstrip('/')}{path}"
        async with self._session.post(url, data=body, headers=headers) as response:
            content = await response.read()
            return response.status, _parsed(content)

    def _note(self, answer: Answer) -> Answer:
        with self.workspace.changing({"kind": "delivery", "what": answer.sent.kind, "error": answer.error}):
            self.answers.append(answer)
        return answer

    async def close(self) -> None:
        """Stop retries and let go of connections."""
        for task in list(self._tasks):
            task.cancel()
        if self._session is not None:
            await self._session.close()


async def _release(gates: list[asyncio.Event]) -> None:
    for gate in gates:
        await asyncio.sleep(0.05)
        gate.set()


def _retry_reason(answer: Answer) -> str:
    return {"timeout": "http_timeout", "status": "http_error"}.get(str(answer.error), "connection_failed")


def _parsed(content: bytes) -> Any:
    text = content.decode("utf-8", "replace")
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return text
