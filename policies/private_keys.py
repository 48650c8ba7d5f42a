"""Where the bodies of private keys stand in a text: what really has the shape of one, never words in its frame."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

Span = tuple[int, int]
MOST_KEY = 16_384  # characters of a body

_OPENING: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]{0,40})PRIVATE KEY-----")
_ENCRYPTED: Final = re.compile(
    r"(?:\s|\\[rn])*+Proc-Type: 4,ENCRYPTED(?:\s|\\[rn])++DEK-Info: [A-Z0-9-]{3,40},[0-9A-F]{8,64}(?![0-9A-Za-z])"
)
_LEADING: Final = re.compile(r"(?:\s|\\[rn])*+")
_BODY: Final = re.compile(r"(?:[A-Za-z0-9+/]++=*+(?:[ \t\r\n]|\\[rn]){0,4}+)++")
_BREAK: Final = re.compile(r"(?:[ \t\r\n]|\\[rn])+")


def bodies(text: str) -> Iterator[Span]:
    """The bodies of private keys: base64 in even lines, of the shape that a key has. A block with words in it is none."""
    for opening in _OPENING.finditer(text):
        head = _ENCRYPTED.match(text, opening.end())
        leading = _LEADING.match(text, head.end() if head else opening.end())
        assert leading is not None
        body = _BODY.match(text, leading.end())
        if body is None or body.end() - body.start() > MOST_KEY:
            continue
        closed = text.startswith(f"-----END {opening[1]}PRIVATE KEY-----", body.end())
        lines = [line for line in _BREAK.split(body[0]) if line]
        if (closed or body.end() == len(text)) and _is_key(lines, encrypted=head is not None):
            yield body.start(), body.start() + len(body[0].rstrip(" \t\r\n").removesuffix("\\n").removesuffix("\\r"))


def _is_key(lines: list[str], *, encrypted: bool) -> bool:
    even = all(len(line) == len(lines[0]) for line in lines[:-1]) and len(lines[-1]) <= len(lines[0])
    joined = "".join(lines)
    if not even or len(joined) < 40:
        return False
    whole = joined.rstrip("=")
    try:
        raw = base64.b64decode(whole[: len(whole) - (len(whole) % 4 == 1)] + "=" * (-len(whole) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    if not encrypted and (_der(raw) or raw.startswith(b"openssh-key-v1\0")):
        return case_changes(joined) >= 0.35
    printable = sum(32 <= byte < 127 for byte in raw) / len(raw)
    return len(raw) >= 48 and printable < 0.6 and min(map(case_changes, lines[: max(1, len(lines) - 1)])) >= 0.35


def _der(raw: bytes) -> bool:
    """Whether these bytes are one whole DER sequence that begins as a private key does."""
    if len(raw) < 30 or raw[0] != 0x30:
        return False
    long = raw[1] & 0x80
    count = raw[1] & 0x7F
    if long and not 1 <= count <= 3:
        return False
    start = 2 + count if long else 2
    length = int.from_bytes(raw[2:start]) if long else count
    return start + length == len(raw) and raw[start] in (0x02, 0x30)


def case_changes(text: str) -> float:
    """How often small letters, capitals and digits take turns, as a share of all places."""
    kinds = ["d" if sign.isdigit() else "u" if sign.isupper() else "l" for sign in text if sign.isalnum()]
    return sum(one != other for one, other in pairwise(kinds)) / max(1, len(kinds))
