"""Spans to a collector, by OpenTelemetry's own SDK: in batches, from a thread of its own, dropped where nobody takes them.

Imported only where a collector is named. Attributes say which approval, action and agent; never a parameter, text or person.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from bot.server.tracing import Kind
from bot.service.activity import Activity
from policies.approval import Approval
from policies.trace_context import traceparent

EXPORT_SECONDS = 3
_KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}


class Asked:
    """The span of a request that may make an approval; one that makes none is never sent."""

    def __init__(self, tracer: trace.Tracer, caller: str | None) -> None:
        self._tracer = tracer
        self._span = tracer.start_span("sayso.ask", context=_inside(caller), kind=SpanKind.SERVER)
        self.trace: str | None = _text(self._span)

    def end(self, activity: Activity) -> None:
        """Complete, with its parts."""
        approval = activity.met[activity.made or ""]
        self._span.set_attributes(_facts(approval))
        for name, started, ended in activity.timed:
            part = self._tracer.start_span(f"sayso.{name}", context=_inside(self.trace), start_time=started)
            part.set_attributes(_facts(approval))
            part.end(ended)
        self._span.end()


class Exported:
    """OTLP over HTTP; OpenTelemetry's own variables say the rest (OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER …)."""

    def __init__(self, endpoint: str, version: str) -> None:
        named = os.environ.get("OTEL_SERVICE_NAME")
        resource = Resource.create({"service.name": named or "sayso", "service.version": version})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces", timeout=EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("sayso", version)
        # A collector that is down is told of by its own alarms, not by a line of ours each second.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

    def ask(self, caller: str | None) -> Asked:
        """A span in the caller's trace, or the first of a new one."""
        return Asked(self._tracer, caller)

    def record(self, name: str, approval: Approval, started_ns: int, kind: Kind = "internal", **facts: Any) -> None:
        """A child of the ask, in its trace; of the caller's span where that is in the same trace, else linked to it."""
        if approval.trace is None:
            return
        caller, own = traceparent(facts.get("caller")), traceparent(approval.trace)
        same = caller is not None and own is not None and caller.trace_id == own.trace_id
        span = self._tracer.start_span(
            name,
            context=_inside(str(caller) if same else approval.trace),
            kind=_KINDS[kind],
            start_time=started_ns,
            links=[Link(_context(str(caller)))] if caller is not None and not same else None,
        )
        ended = time.time_ns()
        span.set_attributes(_facts(approval) | {f"sayso.{key}": said for key, said in facts.get("more", {}).items()})
        if facts.get("failed"):
            span.set_status(Status(StatusCode.ERROR))
        if facts.get("inner"):
            part = self._tracer.start_span(
                facts["inner"], context=trace.set_span_in_context(span), start_time=started_ns
            )
            part.set_attributes(_facts(approval))
            part.end(ended)
        span.end(ended)

    def close(self, seconds: float) -> None:
        """Send what waits, for so long at most."""
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(seconds)


def _context(text: str) -> SpanContext:
    found = traceparent(text)
    assert found is not None
    return SpanContext(
        int(found.trace_id, 16), int(found.span_id, 16), is_remote=True, trace_flags=TraceFlags(int(found.flags, 16))
    )


def _inside(text: str | None) -> Context:
    return trace.set_span_in_context(NonRecordingSpan(_context(text))) if text else Context()


def _text(span: Span) -> str:
    found = span.get_span_context()
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"


def _facts(approval: Approval) -> dict[str, str | int]:
    return {
        "sayso.approval_id": approval.id,
        "sayso.action": approval.action,
        "sayso.agent": approval.agent,
        "sayso.route": approval.route.value,
        "sayso.level": approval.level.value if approval.level else "",
        "sayso.state": approval.state.value,
        "sayso.version": approval.version,
    }
