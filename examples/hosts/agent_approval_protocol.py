"""A LangGraph agent behind the Agent Approval Protocol's own middleware, with Sayso as the provider: start it, decide, start it again.

    pip install 'agentapprovalprotocol[langgraph]' langgraph-checkpoint-sqlite
    SAYSO_URL=… SAYSO_TOKEN=… python examples/hosts/agent_approval_protocol.py

The first start asks and ends; each later one wakes what waits. Sayso calls nobody back here, so waking is the caller's part.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from agentapprovalprotocol import AsyncClient, Receiver
from agentapprovalprotocol.langgraph import ApprovalMiddleware, resumer
from langchain.agents import create_agent
from langchain_agent import Script, process_refund
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from refunds import QUESTION

URL, TOKEN = f"{os.environ.get('SAYSO_URL', 'http://127.0.0.1:8350')}/aap", os.environ["SAYSO_TOKEN"]
CONFIG: Any = {"configurable": {"thread_id": "case-118"}}


async def main() -> None:
    """Start the thread, or wake what waits in it."""
    approvals = ApprovalMiddleware(URL, TOKEN, mode="async")
    async with AsyncSqliteSaver.from_conn_string("aap.db") as saver:
        agent = create_agent(Script(), [process_refund], middleware=[approvals], checkpointer=saver)
        before = await agent.aget_state(CONFIG)
        receiver = Receiver(resumers={"langgraph": resumer(agent)}, client=AsyncClient(URL, TOKEN))
        for waiting in before.interrupts:
            await receiver.wake(waiting.value["aap_request_id"])
        if not before.values:
            await agent.ainvoke({"messages": [("user", QUESTION)]}, CONFIG)
        after = await agent.aget_state(CONFIG)
        waits = f"{len(after.interrupts)} waits for a person in Slack; start me again"
        print(waits if after.interrupts else after.values["messages"][-1].text)


if __name__ == "__main__":
    asyncio.run(main())
