"""One call with its retries: the only place that decides to send again."""

from __future__ import annotations

from dataclasses import replace

from sayso import retry
from sayso.effects import Core, Flow, Lost, Reply, Request, Send, Sleep
from sayso.errors import Unreachable


def exchange(core: Core, request: Request, budget: float | None = None) -> Flow[Reply]:
    """Send until an answer is worth having, for at most `budget` seconds (default: the client's `retry_for`;
    `math.inf` outlives any restart).

    An answer of 429 or 5xx is returned once patience ends; no answer at all raises Unreachable.
    """
    began, attempt, doubtful = core.now(), 0, False
    budget = core.retry_for if budget is None else budget
    while True:
        reply, why = yield from _attempt(core, request, max(0.05, budget - (core.now() - began)))
        if reply is not None and not retry.should_retry(reply):
            return replace(reply, doubtful=doubtful)
        doubtful = doubtful or reply is None or reply.status >= 500
        seconds = retry.pause(attempt, reply, budget - (core.now() - began), core.jitter())
        if seconds is None and reply is not None:
            return replace(reply, doubtful=doubtful)
        if seconds is None:
            raise Unreachable(f"no answer from {core.url} after {attempt + 1} attempts: {why}")
        yield Sleep(seconds)
        attempt += 1


def _attempt(core: Core, request: Request, left: float) -> Flow[tuple[Reply | None, str]]:
    try:
        return (yield Send(request, min(core.timeout, left) + request.hold)), ""
    except Lost as lost:
        return None, str(lost)
