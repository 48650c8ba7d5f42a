"""Which methods exist, what they cost and which scopes they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playground.errors import SlackError
from playground.webapi.args import Args
from playground.workspace import Workspace

Json = dict[str, Any]
Handler = Callable[[Workspace, Args], Json]


@dataclass(frozen=True)
class Method:
    """One Web API method. `scopes`: any one of them is enough; `token` is `bot`, `app` or `none`."""

    name: str
    handler: Handler
    tier: int
    scopes: tuple[str, ...] = ()
    token: str = "bot"


METHODS: dict[str, Method] = {}


def method(name: str, tier: int, *scopes: str, token: str = "bot") -> Callable[[Handler], Handler]:
    """Register a handler under Slack's name for it."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(name, handler, tier, scopes, token)
        return handler

    return register


def require(workspace: Workspace, *needed: str) -> None:
    """Raise `missing_scope` unless the app was granted every one of these."""
    granted = workspace.credentials.scopes
    for scope in needed:
        if not allowed(granted, (scope,)):
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(granted or ())))


def allowed(granted: set[str] | None, needed: tuple[str, ...]) -> bool:
    """True when the app was granted one of the needed scopes (None: everything is granted)."""
    return granted is None or not needed or bool(granted.intersection(needed))
