"""What a server is called in the manifest: `mcp__SERVER__TOOL`. `policy init` calls it the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

_STARTERS = "npx npm node bunx bun deno pnpm yarn dlx exec run uvx uv pipx python docker podman env tool start"
_RUNNERS = frozenset(_STARTERS.split())
_NAMELESS = frozenset(("index", "main", "cli", "dist", "build", "lib", "src", "bin", "server", "__main__"))
_ENDING = re.compile(r"\.(?:py|js|mjs|cjs|ts|exe|sh|jar)$")
_AFFIX = re.compile(r"(?:^|[-_.])(?:mcp|server)(?=$|[-_.])")


def server_of(command: Sequence[str]) -> str:
    """What to call the server that `command` starts, or that answers at this address: `npx -y @scope/server-files` is files."""
    words = [word for word in command if not word.startswith("-") and not _runs(word)]
    word = words[0] if words else "server"
    if word.startswith(("http://", "https://")):
        host = urlsplit(word).hostname or ""
        labels = (host if re.search(r"[a-z]", host) else "server").split(".")
        kept = [label for label in labels[:-1] if label not in ("mcp", "www", "api")] or labels
        base = kept[0]
    else:
        base = _unversioned(word) if "@" in word[1:] and "node_modules" not in word else _of_path(word)
    base = _ENDING.sub("", base)
    short = _AFFIX.sub("", base).strip("-_.") or base
    return re.sub(r"[^A-Za-z0-9]+", "-", short).strip("-") or "server"


def _runs(word: str) -> bool:
    """Whether a word only starts others: npx, or …/bin/python3.12."""
    return re.sub(r"[0-9.]+$", "", re.split(r"[/\\]", word)[-1].removesuffix(".exe")) in _RUNNERS


def _of_path(path: str) -> str:
    """The last part of a path that names something: `…/server-files/dist/index.js` is server-files."""
    parts = [part for part in re.split(r"[/\\]", path) if part] or ["server"]
    named = [part for part in parts if _ENDING.sub("", part) not in _NAMELESS]
    return (named or parts)[-1].partition(":")[0]


def _unversioned(word: str) -> str:
    """`@scope/name@1.2` without its version."""
    scope, _, rest = word.rpartition("/") if not word.startswith("@") else ("", "", word[1:].partition("/")[2])
    return re.split(r"[@:]", rest or scope)[0]
