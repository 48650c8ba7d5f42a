"""Which calls are the same step: session, tool, place and arguments, whatever id the host gives the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.digest import fingerprint


def step_of(session_id: str, tool: str, action: str, cwd: str | None, arguments: Mapping[str, Any]) -> str:
    """The identity of a step, as 64 hexadecimal digits.

    A host that was killed comes back with a new id for the same call, and must find the same approval.
    """
    return fingerprint(
        {"session": session_id, "tool": tool, "action": action, "cwd": cwd, "arguments": dict(arguments)}
    )
