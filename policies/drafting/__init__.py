"""A first manifest from what others say of their tools: MCP servers, OpenAPI documents, definitions of OpenAI and Anthropic.

The draft is cautious, because tools describe themselves: only what says that it reads *and* is called so may run without a
person. Where a person must decide, a comment says so.
"""
