"""Starts worker.py as a process and hears what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from support.office import Office
from support.servers import ROOT

WORKER = Path(__file__).with_name("worker.py")
PATIENCE = 60.0


class Worker:
    """One process of one agent; further ones with the same name share its token and its state directory."""

    def __init__(self, office: Office, *words: str, name: str = "worker") -> None:
        agent = office.agent_called(name)
        env = {key: value for key, value in os.environ.items() if not key.startswith("SAYSO_")}
        env |= {
            "SAYSO_URL": str(agent.http.base_url).rstrip("/"),
            "SAYSO_TOKEN": agent.token,
            "SAYSO_STATE_DIR": str(office.folder / f"state-{name}"),
            "PYTHONPATH": str(ROOT),
        }
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), *words], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.said: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.said.append(json.loads(line))

    def hears(self, fact: str, count: int = 1) -> list[Any]:
        """Wait until it has said `fact` `count` times; all that it said of it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = [one[fact] for one in list(self.said) if fact in one]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{fact} was not said: {self.said}"
            time.sleep(0.02)

    def go_on(self) -> None:
        """Let it take its next step."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def ended(self) -> list[dict[str, Any]]:
        """Wait for its end; everything it said."""
        assert self.process.wait(PATIENCE) == 0, self.said
        self._reader.join(PATIENCE)
        return self.said
