"""Agents of real frameworks: processes of the other venv (`make test-hosts`), a folder each, and a ledger file as the effect."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from support.agent import Json
from support.office import Office

ROOT = Path(__file__).resolve().parents[2]
AGENTS = ROOT / "tests" / "hosts" / "agents"


def hosts_python() -> Path:
    """The interpreter of the venv with the frameworks; skips, and says so, where `make test-hosts` did not name it."""
    named = os.environ.get("SAYSO_TEST_HOSTS")
    if not named:
        pytest.skip("NOT TESTED: the real frameworks live in a venv of their own; run make test-hosts")
    return ROOT / named


def crewai_python() -> Path:
    """The interpreter of CrewAI's venv; skips, and says so, where `make test-hosts` did not name it."""
    named = os.environ.get("SAYSO_TEST_CREWAI")
    if not named:
        pytest.skip("NOT TESTED: CrewAI lives in a venv of its own; run make test-hosts")
    return ROOT / named


class Process:
    """A process that says one JSON object a line; whatever else it prints is kept for the failure's message."""

    def __init__(self, words: list[str], folder: Path, env: dict[str, str], cwd: Path | None = None) -> None:
        self.errors = folder / f"stderr-{len(list(folder.glob('stderr-*')))}"
        with self.errors.open("wb") as out:
            pipes: dict[str, Any] = {
                "stdout": subprocess.PIPE,
                "stderr": out,
                "stdin": subprocess.DEVNULL,
                "text": True,
            }
            self.popen = subprocess.Popen(words, cwd=cwd or folder, env=env, start_new_session=True, **pipes)
        self._lines: Queue[str | None] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def line(self, timeout: float = 60.0) -> str | None:
        """The next line that it prints, None at its end."""
        try:
            return self._lines.get(timeout=timeout)
        except Empty:
            raise AssertionError(f"it said nothing for {timeout} s:\n{self.told()}") from None

    def hear(self, timeout: float = 60.0) -> Json:
        """The next thing it says."""
        while True:
            line = self.line(timeout)
            assert line is not None, f"it ended without a word:\n{self.told()}"
            if line.startswith("{"):
                said: Json = json.loads(line)
                return said

    def ended(self, timeout: float = 60.0) -> int:
        """Wait for its end; gives the exit code."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {timeout} s:\n{self.told()}") from None

    def kill(self) -> None:
        """kill -9, with everything it started."""
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(20)

    def told(self) -> str:
        """Its errors, for a failure's message."""
        return self.errors.read_text(errors="replace")[-6000:]


class Place:
    """A folder in which agents run with the office's token, one ledger file being all that they do to the world."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office, self.folder, self.python = office, folder, hosts_python()
        folder.mkdir()
        self.started: list[Process] = []

    @property
    def env(self) -> dict[str, str]:
        """What a process gets: the path, a home of its own, and where to ask as whom."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "SAYSO_URL": self.office.server.url,
            "SAYSO_TOKEN": self.office.agent.token,
            "SAYSO_STATE_DIR": str(self.folder / "state"),
            "LEDGER": str(self.folder / "ledger"),
            "PYTHONPATH": str(AGENTS),
        }

    def start(self, script: str | Path, *words: str, **env: str) -> Process:
        """Start a script with the frameworks' interpreter."""
        return self.run([str(self.python), str(script), *words], None, **env)

    def run(self, words: list[str], cwd: Path | None = None, **env: str) -> Process:
        """Start a command."""
        process = Process(words, self.folder, self.env | env, cwd)
        self.started.append(process)
        return process

    @property
    def ledger(self) -> list[str]:
        """What was done, a line a time."""
        path = self.folder / "ledger"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def pending(self, count: int = 1) -> list[Json]:
        """The approvals that wait, oldest first, as soon as there are `count`."""

        def waiting() -> list[Json]:
            found: list[Json] = self.office.agent.listing(state="pending")["approvals"]
            return found[::-1]

        try:
            self.office.until(lambda: len(waiting()) == count, f"{count} wait")
            return waiting()
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *(one.told() for one in self.started)])) from None

    def tap(self, approval: Json, button: str = "approve", **values: str) -> None:
        """A person decides in Slack, with a form where there are values."""
        card = self.office.card(approval)
        if not values:
            self.office.person("U0ALICE").click(card, button)
            return
        form = self.office.form("U0ALICE", card, button)
        for name, value in values.items():
            form.fill(name.replace("__", ":"), value)
        assert self.office.person("U0ALICE").submit(form).ok

    def close(self) -> None:
        """End what still runs."""
        for process in self.started:
            process.kill()
