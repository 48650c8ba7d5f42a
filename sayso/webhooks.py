"""Checks what Sayso sends to a `callback_url`: that it is Sayso's, fresh and whole. What it says is only where to look."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sayso.errors import BadCallback

TOLERANCE_SECONDS = 300
_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class Notice:
    """Approval `id` is at `version` by now, or further: `get` it. `message_id` is the same for every try of one message."""

    id: str
    version: int
    message_id: str


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance_seconds: float = TOLERANCE_SECONDS,
    now: float | None = None,
) -> Notice:
    """The notice in `body`, as it was received, byte for byte; raises BadCallback unless `secret` signed it just now.

    `secret` is the server's SAYSO_CALLBACK_SECRET (`whsec_…`); `headers` are the request's, in any case. A callback
    carries no decision: read the approval with your own token before you act.
    """
    found = {name.lower(): value for name, value in headers.items()}
    message_id, stamp = found.get("webhook-id", ""), found.get("webhook-timestamp", "")
    if not message_id or not (stamp.isascii() and stamp.isdigit() and len(stamp) < 13):
        raise BadCallback("it is not signed")
    if abs((time.time() if now is None else now) - int(stamp)) > tolerance_seconds:
        raise BadCallback("its signature is too old, or from the future")
    wanted = hmac.new(_key(secret), f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(wanted)
    signatures = found.get("webhook-signature", "").encode("utf-8", "replace").split()
    if not any(hmac.compare_digest(expected, signature) for signature in signatures):
        raise BadCallback("it was not signed with this secret")
    return _notice(body, message_id)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not secret.startswith(_PREFIX) or not key:
        raise ValueError("the secret is whsec_ and base64, as in SAYSO_CALLBACK_SECRET")
    return key


def _notice(body: bytes, message_id: str) -> Notice:
    try:
        said = json.loads(body)
        return Notice(str(said["id"]), int(said["version"]), message_id)
    except (ValueError, KeyError, TypeError) as error:
        raise BadCallback("its body cannot be read") from error
