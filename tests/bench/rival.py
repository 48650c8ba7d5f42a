"""The rival of the cycles: awaithumans, installed from PyPI into a venv of its own, serving on a SQLite file as it advises."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
import venv
from collections.abc import Generator
from pathlib import Path

from tests.bench import load
from tests.bench.load import Answer, Script
from tests.bench.stack import Process, Stack, free_port

VERSION = "0.1.12"
INSTALL_SECONDS = 300
TRIES = 100  # of a request: with 16 writers it often answers 500
BENCH_RIVAL = "BENCH_RIVAL"  # the folder of a venv that has it already


class NotInstalled(Exception):
    """It cannot be had here; the words say why."""


def programme(folder: Path) -> Path:
    """Its command, in the venv that BENCH_RIVAL names or in a new one; raises NotInstalled."""
    given = os.environ.get(BENCH_RIVAL)
    place = Path(given) if given else folder / "rival"
    command = place / "bin" / "awaithumans"
    if not command.exists():
        _install(place)
    told = subprocess.run(
        [place / "bin" / "python", "-c", "import importlib.metadata as m; print(m.version('awaithumans'))"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    if told != VERSION:
        raise NotInstalled(f"version {told or 'unknown'} is there, not {VERSION}")
    return command


def _install(place: Path) -> None:
    try:
        venv.create(place, with_pip=True)
        line = [place / "bin" / "python", "-m", "pip", "install", "--quiet", f"awaithumans[server]=={VERSION}"]
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotInstalled(type(error).__name__) from None
    if done.returncode:
        raise NotInstalled((done.stderr.strip().splitlines() or ["pip failed"])[-1])


class Rival:
    """A running server of its kind."""

    def __init__(self, stack: Stack) -> None:
        command = programme(stack.folder)
        self._token = secrets.token_hex(20)
        port = free_port()
        own = {
            "AWAITHUMANS_DB_PATH": str(stack.folder / "rival.db"),
            "AWAITHUMANS_ADMIN_API_TOKEN": self._token,
            "AWAITHUMANS_PAYLOAD_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AWAITHUMANS_LOG_LEVEL": "WARNING",
        }
        words = ["serve", "--host", "127.0.0.1", "--port", str(port)]
        self.process: Process = stack.spawn(words, port, own, "/api/health", program=str(command))

    def decided(self, prefix: str, count: int) -> Script:
        """One agent: ask, have it decided, and the next."""
        bearer = {"authorization": f"Bearer {self._token}", "content_type": "application/json"}
        for number in range(count):
            body = {
                "task": "Refund a customer",
                "payload": {"customer": "ann@example.com", "amount_usd": 480},
                "payload_schema": {"type": "object"},
                "response_schema": {"type": "object", "properties": {"approved": {"type": "boolean"}}},
                "timeout_seconds": 86_400,
                "idempotency_key": f"{prefix}{number}",
            }
            said = yield from insisted(load.post("/api/tasks", json.dumps(body).encode(), **bearer), 201)
            place = f"/api/tasks/{json.loads(said)['id']}/complete"
            yes = json.dumps({"response": {"approved": True}}).encode()
            yield from insisted(load.post(place, yes, **bearer), 200)


def insisted(request: bytes, wanted: int) -> Generator[bytes, Answer, bytes]:
    """Send it again where the server failed, as its clients do; what it says in the end."""
    for _ in range(TRIES):
        status, said = yield request
        if status < 500:
            break
    require(status, wanted, said)
    return said


def require(status: int, wanted: int, said: bytes) -> None:
    """Raise RuntimeError for any other answer: a fast refusal is no throughput."""
    if status != wanted:
        raise RuntimeError(f"wanted {wanted}, got {status}: {said[:300]!r}")


def skipped(error: NotInstalled) -> None:
    """Say loudly that there is no rival in this run."""
    print(f"SKIPPED: awaithumans {VERSION} cannot be installed here: {error}", file=sys.stderr, flush=True)
