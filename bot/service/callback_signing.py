"""Signatures of callbacks, as Standard Webhooks has them: HMAC-SHA256 over `id.timestamp.body`, one for each secret."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
_BYTES = range(24, 65)


def keys(text: str) -> list[bytes]:
    """The secrets of SAYSO_CALLBACK_SECRET, newest first, with spaces between; raises ValueError for a bad one."""
    return [_key(one) for one in text.split()]


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not text.startswith(PREFIX) or len(key) not in _BYTES:
        raise ValueError(f"must be {PREFIX} and the base64 of {_BYTES.start} to {_BYTES.stop - 1} random bytes")
    return key


def headers(secrets: list[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one message."""
    moment, text = datetime.fromtimestamp(timestamp, UTC), body.decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(Webhook(key).sign(message_id, moment, text) for key in secrets),
    }
