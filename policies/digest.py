"""Canonical bytes of what a person approves, and their SHA-256."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

DOMAIN = b"sayso/approval/v1\x00"


def canonical(value: Any) -> str:
    """One text per JSON value: keys sorted, no spaces, ASCII only; 1 and 1.0 stay different.

    Raises ValueError for NaN and infinities, which JSON cannot hold.
    """
    return _encode(value)


# One encoder for all: making one for each text costs more than many a text.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def fingerprint(value: Any) -> str:
    """SHA-256 (64 hex digits) of a JSON value's canonical text."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


# Every row holds several moments, and each is written several times: in its sum before and after, and in the trail.
@lru_cache(maxsize=4096)
def rfc3339(moment: datetime) -> str:
    """UTC with microseconds and a Z, the one form in which times leave Sayso."""
    # isoformat is C; strftime asks the locale.
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def digest_of(
    *,
    approval_id: str,
    agent: str,
    action: str,
    params: dict[str, Any],
    policy_version: str,
    expires_at: datetime | None,
    kind: str = "confirm",
    choices: list[dict[str, Any]] | None = None,
    question: str | None = None,
) -> str:
    """The digest that travels through card, button, decision and claim (docs/rules.md: I7): 64 hex digits."""
    body = {
        "agent": agent,
        "action": action,
        "approval": approval_id,
        "choices": choices,
        "expires_at": rfc3339(expires_at) if expires_at else None,
        "kind": kind,
        "params": params,
        "policy_version": policy_version,
        "question": question,
    }
    return hashlib.sha256(DOMAIN + canonical(body).encode()).hexdigest()
