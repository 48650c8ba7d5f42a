"""Whether fetching an address only reads a public page: an address can also carry a secret out, or reach inside."""

from __future__ import annotations

import ipaddress
import math
import re
from collections import Counter
from urllib.parse import parse_qsl, unquote, urlsplit

from policies.shell.classes import Effect, Finding

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104
_INSIDE = (".internal", ".local", ".localdomain", ".corp", ".lan", ".home", ".intranet", ".svc", ".cluster.local")
_PLAIN = re.compile(
    r"^(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|v?[0-9][\w.-]*)$", re.IGNORECASE
)
_WORDY = re.compile(r"^[A-Za-z]+(?:[-_.+%][A-Za-z0-9]+)*$")
MAX_LENGTH = 2_000
MAX_QUERY = 300


def fetching(url: object) -> Finding:
    """What fetching `url` means."""
    if not isinstance(url, str):
        return Finding(Effect.UNKNOWN, "fetches something that is no address")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return Finding(Effect.UNKNOWN, "fetches an address that cannot be read")
    if parts.scheme not in ("http", "https") or not host or len(url) > MAX_LENGTH or not url.isprintable():
        return Finding(Effect.UNKNOWN, "fetches what is no page of the web")
    if parts.username is not None:
        return Finding(Effect.SECRETS, "fetches with a name or password in the address")
    if host in _LOCAL or host.endswith(".localhost"):
        return Finding(Effect.READ, "asks a server on this machine")
    if inside := _inside(host, port):
        return inside
    if parts.scheme == "http":
        return Finding(Effect.OUTWARD, f"fetches {host} without encryption")
    if carries := _carries(parts.path, parts.query, parts.fragment, host):
        return Finding(Effect.SECRETS, f"fetches an address that carries {carries} to {host}")
    return Finding(Effect.READ, f"fetches {host}")


def _inside(host: str, port: int | None) -> Finding | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        numeric = re.fullmatch(r"[0-9.]+|0x[0-9a-f]+(?:\.0x[0-9a-f]+)*", host, re.IGNORECASE)
        if numeric or "." not in host or host.endswith(_INSIDE) or host == "metadata.google.internal":
            return Finding(Effect.SECRETS, f"reaches {host}, inside the network")
        return Finding(Effect.OUTWARD, f"fetches {host} at an unusual port") if port not in (None, 80, 443) else None
    if address.is_global:
        return Finding(Effect.OUTWARD, f"fetches {host}, a bare address")
    return Finding(Effect.SECRETS, f"reaches {host}, inside the network")


def _carries(path: str, query: str, fragment: str, host: str) -> str | None:
    """What could be a secret on its way out; None where nothing looks like it."""
    if len(query) > MAX_QUERY:
        return "a long query"
    values = [value for _, value in parse_qsl(query, keep_blank_values=True)] + [unquote(fragment)]
    pieces = [unquote(piece) for piece in path.split("/")]
    pieces += [piece for label in host.split(".")[:-2] for piece in (label,) if len(label) > 20]
    if "%" in path and any(not piece.isprintable() or "\n" in piece for piece in pieces):
        return "hidden characters"
    for text in (*values, *pieces):
        for word in re.split(r"[\s,;:=&/]+", text):
            if _random(word):
                return "what looks like a secret"
    return None


def _random(word: str) -> bool:
    """Whether a word looks as if no person had written it: long, and of too many different characters."""
    word = word.strip("=")
    if len(word) < 24 or _PLAIN.match(word) or _WORDY.match(word):
        return False
    counts = Counter(word)
    entropy = -sum(count / len(word) * math.log2(count / len(word)) for count in counts.values())
    kinds = sum(bool(re.search(kind, word)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return (
        entropy > 3.4
        and (kinds >= 2 or len(word) >= 40)
        and not re.fullmatch(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]{1,15}){2,}(?:\.\w+)?", word)
    )
