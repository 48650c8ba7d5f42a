"""A host of an MCP server, as thin as can be: it writes lines and reads lines, and keeps all of them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from support import mcp_server
from support.office import Office

Json = dict[str, Any]
SERVER = Path(mcp_server.__file__)


class McpHost:
    """Starts `sayso mcp-gate` before the ledger's server (or `command`), and talks to it."""

    def __init__(
        self,
        folder: Path,
        env: dict[str, str],
        *options: str,
        command: list[str] | None = None,
        program: str = "mcp-gate",
    ) -> None:
        self.folder = folder
        self.lines: list[bytes] = []
        self._answers: dict[Any, Future[Json]] = {}
        words = [sys.executable, "-m", "sayso", program, *options]
        words += command if command is not None else ["--", sys.executable, str(SERVER), str(folder)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(words, cwd=folder, env=env, stdin=pipe, stdout=pipe, stderr=pipe)
        self._number = 0
        threading.Thread(target=self._read, daemon=True).start()

    @classmethod
    def at(cls, office: Office, folder: Path, *options: str, **env: str) -> McpHost:
        """A host whose gate asks this office, with a state directory that outlives it."""
        return cls(folder, environment(office, folder) | env, "--server", "ledger", *options)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            self.lines.append(raw)
            body = json.loads(raw)
            waiting = (
                self._answers.pop(body.get("id"), None) if isinstance(body, dict) and "method" not in body else None
            )
            if waiting is not None:
                waiting.set_result(body)

    def send(self, message: Json | bytes) -> None:
        """One line."""
        assert self.process.stdin is not None
        raw = message if isinstance(message, bytes) else json.dumps(message, ensure_ascii=False).encode()
        self.process.stdin.write(raw + b"\n")
        self.process.stdin.flush()

    def ask_later(self, method: str, params: Json | None = None) -> Future[Json]:
        """A request; its answer comes when it comes."""
        self._number += 1
        answer: Future[Json] = Future()
        answer.number = self._number  # type: ignore[attr-defined]
        self._answers[self._number] = answer
        self.send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params or {}})
        return answer

    def ask(self, method: str, params: Json | None = None) -> Json:
        """A request and its answer."""
        return self.ask_later(method, params).result(60)

    def call_later(self, tool: str, arguments: Json | None = None, **more: Any) -> Future[Json]:
        """A call of a tool."""
        params: Json = {"name": tool, **more} | ({"arguments": arguments} if arguments is not None else {})
        return self.ask_later("tools/call", params)

    def call(self, tool: str, arguments: Json | None = None, **more: Any) -> Json:
        """A call of a tool and its answer."""
        return self.call_later(tool, arguments, **more).result(60)

    def greet(self) -> Json:
        """Begin as hosts do."""
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        told = self.ask("initialize", hello)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return told

    def heard(self, method: str) -> list[Json]:
        """Every notification or request of the server of this method."""
        found = [json.loads(line) for line in self.lines]
        return [one for one in found if one.get("method") == method]

    @property
    def ledger(self) -> list[Json]:
        """What was done, a line a time."""
        return ledger(self.folder)

    def hang_up(self) -> tuple[int, str]:
        """Close the input and wait for the end: exit code, and what it printed for people."""
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.stdin.close()
        code = self.process.wait(30)
        return code, self.process.stderr.read().decode()

    def kill(self) -> None:
        """kill -9, also of the server behind: as when the machine goes down."""
        behind = children(self.process.pid)
        self.process.kill()
        self.process.wait()
        for pid in behind:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def environment(office: Office, folder: Path) -> dict[str, str]:
    """What a gate needs to ask this office."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SAYSO_URL": str(office.agent.http.base_url).rstrip("/"),
        "SAYSO_TOKEN": office.agent.token,
        "SAYSO_STATE_DIR": str(folder / "state"),
    }


def ledger(folder: Path) -> list[Json]:
    """What was done, a line a time."""
    path = folder / "ledger"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line] if path.exists() else []


def children(pid: int) -> list[int]:
    """The processes that one has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in found.read_text().split()] if found.exists() else []


def text_of(answer: Json) -> str:
    """What the model reads of a result."""
    return "\n".join(str(part.get("text")) for part in answer["result"]["content"])


def until_ledger(folder: Path, lines: int, timeout: float = 30.0) -> None:
    """Wait for so many effects."""
    deadline = time.monotonic() + timeout
    while len(ledger(folder)) < lines:
        assert time.monotonic() < deadline, f"not within {timeout} s: {lines} lines in the ledger"
        time.sleep(0.02)
