"""When to try again, and after how long: a pure decision."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sayso.effects import Reply

BASE_SECONDS = 0.2
CAP_SECONDS = 8.0


def should_retry(reply: Reply | None) -> bool:
    """Lost answers, 429 and 5xx are tried again; every call carries a key or nonce that makes this safe (docs/rules.md: B2)."""
    return reply is None or reply.status == 429 or reply.status >= 500


def pause(attempt: int, reply: Reply | None, left: float, jitter: float) -> float | None:
    """Seconds to wait after failed attempt number `attempt` (from 0), or None to give up.

    `left` is what remains of the total deadline; `jitter` is in [0, 1). Retry-After is obeyed, never undercut.
    """
    backoff = min(CAP_SECONDS, BASE_SECONDS * 2 ** min(attempt, 16)) * (0.5 + jitter / 2)
    wished = retry_after(reply) if reply is not None else None
    seconds = backoff if wished is None else wished + jitter * 0.1
    return seconds if seconds < left else None


def retry_after(reply: Reply, now: datetime | None = None) -> float | None:
    """The Retry-After header in seconds (a number or an HTTP date), or None."""
    value = reply.headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value)) if value.replace(".", "", 1).isdigit() else _until(value, now)
    except (TypeError, ValueError):
        return None


def _until(date: str, now: datetime | None) -> float:
    moment = parsedate_to_datetime(date)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
