"""Public MCP servers from npm, unmodified, of fixed versions, installed once into `.venv-hosts/node`."""

from __future__ import annotations

from dataclasses import dataclass

from support.frameworks import Place
from support.npm import installed

VERSIONS = {
    "@modelcontextprotocol/server-filesystem": "2026.8.31",
    "@modelcontextprotocol/server-memory": "2026.8.31",
    "@modelcontextprotocol/server-everything": "2026.8.31",
    "@modelcontextprotocol/server-sequential-thinking": "2026.8.31",
    "@modelcontextprotocol/server-github": "2025.4.8",
    "@upstash/context7-mcp": "4.1.1",
}


@dataclass(frozen=True)
class PublicServer:
    """A server: what `policy init` calls it, its package, its arguments, and how many tools it has at least."""

    name: str
    package: str
    tools: int
    in_folder: bool = False

    def command(self, place: Place) -> list[str]:
        """What starts it; skips, and says so, where it cannot be installed."""
        entry = (
            installed(place.python.parents[1] / "node", VERSIONS, "public MCP servers")
            / self.package
            / "dist"
            / "index.js"
        )
        return ["node", str(entry), *([str(place.folder)] if self.in_folder else [])]


PUBLIC = [
    PublicServer("filesystem", "@modelcontextprotocol/server-filesystem", 10, in_folder=True),
    PublicServer("memory", "@modelcontextprotocol/server-memory", 9),
    PublicServer("everything", "@modelcontextprotocol/server-everything", 8),
    PublicServer("sequential-thinking", "@modelcontextprotocol/server-sequential-thinking", 1),
    PublicServer("github", "@modelcontextprotocol/server-github", 20),
    PublicServer("context7", "@upstash/context7-mcp", 2),
]
