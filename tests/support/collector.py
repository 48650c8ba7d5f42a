"""A stand-in for an OpenTelemetry collector: OTLP over HTTP, really decoded, kept span by span."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Seen:
    """One span as it came in."""

    name: str
    trace_id: str
    span_id: str
    parent: str
    kind: int
    links: tuple[tuple[str, str], ...]
    facts: dict[str, str | int]
    started: int
    ended: int
    raw: str


class Collector:
    """`seconds` is how long it takes for an answer, `status` what it answers."""

    def __init__(self, *, seconds: float = 0.0, status: int = 200) -> None:
        self.spans: list[Seen] = []
        self.asked = 0
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                body = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
                collector.asked += 1
                time.sleep(seconds)
                if status == 200:
                    assert self.path == "/v1/traces"
                    collector.spans.extend(_decoded(body))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                return None

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: Any) -> None:
                """Whoever sent it has gone."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def named(self, name: str) -> list[Seen]:
        """The spans of a name."""
        return [span for span in list(self.spans) if span.name == name]

    def until(self, found: Callable[[], bool], timeout: float = 20) -> None:
        """Wait until enough has come in."""
        deadline = time.monotonic() + timeout
        while not found():
            assert time.monotonic() < deadline, sorted(span.name for span in self.spans)
            time.sleep(0.05)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _decoded(body: bytes) -> list[Seen]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    message = ExportTraceServiceRequest.FromString(body)
    return [
        _seen(span, resource.resource)
        for resource in message.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _seen(span: Any, resource: Any) -> Seen:
    return Seen(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        kind=span.kind,
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        facts={one.key: one.value.string_value or one.value.int_value for one in span.attributes},
        started=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        raw=f"{span} {resource}",
    )
