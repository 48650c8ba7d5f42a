"""What a reader of the section on the Agent Approval Protocol has: a model, a tool, a saver, and a run that goes on."""

from __future__ import annotations

import os
from typing import Any

from langchain_names import names as langchain_names

NAMES = langchain_names(0)


def names(number: int) -> dict[str, Any]:
    """The same for each block, and the request that waits."""
    found = {**NAMES, "url": f"{os.environ['SAYSO_URL']}/aap", "token": os.environ["SAYSO_TOKEN"]}
    if number:
        import asyncio

        from aap_agent import sayso_pending

        found["request_id"] = asyncio.run(sayso_pending())[0]
    return found
