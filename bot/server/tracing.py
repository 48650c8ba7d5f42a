"""Traces, as the rest of the server knows them: nothing of OpenTelemetry is imported unless an operator names a collector.

One trace goes from the agent's ask to its result. The ask's span is kept with the approval (`traceparent`), and whatever
happens to it later, in this process or another, is a child of it.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

from bot.service.activity import Activity
from bot.settings import BadSetting, Settings
from policies.approval import Approval

Kind = Literal["server", "client", "internal"]
SETTING = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Ask(Protocol):
    """A request that may make an approval."""

    trace: str | None

    def end(self, activity: Activity) -> None:
        """It made one: the span is complete, with the parts that were timed."""


class Spans(Protocol):
    """Where spans go."""

    def ask(self, caller: str | None) -> Ask:
        """Somebody asks, who may be in a trace already."""

    def record(self, name: str, approval: Approval, started_ns: int, kind: Kind = "internal", **facts: Any) -> None:
        """Something happened to an approval, from then until now; `caller` is the `traceparent` of whoever asked for it,
        and `inner` names a part of the same length."""

    def close(self, seconds: float) -> None:
        """Send what waits, for so long at most."""


class _Unseen:
    def __init__(self, caller: str | None) -> None:
        self.trace = caller

    def end(self, activity: Activity) -> None:
        """Nobody looks."""


class Untraced:
    """No collector: what the agent says of its trace is kept, and nothing else is done."""

    def ask(self, caller: str | None) -> Ask:
        """Kept as it was sent."""
        return _Unseen(caller)

    def record(self, name: str, approval: Approval, started_ns: int, kind: Kind = "internal", **facts: Any) -> None:
        """Nobody looks."""

    def close(self, seconds: float) -> None:
        """Nothing waits."""


def spans(settings: Settings, version: str) -> Spans:
    """Where this server's spans go. Raises BadSetting where a collector is named and the extra `otel` is not installed."""
    if settings.otlp_endpoint is None:
        return Untraced()
    try:
        from bot.server.exported import Exported
    except ImportError:
        raise BadSetting(f"{SETTING}: needs the extra: pip install 'sayso-server[otel]'", field=SETTING) from None
    return Exported(settings.otlp_endpoint, version)


def tapped(spans: Spans, activity: Activity, verb: str, outcome: str) -> None:
    """Somebody tapped: a span for each approval that it met, with the decision inside where it moved on."""
    for approval in activity.met.values():
        inner = "sayso.decision" if approval.id in activity.moved else None
        spans.record(
            "sayso.tap", approval, activity.started_ns, "server", inner=inner, more={"verb": verb, "outcome": outcome}
        )
