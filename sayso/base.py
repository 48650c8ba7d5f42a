"""What both clients share: their settings, and nothing that touches the network."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from sayso.effects import Core
from sayso.journal import Journal

DEFAULT_URL = "http://127.0.0.1:8350"
DEFAULT_STATE_DIR = ".sayso"


class Client:
    """Holds the core that every flow is given. `timeout` and `retry_for` are in seconds."""

    _core: Core

    def __init__(self, url: str | None, state_dir: str | os.PathLike[str] | None, timeout: float, retry_for: float):
        root = Path(state_dir or os.environ.get("SAYSO_STATE_DIR") or DEFAULT_STATE_DIR)
        self._core = Core(address(url), Journal(root), timeout, retry_for)

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._core.url

    @property
    def state_dir(self) -> Path:
        """Where the journal lies."""
        return self._core.journal.root

    def prune(self, older_than_days: float = 30.0) -> int:
        """Delete the journal's files on what was finished longer ago than this; returns how many."""
        return self._core.journal.prune(older_than_days * 86_400)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r}, state_dir={str(self.state_dir)!r})"


def address(url: str | None) -> str:
    """The server's base URL without a trailing slash. Raises ValueError for what is not http(s)."""
    chosen = (url or os.environ.get("SAYSO_URL") or DEFAULT_URL).rstrip("/")
    parts = urlsplit(chosen)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"SAYSO_URL must look like http://host:port, not {chosen!r}")
    return chosen
