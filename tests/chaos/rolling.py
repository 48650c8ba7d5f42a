"""An update without a pause: servers of the version before go on while the new one migrates, both serve, the old ones leave.

The version before is the repository as it was before its newest migration came in, so this needs the repository's
history. Agents ask, people tap, results are reported all the while; then the same reckoning as for kills.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import httpx2
from support import postgres
from support.agent import TLS
from support.servers import ROOT, ProcessServer, command, environment, free_port

from store import outbox, schema
from tests.chaos import roles
from tests.chaos.kills import Arena, client, reckon
from tests.chaos.places import Report, command_line

CLIENTS = 4


class NoHistory(Exception):
    """The repository's history does not reach back to the version before."""


def version_before(folder: Path) -> Path:
    """The code of the version before the newest migration, unpacked; raises NoHistory."""
    newest = next((ROOT / "store" / "migrations" / "versions").glob(f"{schema.newest()}*.py")).relative_to(ROOT)
    came = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", str(newest)).decode().strip()
    if not came:
        raise NoHistory
    archive = _git("archive", f"{came}^")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")
    return folder


def _git(*words: str) -> bytes:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise NoHistory(done.stderr.decode())
    return done.stdout


class OldServer:
    """`python -m bot serve` of the version before."""

    def __init__(self, code: Path, env: dict[str, str], port: int, log: Path) -> None:
        settings = environment(env | {"SAYSO_PORT": str(port), "PYTHONPATH": str(code)})
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve"], cwd=code, env=settings, stdout=out, stderr=out
            )
        self._port = port

    def ready(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 90
        with httpx2.Client(verify=TLS) as http:
            while time.monotonic() < deadline:
                assert self.process.poll() is None, "the version before did not start"
                try:
                    if http.get(f"http://127.0.0.1:{self._port}/healthz").status_code == 200:
                        return
                except httpx2.HTTPError:
                    time.sleep(0.1)
        raise AssertionError("the version before did not start in time")

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        self.process.terminate()
        return self.process.wait(30)


def _old(code: Path, env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    settings = environment(env | {"PYTHONPATH": str(code)})
    line = [sys.executable, "-m", "bot", *words]
    return subprocess.run(line, cwd=code, env=settings, capture_output=True, text=True, check=False, timeout=90)


def run(folder: Path, *, seconds: float, seed: int = 1) -> Report:
    """Four phases of `seconds` each: the old alone, the old on the new schema, both, the new alone."""
    report = Report("rolling update on postgresql")
    code = version_before(folder / "before")
    with postgres.running().fresh(empty=True) as url, roles.zygote() as zygote:
        begun = _old(code, {"SAYSO_DATABASE_URL": url}, "migrate")
        report.require(begun.returncode == 0, f"the version before does not migrate: {begun.stderr}")
        arena = Arena(url, folder, zygote, "postgresql", seed)
        arena.ports = [free_port(), free_port()]
        try:
            _phases(arena, code, report, seconds)
            reckon(arena, report)
        finally:
            arena.close()
    report.figures["schema"] = f"{begun.stdout.strip().removeprefix('schema at ')} to {schema.newest()}"
    return report


def _phases(arena: Arena, code: Path, report: Report, seconds: float) -> None:
    threads = [threading.Thread(target=client, args=(arena, arena.seed * 1000 + n)) for n in range(CLIENTS)]
    old = [OldServer(code, arena.env, port, arena.folder / "old.log") for port in arena.ports]
    for server in old:
        server.ready()
    for thread in threads:
        thread.start()
    _phase(arena, report, "created by the old alone", seconds)
    migrated = command({"SAYSO_DATABASE_URL": arena.env["SAYSO_DATABASE_URL"]}, "migrate")
    report.require(migrated.returncode == 0, f"the new version does not migrate under load: {migrated.stderr}")
    _phase(arena, report, "by the old on the new schema", seconds)
    refused = _old(code, arena.env, "serve")
    report.require("run the newer version" in refused.stderr, f"an old one starts again: {refused.stderr[-300:]}")
    port = free_port()
    new = ProcessServer(arena.env, arena.folder, port=port)
    arena.ports = [*arena.ports, port]
    _phase(arena, report, "by both", seconds)
    arena.ports = [port]
    time.sleep(1)  # who was about to call an old one has called it
    report.figures["old servers ended with"] = [server.stop() for server in old]
    _phase(arena, report, "by the new alone", seconds)
    arena.stopping.set()
    for thread in threads:
        thread.join(60)
    new.stop()
    arena.ports = [free_port()]
    quick = arena.server(0)  # at one post a second and channel the rest would take minutes
    _rested(arena, report)
    quick.kill()


def _phase(arena: Arena, report: Report, name: str, seconds: float) -> None:
    before = len(arena.seen.created)
    time.sleep(seconds)
    made = len(arena.seen.created) - before
    report.figures[name] = made
    report.require(made > 0, f"nothing was {name}")


def _rested(arena: Arena, report: Report) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if not arena.database.read(outbox.backlog):
            return
        time.sleep(0.25)
    report.violations.append("messages still wait for Slack")


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    try:
        return run(folder, seconds=float(arguments.n), seed=arguments.seed)
    except NoHistory:
        raise SystemExit(
            "rolling: the repository's history ends before the newest migration: fetch all of it"
        ) from None


if __name__ == "__main__":
    command_line(_work, n=30, databases=False)
