"""Calls of other people's agents: what a tool call does, and to which action the manifest maps it."""
