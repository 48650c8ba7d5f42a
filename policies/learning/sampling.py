"""Which automatic actions are reviewed afterwards: a share of them, by a keyed hash that no agent can predict (docs/rules.md: A14, F5)."""

from __future__ import annotations

import hashlib
import hmac


def sampled(key: bytes, approval_id: str, digest: str, share: float) -> bool:
    """Whether this one is in the sample: the same answer whenever and wherever it is asked with the same key."""
    drawn = hmac.new(key, f"{approval_id}|{digest}".encode(), hashlib.sha256).digest()
    return int.from_bytes(drawn[:8]) < share * 2**64
