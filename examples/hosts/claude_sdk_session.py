"""A session of the Claude Agent SDK in which every tool call asks first; what waits is deferred, and a later start goes on.

    pip install 'sayso[claude-sdk]'
    SAYSO_URL=… SAYSO_TOKEN=… ANTHROPIC_API_KEY=… python examples/hosts/claude_sdk_session.py "Tidy the branches"

The server needs a manifest with a `hooks` section: `SAYSO_MANIFEST=policies/examples/coding.yml`. The session that waits
is named in `session.txt`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query

from sayso.integrations.claude_sdk import guarded, resumed

SAVED = Path("session.txt")


async def main() -> None:
    """Begin with the prompt, or go on with what was deferred."""
    options = guarded(ClaudeAgentOptions(allowed_tools=["Bash", "Read", "Edit"]), defer=True)
    waiting = SAVED.read_text(encoding="utf-8") if SAVED.exists() else None
    prompt = " ".join(sys.argv[1:]) or "Tidy the branches"
    messages = resumed(options, waiting) if waiting else query(prompt=prompt, options=options)
    async for message in messages:
        if not isinstance(message, ResultMessage):
            continue
        if message.deferred_tool_use:
            SAVED.write_text(message.session_id, encoding="utf-8")
            print(f"{message.deferred_tool_use.name} waits for a person in Slack; start me again")
        else:
            SAVED.unlink(missing_ok=True)
            print(message.result)


if __name__ == "__main__":
    asyncio.run(main())
