"""Public MCP servers from npm, unmodified, of fixed versions, installed once into `.venv-hosts/node`."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.frameworks import Place

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
        entry = installed(place.python.parents[1]) / self.package / "dist" / "index.js"
        return ["node", str(entry), *([str(place.folder)] if self.in_folder else [])]


PUBLIC = [
    PublicServer("filesystem", "@modelcontextprotocol/server-filesystem", 10, in_folder=True),
    PublicServer("memory", "@modelcontextprotocol/server-memory", 9),
    PublicServer("everything", "@modelcontextprotocol/server-everything", 8),
    PublicServer("sequential-thinking", "@modelcontextprotocol/server-sequential-thinking", 1),
    PublicServer("github", "@modelcontextprotocol/server-github", 20),
    PublicServer("context7", "@upstash/context7-mcp", 2),
]


def installed(venv: Path) -> Path:
    """Where npm put the packages."""
    if shutil.which("npm") is None:
        pytest.skip("NOT TESTED: public MCP servers need node and npm")
    folder = venv / "node"
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / ".ready"
        wanted = [f"{name}@{version}" for name, version in VERSIONS.items()]
        if not done.exists() or done.read_text() != "\n".join(wanted):
            words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *wanted]
            ran = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)
            if ran.returncode:
                pytest.skip(f"NOT TESTED: npm could not install the public servers: {ran.stderr[-300:]}")
            done.write_text("\n".join(wanted))
    return folder / "node_modules"
