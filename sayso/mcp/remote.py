"""A server at an address: streamable HTTP, in the revisions with a session and without."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from sayso.mcp.messages import CANCELLED, LOST, VERSION, Message, error, heard, key_of, written

if TYPE_CHECKING:
    import httpx2

_CONNECT, _SILENCE = 30.0, 600.0  # seconds
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_ATTEMPTS = 3


class Remote:
    """The server behind the gate. `on_message` gets each of its messages, `on_lost` a request that it will never answer."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        on_message: Callable[[Message], None],
        on_lost: Callable[[Message, str], None],
    ) -> None:
        self._url, self._headers, self._on_message, self._on_lost = url, dict(headers), on_message, on_lost
        self._client: httpx2.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._posts: dict[str, asyncio.Task[None]] = {}
        self._session: str | None = None
        self._version: str | None = None
        self.code = 0

    async def start(self) -> None:
        """Nothing is sent before the host speaks."""
        import httpx2

        timeout = httpx2.Timeout(_CONNECT, read=_SILENCE)
        self._client = httpx2.AsyncClient(timeout=timeout, follow_redirects=False)

    async def send(self, message: Message, raw: bytes) -> None:
        """Pass a message on. A notification is delivered before this returns, so that what follows comes after it."""
        if message.method == CANCELLED and self._modern:
            post = self._posts.get(key_of(message.params.get("requestId")))
            if post is not None:
                post.cancel()  # hanging up is how it is said there
            return
        task = self._begun(self._post(message, raw))
        if message.key is not None and message.method is not None:
            self._posts[message.key] = task
            task.add_done_callback(partial(self._forget, message.key))
            return
        await asyncio.wait({task})
        if message.method == "notifications/initialized":
            self._begun(self._listen())

    def _forget(self, key: str, done: asyncio.Task[None]) -> None:
        if self._posts.get(key) is done:
            del self._posts[key]

    @property
    def _modern(self) -> bool:
        """Whether the revision has no session: each request says its own version."""
        return self._version is not None and self._version >= "2026-07-28"

    def _begun(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _sent_with(self, message: Message | None) -> dict[str, str]:
        headers = {**self._headers, "Accept": "application/json, text/event-stream"}
        if self._session is not None:
            headers["Mcp-Session-Id"] = self._session
        if message is None or message.method is None:
            return headers | ({"MCP-Protocol-Version": self._version} if self._version else {})
        headers |= {"Content-Type": "application/json"}
        meta = message.params.get("_meta")
        own = meta.get(VERSION) if isinstance(meta, dict) else None
        if isinstance(own, str):
            self._version = own
            headers["Mcp-Method"] = message.method
            name = message.params.get(_NAMED.get(message.method, ""))
            headers |= {"Mcp-Name": _header(name)} if isinstance(name, str) else {}
        if self._version is not None and message.method != "initialize":
            headers["MCP-Protocol-Version"] = self._version
        return headers

    async def _post(self, message: Message, raw: bytes) -> None:
        import httpx2

        assert self._client is not None
        asks = message.key is not None and message.method is not None
        headers = {**self._sent_with(message), "Content-Type": "application/json"}
        try:
            async with self._client.stream("POST", self._url, content=raw, headers=headers) as reply:
                if message.method == "initialize":
                    self._session = reply.headers.get("mcp-session-id")
                if not asks:
                    return
                kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind == "text/event-stream" and reply.status_code == 200:
                    last = await self._events(reply, message)
                    await self._resumed(message, last)
                    return
                told = _in_a_line(await reply.aread())
                if isinstance(told.body, dict) and told.answers:
                    if told.key != message.key:  # such as null, where it could not read the request
                        told = heard(written({**told.body, "id": message.body["id"]}))
                    self._told(message, told)
                    return
                self._on_lost(message, f"answered {reply.status_code}")
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            if asks:  # nothing was sent, so nothing can have run
                self._on_message(heard(error(message.body["id"], LOST, "the server does not answer")))
        except Exception as problem:  # whatever it is: whoever waits is told
            if asks:
                self._on_lost(message, f"does not answer ({type(problem).__name__})")

    def _told(self, message: Message, told: Message) -> None:
        """An answer; that to `initialize` names the version of everything after it."""
        result = told.body.get("result") if isinstance(told.body, dict) else None
        if message.method == "initialize" and isinstance(result, dict):
            version = result.get("protocolVersion")
            self._version = version if isinstance(version, str) else None
        self._on_message(told)

    async def _events(self, reply: httpx2.Response, message: Message | None) -> tuple[str | None, bool]:
        """Passes on what a stream brings; gives its last event's id, and whether the answer was among them."""
        import httpx2

        last: str | None = None
        answered = False
        async for event in httpx2.EventSource(reply):
            last = event.id or last
            if event.event != "message" or not event.data:
                continue
            told = _in_a_line(event.data.encode())
            answered = answered or (message is not None and told.answers and told.key == message.key)
            if message is not None and told.answers and told.key == message.key:
                self._told(message, told)
            else:
                self._on_message(told)
        return last, answered

    async def _resumed(self, message: Message, came: tuple[str | None, bool]) -> None:
        """A stream that ended before the answer is taken up where it broke off, if it can be."""

        assert self._client is not None
        last, answered = came
        for attempt in range(_ATTEMPTS):
            if answered or last is None:
                break
            await asyncio.sleep(0.5 * 2**attempt)
            headers = {**self._sent_with(None), "Last-Event-ID": last, "Accept": "text/event-stream"}
            with contextlib.suppress(Exception):
                async with self._client.stream("GET", self._url, headers=headers) as reply:
                    if reply.status_code == 200:
                        newer, answered = await self._events(reply, message)
                        last = newer or last
        if not answered:
            self._on_lost(message, "ended its answer too early")

    async def _listen(self) -> None:
        """What the server says by itself."""

        assert self._client is not None
        last: str | None = None
        failures = 0
        while failures < _ATTEMPTS:
            headers = {**self._sent_with(None), "Accept": "text/event-stream"}
            headers |= {"Last-Event-ID": last} if last else {}
            try:
                async with self._client.stream("GET", self._url, headers=headers) as reply:
                    if reply.status_code != 200:
                        return  # it has nothing to say by itself
                    newer, _ = await self._events(reply, None)
                    last, failures = newer or last, 0
            except Exception:
                failures += 1
            await asyncio.sleep(1.0)

    async def close(self) -> None:
        """Hang up, and say so where there is a session."""
        import httpx2

        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is None:
            return
        if self._session is not None:
            with contextlib.suppress(httpx2.HTTPError):
                await self._client.delete(self._url, headers=self._sent_with(None), timeout=5.0)
        await self._client.aclose()


def _in_a_line(content: bytes) -> Message:
    """What came as a body or an event, on one line: between the values of JSON an end of a line is a blank."""
    return heard(content.replace(b"\r", b" ").replace(b"\n", b" ").strip())


def _header(value: str) -> str:
    """A name as a header carries it."""
    if value.isascii() and value.isprintable() and value.strip() == value and not value.startswith("=?"):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="
