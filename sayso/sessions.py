"""A running agent that people can pause, resume and cancel (docs/rules.md: C3)."""

from __future__ import annotations

import math

from sayso import serializers
from sayso.effects import Core, Flow, Reply, Sleep
from sayso.errors import NotFound, SessionCancelled
from sayso.exchange import exchange
from sayso.models import Session

BEAT_SECONDS = 15.0
PAUSE_POLL_SECONDS = (0.25, 5.0)


class Pulse:
    """What both session objects share: who the session is, and when it last gave a sign of life."""

    def __init__(self, session_id: str, title: str | None) -> None:
        self.id = session_id
        self.title = title
        self.beaten_at = -math.inf
        self.last: Session | None = None


def beat(core: Core, pulse: Pulse, budget: float | None = None) -> Flow[Session]:
    """Register the session, or say that it is alive; gives its state as people set it."""
    reply: Reply = yield from exchange(core, serializers.beat_request(pulse.id, pulse.title), budget)
    pulse.last = serializers.read_session(reply)
    pulse.beaten_at = core.now()
    return pulse.last


def checkpoint(core: Core, pulse: Pulse) -> Flow[Session]:
    """Return at once while running; while paused, wait until it runs again. Raises SessionCancelled.

    Fails closed: when the server cannot be asked for `retry_for` seconds this raises Unreachable. A pause, once
    seen, is waited out however long it lasts and however often the server restarts.
    """
    session = yield from _see(core, pulse, None)
    pause = PAUSE_POLL_SECONDS[0]
    while session.state == "paused":
        yield Sleep(pause)
        pause = min(PAUSE_POLL_SECONDS[1], pause * 1.6)
        session = yield from _see(core, pulse, math.inf)
    if session.state == "cancelled":
        raise SessionCancelled(session)
    return session


def _see(core: Core, pulse: Pulse, budget: float | None) -> Flow[Session]:
    if core.now() - pulse.beaten_at >= BEAT_SECONDS:
        return (yield from beat(core, pulse, budget))
    try:
        pulse.last = serializers.read_session((yield from exchange(core, serializers.see_session(pulse.id), budget)))
    except NotFound:
        return (yield from beat(core, pulse, budget))
    return pulse.last
