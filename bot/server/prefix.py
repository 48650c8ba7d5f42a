"""Served under a path of somebody else's host: a proxy may strip the prefix or leave it, and links carry it either way."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class Prefixed:
    """ASGI middleware: every path begins with the prefix from here on, and says so (`root_path`)."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the prefix; without one nothing changes."""
        if self._prefix and scope["type"] == "http":
            path = scope["path"]
            if path != self._prefix and not path.startswith(self._prefix + "/"):
                path = self._prefix + path
            scope = {**scope, "path": path, "root_path": self._prefix}
        await self._app(scope, receive, send)


def inner_path(scope: Scope) -> str:
    """The path without the prefix."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))
