"""One HTTP connection: uvicorn's, with an end to everything that uvicorn lets go on for ever (bot.server.edge says when)."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from bot.server.edge import Edge

LINGER_BYTES = 1_000_000
CLOSE = (b"connection", b"close")


class Refusal(Exception):
    """Raised inside the parser's callbacks: `status` and words for whoever sent this."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class GuardedConnection(HttpToolsProtocol):
    """Counts the bytes and the seconds of each request, and refuses framing that two servers could read differently."""

    server_state: Edge

    def __init__(self, config: Any, server_state: Edge, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.edge, self.limits = server_state, server_state.limits
        self.held = 0  # bytes of the request that is coming in
        self._in_head = True  # as opposed to in a body
        self._begun = False  # a request has begun to come in
        self._since = self._last = self._idle_since = self.loop.time()
        self._fed = 0
        self._line_bytes = self._head_bytes = 0
        self._refusal: Refusal | None = None
        self._deaf_since: float | None = None  # whatever still comes is thrown away
        self._discarded = 0
        self._closing_since: float | None = None
        self._stuck_since: float | None = None

    # --- the connection ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection: it has its place, or takes the greediest one's, or goes."""
        super().connection_made(transport)
        if not self.edge.admit():
            self.refuse(503, "too many connections")

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._let_go()
        for cycle, _ in self.pipeline:
            cycle.disconnected = True
        self.pipeline.clear()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    @property
    def address(self) -> str:
        """Where it comes from."""
        return self.client[0] if self.client else ""

    def data_received(self, data: bytes) -> None:
        """Some bytes: counted, parsed, and refused where they are too many or nonsense."""
        if self._deaf_since is not None:
            self._discard(len(data))
            return
        self._unset_keepalive_if_required()
        self._count(len(data))
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._deafen()  # answered, but whatever follows would be of another protocol
            return
        except httptools.HttpParserError:
            found = self._refusal or Refusal(400, "not a valid HTTP request")
            self.refuse(found.status, found.words)
            return
        if self._in_head and self._fed > self.limits.head_bytes:
            self.refuse(431, "the headers are too large")
        elif not self._in_head and self._fed > self.limits.body_bytes:
            self.refuse(413, "the body is too large")
        elif self.edge.held > self.limits.held_bytes:
            self.edge.relieve()

    def _count(self, size: int) -> None:
        now = self.loop.time()
        if self._fed == 0:
            self._since = now
        self._last = now
        self._fed += size
        self.held += size
        self.edge.held += size

    def _let_go(self) -> None:
        self.edge.held -= self.held
        self.held = self._fed = 0

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > LINGER_BYTES:
            self.transport.abort()

    # --- what the parser finds -----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._begun = True
        if self._fed == 0:  # behind the end of another one
            self._since, self._fed = self.loop.time(), 1
        self._line_bytes = self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the request line."""
        self._line_bytes += len(url)
        if self._line_bytes > self.limits.line_bytes:
            raise self._refused(414, "the address is too long")
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; what trails behind a body is none."""
        if not self._in_head:
            return
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > self.limits.head_bytes or len(self.headers) >= self.limits.headers:
            raise self._refused(431, "the headers are too large, or too many")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The headers are there: a request can begin, unless two servers could disagree where it ends."""
        self._check_framing()
        if len(self.pipeline) >= self.limits.pipelined:
            raise self._refused(400, "too many requests at once on one connection")
        super().on_headers_complete()
        self._in_head = False
        self._since = self._last = self.loop.time()
        self._fed = 0
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False

    def _check_framing(self) -> None:
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            raise self._refused(400, "not HTTP/1.1")
        for name, value in self.headers:
            if name == b"transfer-encoding":
                if value.strip().lower() != b"chunked" or self.parser.get_http_version() == "1.0":
                    raise self._refused(400, "an unsupported transfer coding")
            elif name != b"content-length" or value.strip() == b"0":
                continue
            if self.parser.should_upgrade():
                raise self._refused(400, "an upgrade with a body")

    def on_body(self, body: bytes) -> None:
        """A piece of the body, which nobody waits for any more once it is answered."""
        if not self.cycle.disconnected:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole; what follows is the next one."""
        super().on_message_complete()
        self._let_go()
        self._in_head, self._begun = True, False
        self._idle_since = self.loop.time()

    def on_response_complete(self) -> None:
        """It is answered."""
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def _refused(self, status: int, words: str) -> Refusal:
        self._refusal = Refusal(status, words)
        return self._refusal

    # --- time ----------------------------------------------------------------------------------------------------

    def waiting_since(self) -> float | None:
        """Since when it has been idle, or sending a request; None while we owe it an answer."""
        if self._owed and self._in_head:
            return None
        return self._since if self._fed or not self._in_head else self._idle_since

    @property
    def _owed(self) -> bool:
        cycle = self.cycle
        return bool(self.pipeline) or (cycle is not None and not (cycle.response_complete or cycle.disconnected))

    def look(self, now: float) -> None:
        """End it where its time is over."""
        if self._ending(now) or (self._owed and self._in_head):
            return
        if not self._in_head:
            self._look_at_body(now)
        elif self._fed and now - self._since > self.limits.head_seconds:
            # Nobody who has not begun a request waits for an answer, and one would be taken for the next request's.
            self.refuse(408, "the headers did not come in time") if self._begun else self.drop("idle")
        elif not self._fed and now - self._idle_since > self.limits.idle_seconds:
            self.transport.close()

    def _look_at_body(self, now: float) -> None:
        if self.flow.read_paused:
            self._since = self._last = now  # it is we who take our time
        elif self.cycle.response_complete:
            if now - self._idle_since > self.limits.linger_seconds:
                self.drop("a body that nothing reads")
        elif now - self._last > self.limits.gap_seconds or now - self._since > self.limits.body_seconds:
            self.refuse(408, "the body did not come in time")

    def _ending(self, now: float) -> bool:
        """Whether it is about to end anyway; hurried on where that takes too long."""
        if self._stuck_since is not None and now - self._stuck_since > self.limits.write_seconds:
            self.drop("an answer that the client does not read")
        elif self.transport.is_closing():
            self._closing_since = self._closing_since or now
            if now - self._closing_since > self.limits.close_seconds:
                self.transport.abort()
        elif self._deaf_since is None:
            return False
        elif now - self._deaf_since > self.limits.linger_seconds and not self._owed:
            self.transport.close()
        return True

    def pause_writing(self) -> None:
        """The other side does not take what it is sent."""
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It takes something again."""
        self._stuck_since = None
        super().resume_writing()

    def shutdown(self) -> None:
        """The server goes: who waits for an answer is told in it that there is no next one here."""
        for cycle in [self.cycle, *(queued for queued, _ in self.pipeline)]:
            if cycle is not None and not cycle.response_started:
                cycle.default_headers = [*cycle.default_headers, CLOSE]
        super().shutdown()

    # --- the end -------------------------------------------------------------------------------------------------

    def refuse(self, status: int, words: str) -> None:
        """Answer with an error where an answer can still be given, and end it."""
        if self._deaf_since is not None or self.transport.is_closing():
            return
        self.edge.refused[words] += 1
        self._deafen()
        if self.pipeline:
            self._abort()
        elif not self._owed:
            self._answer(status, words)
        elif self._in_head or self.cycle.response_started:
            self.cycle.keep_alive = False  # an earlier request is being answered: then it ends
        else:
            self._disconnect()
            self._answer(status, words)

    def drop(self, why: str) -> None:
        """End it without a word."""
        self.edge.refused[why] += 1
        self._abort()

    def _abort(self) -> None:
        self._let_go()
        self._disconnect()
        self.transport.abort()
        # Its place is free from now on, not from when the transport has told us.
        self.connections.discard(self)

    def _disconnect(self) -> None:
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.body = bytearray()
            self.cycle.message_event.set()

    def _deafen(self) -> None:
        self._deaf_since = self.loop.time()
        self._let_go()

    def _answer(self, status: int, words: str) -> None:
        """A problem, and the end of what we say; the other side has a moment to read it."""
        title = HTTPStatus(status).phrase
        content = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": words}).encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(content)).encode()),
            CLOSE,
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + content)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
