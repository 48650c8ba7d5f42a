"""A session of the Claude Agent SDK with `allowed_tools=["Bash"]`: `start`, or `resume SESSION COUNT` after it was deferred."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query
from common import say

from sayso.integrations.claude_sdk import guarded, resumed

OPTIONS = guarded(
    ClaudeAgentOptions(allowed_tools=["Bash"], cwd=os.environ["TREE"]), defer=bool(os.environ.get("SUSPEND"))
)


async def heard(messages: Any) -> None:
    """Say how it ended."""
    async for message in messages:
        if isinstance(message, ResultMessage):
            say(session=message.session_id, deferred=message.deferred_tool_use is not None, result=message.result)


async def main() -> None:
    """Start, or go on so many times."""
    if sys.argv[1] == "start":
        await heard(query(prompt="change it", options=OPTIONS))
        return
    for _ in range(int(sys.argv[3])):
        await heard(resumed(OPTIONS, sys.argv[2]))


if __name__ == "__main__":
    asyncio.run(main())
