"""Adapters for agents' frameworks. Each is an extra of its own, and claims the grant around the tool's body.

`langchain` (LangChain and LangGraph), `openai_agents`, `pydantic_ai`, `claude_sdk`: import the one you need.
"""
