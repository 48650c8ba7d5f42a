"""When somebody is written to because Slack does not show them what waits: pure, the moment is an argument."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address

AGAIN = timedelta(minutes=15)  # between two letters to one person, however much comes in


def overdue(now: datetime, after_seconds: int) -> datetime:
    """What was to be shown before that moment and is not should have reached people by now."""
    return now - timedelta(seconds=after_seconds)


def is_owed(missing: Collection[int], told: Collection[int], last: datetime | None, now: datetime) -> bool:
    """Whether a letter is due: something is missing of which the last one, which is long enough ago, did not tell."""
    rested = last is None or now - last >= AGAIN
    return rested and not set(missing) <= set(told)


def is_mail_address(text: str) -> bool:
    """Whether mail can be sent to `text`: one plain address such as ann@example.com, in ASCII."""
    try:
        parts = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        return False
    return bool(parts.username and parts.domain) and text.isascii() and parts.addr_spec == text
