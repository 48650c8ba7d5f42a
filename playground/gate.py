"""Whose requests are heard: only those for the playground's own names, and no other site's of a browser that is open here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
EVERYWHERE = ("", "0.0.0.0", "::")
SAFE = ("GET", "HEAD", "OPTIONS")


class Gate:
    """A name that somebody else has pointed at this machine is not ours (DNS rebinding), nor is a page from elsewhere."""

    def __init__(self) -> None:
        self._hosts: set[str] | None = None

    def answer_to(self, host: str, port: int, more: Iterable[str] = ()) -> None:
        """Hear requests for loopback and `host` with this port, and for `more` names, each with a port or with ours."""
        named = [bracketed(host)] if host not in EVERYWHERE else []
        listed = [name if _port(name) else f"{name}:{port}" for name in more]
        self._hosts = {f"{name}:{port}" for name in (*LOOPBACK, *named)} | {name.lower() for name in listed}
        if port == 80:
            self._hosts |= {name.removesuffix(":80") for name in self._hosts}

    def refusal(self, scope: Any) -> tuple[int, str] | None:
        """Why a request is not heard, as status and words; None where it is."""
        headers: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name, []).append(value.decode("latin-1"))
        hosts = headers.get(b"host", [])
        if len(hosts) != 1 or not self._ours(hosts[0]):
            return 421, "this playground does not answer to that host"
        if scope["type"] == "websocket" or scope["method"] not in SAFE:
            sites = headers.get(b"sec-fetch-site", [])
            if any(site not in ("same-origin", "none") for site in sites):
                return 403, "cross-origin"
            if any(origin != f"http://{hosts[0].strip().lower()}" for origin in headers.get(b"origin", [])):
                return 403, "cross-origin"
        return None

    def _ours(self, host: str) -> bool:
        name = host.strip().lower()
        if self._hosts is None:  # not on a port yet: called as a function
            return name.removesuffix(_port(name)) in LOOPBACK
        return name in self._hosts


def bracketed(host: str) -> str:
    """A host as a URL writes it."""
    return f"[{host}]" if ":" in host else host


def _port(name: str) -> str:
    """`:8351` of a name with a port, else nothing."""
    try:
        found = urlsplit(f"//{name}").port
    except ValueError:
        return ""
    return f":{found}" if found is not None else ""
