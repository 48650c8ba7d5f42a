"""Sends recorded tool calls through Sayso for real: server, playground, client, taps and an executor with a ledger.

    python examples/retail/calls.py CALLS.jsonl

Each line of the file is a JSON object with `action`, `params` and `amount_usd`. Every call is asked for through the
client; people in the playground tap what policy leaves to them; what is granted is executed into a ledger in which a
second execution would be an error. At the end every call must have been decided, and each granted one executed once.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from playground.kit import Channel, Playground  # noqa: E402
from sayso import Approval, Sayso  # noqa: E402

CHANNELS = ("cancellations", "returns", "exchanges", "changes", "addresses", "payments")
AGENTS = 8


def main() -> int:
    """Run all calls of a file; 0 when none was lost and none ran twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", type=Path)
    calls = [json.loads(line) for line in parser.parse_args().calls.read_text(encoding="utf-8").splitlines() if line]
    with tempfile.TemporaryDirectory() as folder, Playground.start() as slack:
        for name in CHANNELS:
            members = [person.id for person in slack.workspace.people.values()]
            slack.workspace.add_channel(Channel(f"C0{name.upper()}", name, members=members))
        return Run(Path(folder), slack, calls).play()


class Run:
    """One run: a server of its own, a ledger of its own."""

    def __init__(self, folder: Path, slack: Playground, calls: list[dict[str, Any]]) -> None:
        self.folder, self.slack, self.calls = folder, slack, calls
        self.port = free_port()
        self.slack.bot_url = f"http://127.0.0.1:{self.port}"
        self.environment = (
            os.environ
            | slack.env
            | {
                "SAYSO_DATABASE_URL": f"sqlite:///{folder}/sayso.db",
                "SAYSO_MANIFEST": str(Path(__file__).with_name("actions.yml")),
                "SAYSO_ROSTER": str(Path(__file__).with_name("reviewers.yml")),
                "SAYSO_PORT": str(self.port),
            }
        )
        self.ledger = Ledger(folder / "ledger.db")
        self.taps: Counter[str] = Counter()
        self.done = threading.Event()

    def play(self) -> int:
        """Ask, tap, execute, count."""
        token = json.loads(self.bot("agent", "add", "retail", "--json"))["token"]
        server = subprocess.Popen([sys.executable, "-m", "bot", "serve"], cwd=ROOT, env=self.environment)
        try:
            wait_until_ready(self.port)
            tapper = threading.Thread(target=self.tap)
            tapper.start()
            with ThreadPoolExecutor(AGENTS) as agents:
                numbered = list(enumerate(self.calls))
                ends = list(agents.map(lambda lane: self.work(token, lane, numbered[lane::AGENTS]), range(AGENTS)))
            self.done.set()
            tapper.join()
            return self.report([end for lane in ends for end in lane])
        finally:
            server.terminate()
            server.wait(10)

    def bot(self, *arguments: str) -> str:
        """One command of the server's command line."""
        command = [sys.executable, "-m", "bot", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def work(self, token: str, lane: int, calls: list[tuple[int, dict[str, Any]]]) -> list[Approval]:
        """One agent: ask for all of its calls, then see each to its end."""
        with Sayso(f"http://127.0.0.1:{self.port}", token, state_dir=self.folder / f"lane-{lane}") as sayso:
            asked = [(number, self.ask(sayso, number, call)) for number, call in calls]
            return [self.finish(sayso, number, approval) for number, approval in asked]

    def ask(self, sayso: Sayso, number: int, call: dict[str, Any]) -> Approval:
        """Ask for one call; what it is worth goes along, so that the manifest can judge it."""
        params = call["params"] | {"amount_usd": call["amount_usd"]}
        return sayso.ask(
            call["action"], params, reason=call.get("instruction", ""), session_id=f"task-{call.get('task', number)}",
            idempotency_key=f"call-{number}", step=f"call-{number}", checkpoint={"call": number},
        )  # fmt: skip

    def finish(self, sayso: Sayso, number: int, approval: Approval) -> Approval:
        """Wait for the decision and, where it is yes, execute once."""
        decided = sayso.wait(approval)
        if not decided.approved:
            return decided
        with sayso.execute(decided) as grant:
            self.ledger.write(number, grant.idempotency_key, grant.params)
        return sayso.get(decided)

    def tap(self) -> None:
        """The people: whoever is assigned decides; every ninth card is rejected, every fifth yes is tapped twice."""
        seen: set[str] = set()
        while not self.done.is_set():
            for card in self.slack.cards():
                if card.ts in seen or not card.has("approve"):
                    continue
                seen.add(card.ts)
                self.decide(card, len(seen))
            time.sleep(0.05)

    def decide(self, card: Any, number: int) -> None:
        """One person's tap on one card."""
        person = self.slack.person("U0ALICE" if number % 2 else "U0BOB")
        if number % 9 == 0:
            modal = person.click(card, "reject").modal
            modal.fill("reason", "The customer changed their mind.")
            person.submit(modal)
            self.taps["reject"] += 1
            return
        person.click(card, "approve")
        if number % 5 == 0:
            person.click_stale(card, "approve")
            self.taps["double tap"] += 1
        self.taps["approve"] += 1

    def report(self, ends: list[Approval]) -> int:
        """Print the counts; 1 where something was lost or ran twice."""
        routes = Counter(str(end.route) for end in ends)
        states = Counter(str(end.state) for end in ends)
        granted = sum(end.state == "succeeded" for end in ends)
        print(f"{len(self.calls)} calls, {len({end.id for end in ends})} approvals")
        print("by route: " + ", ".join(f"{route} {count}" for route, count in sorted(routes.items())))
        print("by end:   " + ", ".join(f"{state} {count}" for state, count in sorted(states.items())))
        print("taps:     " + ", ".join(f"{tap} {count}" for tap, count in sorted(self.taps.items())))
        print(f"ledger:   {self.ledger.count()} rows for {granted} granted, {self.ledger.twice} executed twice")
        print(self.bot("audit", "verify").strip())
        open_ends = states["pending"] + states["claimed"] + states["approved"]
        lost = len(self.calls) - len({end.id for end in ends})
        good = not lost and not open_ends and not self.ledger.twice and self.ledger.count() == granted
        print("none lost, none twice" if good else f"WRONG: {lost} lost, {open_ends} left open")
        return 0 if good else 1


class Ledger:
    """What was really done: a row for each execution, and a count of those that came a second time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.twice = 0
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE ledger (call INTEGER UNIQUE, key TEXT UNIQUE, params TEXT)")

    def write(self, call: int, key: str, params: dict[str, Any]) -> None:
        """Execute: write the row."""
        with self._lock, sqlite3.connect(self._path) as database:
            try:
                database.execute("INSERT INTO ledger VALUES (?, ?, ?)", (call, key, json.dumps(params)))
            except sqlite3.IntegrityError:
                self.twice += 1

    def count(self) -> int:
        """How many rows there are."""
        with sqlite3.connect(self._path) as database:
            return int(database.execute("SELECT count(*) FROM ledger").fetchone()[0])


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until_ready(port: int, seconds: float = 20.0) -> None:
    """Return once the server answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError("the server did not become ready")


if __name__ == "__main__":
    sys.exit(main())
