"""Claude Agent SDK: every tool call of a session asks Sayso, by a hook in the settings that the SDK hands to Claude Code.

    async for message in query(prompt="…", options=guarded(ClaudeAgentOptions(allowed_tools=["Bash"]))):
        ...

Hooks in the SDK's own process often do not fire when a session is resumed, and a tool that is allowed then runs. A
hook in the settings does, and blocks where it gets no answer.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query

from sayso.base import address
from sayso.cli.install import MARK, TIMEOUT, Unusable, claude_hook, read_settings, with_hooks, without_hooks
from sayso.errors import SaysoError

HOST = "claude-code"


def guarded(
    options: ClaudeAgentOptions | None = None,
    *,
    url: str | None = None,
    token: str | None = None,
    defer: bool = False,
    timeout: int = TIMEOUT,
) -> ClaudeAgentOptions:
    """The options, with Sayso before every tool call; `url` and `token` default to SAYSO_URL and SAYSO_TOKEN.

    A call that waits for a person waits in its hook, at most `timeout` seconds. With `defer` it ends the session's run
    instead (`ResultMessage.deferred_tool_use`), to be gone on with by `resumed`. The server's manifest needs a
    `hooks` section. Raises SaysoError for settings that would switch hooks off.
    """
    options = options or ClaudeAgentOptions()
    key = token or os.environ.get("SAYSO_TOKEN")
    if not key:
        raise SaysoError("no agent token: pass token=… or set SAYSO_TOKEN")
    settings = _settings(options)
    _require_hooks(options, settings)
    hooked = with_hooks(without_hooks(settings, HOST), HOST, partial(claude_hook, address(url)), timeout)
    if defer:
        for entry in hooked["hooks"]["PreToolUse"]:
            for hook in entry["hooks"]:
                if str(hook.get("url", "")).endswith(MARK):
                    hook["url"] += "?pending=defer"
    return replace(options, settings=json.dumps(hooked), env={**options.env, "SAYSO_TOKEN": key})


async def resumed(options: ClaudeAgentOptions, session_id: str) -> AsyncIterator[Any]:
    """Go on with a session whose call was deferred: it asks again, and runs, or is deferred again, or is told why not."""
    ended = asyncio.Event()
    nothing: list[dict[str, Any]] = []

    async def nothing_to_say() -> AsyncIterator[dict[str, Any]]:
        await ended.wait()  # input that ends would end the session
        for message in nothing:
            yield message

    going_on = replace(options, resume=session_id, continue_conversation=False, fork_session=False)
    try:
        async for message in query(prompt=nothing_to_say(), options=going_on):
            yield message
            if isinstance(message, ResultMessage):
                ended.set()
    finally:
        ended.set()


def _settings(options: ClaudeAgentOptions) -> dict[str, Any]:
    """What the caller handed over, inline or as a file."""
    given = (options.settings or "").strip()
    try:
        if not given.startswith("{"):
            return read_settings(Path(options.cwd or ".") / given) if given else {}
        found = json.loads(given)
    except (Unusable, ValueError) as error:
        raise SaysoError(f"the options' settings cannot be read: {error}") from None
    return dict(found)


def _require_hooks(options: ClaudeAgentOptions, settings: dict[str, Any]) -> None:
    for name in ("disableAllHooks", "allowManagedHooksOnly"):
        if settings.get(name):
            raise SaysoError(f"the options' settings say {name}: then nothing asks before a tool runs")
    taken = {"settings", "bare", "safe-mode"} & options.extra_args.keys()
    if taken:
        raise SaysoError(f"the options' extra_args say --{min(taken)}: then nothing asks before a tool runs")
