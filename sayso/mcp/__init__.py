"""MCP: a gate in front of any server, and Sayso's own tools as a server. Nothing here is imported by `import sayso`."""
