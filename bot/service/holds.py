"""Who holds what: told to operations when it begins and in the same message when it ends, and on the cards it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.service import notices
from bot.service.context import Context
from policies.messages import AlertFacts
from store import approvals, outbox
from store.sessions import Session

MOST_CARDS = 100  # drawn anew at once; the newest come first


def stopped(ctx: Context, user: str) -> None:
    """Everything is stopped."""
    text = "Nothing runs by policy alone and nothing can be claimed. Asking and deciding go on. /sayso start ends it."
    _begun(ctx, _stop_key(ctx.now), f"Everything is stopped by {_name(ctx, user)}", text)
    _redraw(ctx)


def started(ctx: Context, user: str, since: datetime | None) -> None:
    """Everything may go on."""
    if since is not None:
        _over(
            ctx, _stop_key(since), f"Started again by {_name(ctx, user)}", _span(ctx, "Everything was stopped", since)
        )
    _redraw(ctx)


def sessions_steered(ctx: Context, user: str, before: Sequence[Session], after: Sequence[Session]) -> None:
    """People paused, resumed or cancelled these sessions; only what is paused holds anything."""
    was = {session.agent_id: session for session in before}
    for session in after:
        earlier = was.get(session.agent_id)
        paused = earlier is not None and earlier.state == "paused"
        if session.state == "paused" and not paused:
            text = f"Nothing of it runs until somebody resumes it: /sayso resume {session.id}"
            _begun(ctx, _pause_key(session), f"Session {session.id} is paused by {_name(ctx, user)}", text)
        elif earlier is not None and paused and session.state != "paused":
            title = f"Session {session.id} {_AGAIN[session.state]} by {_name(ctx, user)}"
            _over(ctx, _pause_key(earlier), title, _span(ctx, "It was paused", earlier.at))
        _redraw(ctx, session)


_AGAIN = {"running": "was resumed", "cancelled": "was cancelled"}


def _stop_key(at: datetime) -> str:
    return f"stop:{at.isoformat()}"


def _pause_key(session: Session) -> str:
    return f"pause:{session.agent_id}:{session.id}:{session.at.isoformat()}"


def _span(ctx: Context, words: str, since: datetime) -> str:
    return f"{words} from {since:%Y-%m-%d %H:%M} to {ctx.now:%Y-%m-%d %H:%M} UTC."


def _name(ctx: Context, user: str) -> str:
    person = ctx.world.directory.people.get(user)
    return f"@{person.name}" if person and person.name else user


def _begun(ctx: Context, key: str, title: str, text: str) -> None:
    notices.operations(ctx, key, AlertFacts(title, text))


def _over(ctx: Context, key: str, title: str, text: str) -> None:
    outbox.restate(ctx.unit, key, AlertFacts(title, text, over=True))
    ctx.unit.after_commit(ctx.world.signals.outbox_filled)


def _redraw(ctx: Context, session: Session | None = None) -> None:
    """The cards of what waits or may run, of everybody or of one session."""
    found = approvals.unfinished(
        ctx.unit, session.agent_id if session else None, session.id if session else None, MOST_CARDS
    )
    outbox.redraw(ctx.unit, found)
    ctx.unit.after_commit(ctx.world.signals.outbox_filled)
