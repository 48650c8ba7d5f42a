"""What the demo starts and stops: the playground, the server and the agents, each a process of its own."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from playground.seed import PEOPLE

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
MARK = ".sayso-demo"
READY_SECONDS = 60.0
STOP_SECONDS = 10.0
# Everything here is on this machine: neither a proxy nor a person's own Slack and Sayso settings may reach it.
FOREIGN_PREFIXES = ("SLACK_", "SAYSO_")
PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "ftp_proxy"})
NAMES = {person.id: (person.real_name or person.name).split()[0] for person in PEOPLE}


class Trouble(Exception):
    """The demo cannot go on; the message is one line that says why."""


class Child:
    """A server in a process of its own, its words in a log file."""

    def __init__(self, name: str, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.name, self.log = name, log
        with log.open("ab") as words:
            # In a session of its own, so that Ctrl-C reaches only the demo, which then stops them in order. In the
            # log's folder, so that no .env of the person's is read.
            self.process = subprocess.Popen(
                command, cwd=log.parent, env=environment, stdin=subprocess.DEVNULL, stdout=words, stderr=words,
                start_new_session=True,
            )  # fmt: skip

        log.with_suffix(".pid").write_text(str(self.process.pid), encoding="utf-8")

    def check(self) -> None:
        """Raise Trouble when it has stopped."""
        status = self.process.poll()
        if status is not None:
            said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise Trouble(
                f"{self.name} stopped with exit status {status}: {said[-1] if said else 'no words'} ({self.log})"
            )

    def stop(self) -> None:
        """Ask it to stop, and wait."""
        stop(self.process)


class Run:
    """One process of an agent. `lines` is what it has said so far."""

    def __init__(self, command: list[str], environment: dict[str, str], tell: Callable[[int, str], None]) -> None:
        self.lines: list[str] = []
        self._tell = tell
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, encoding="utf-8", errors="replace", start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def wait(self, seconds: float) -> int:
        """The exit status. Raises Trouble after `seconds`."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Trouble(f"the agent's process {self.pid} does not end") from None
        self._reader.join(STOP_SECONDS)
        return status

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask it to stop, and wait."""
        stop(self._process)

    def _read(self, words: IO[str]) -> None:
        for line in words:
            self.lines.append(line.rstrip())
            self._tell(self.pid, line.rstrip())


class Agent:
    """How to start one of the agents: its script, its options, and its own token and state directory."""

    def __init__(self, script: str, options: list[str], environment: dict[str, str]) -> None:
        self.script, self.options, self.environment = script, options, environment

    def start(self, tell: Callable[[int, str], None], verb: str, *more: str) -> Run:
        """A new process for one verb; `tell(pid, line)` hears each line."""
        command = [sys.executable, str(EXAMPLES / self.script), verb, *self.options, *more]
        return Run(command, self.environment, tell)


class Stage:
    """A folder with everything the demo writes, and the processes that run on it."""

    def __init__(self, directory: Path, *, keep: bool = False) -> None:
        self.directory = directory.resolve()
        self._lock = _own(self.directory, keep)
        self._children: list[Child] = []
        self._runs: list[Run] = []
        self._writing = threading.Lock()
        self.bot_url = ""
        self._settings: dict[str, str] = {}
        self._memory = self.directory / "demo.json"
        known = json.loads(self._memory.read_text(encoding="utf-8")) if self._memory.exists() else {}
        self._tokens: dict[str, str] = known.get("tokens", {})
        self.bot_port: int | None = known.get("bot_port")

    def configure(self, slack: dict[str, str], port: int, manifest: Path, roster: Path) -> None:
        """Say where Slack is, where the server listens, and whose rules hold."""
        self.bot_url = f"http://127.0.0.1:{port}"
        self.bot_port = port
        self._settings = environment() | slack | {
            "SAYSO_DATABASE_URL": "sqlite:///sayso.db",
            "SAYSO_MANIFEST": str(manifest.resolve()),
            "SAYSO_ROSTER": str(roster.resolve()),
            "SAYSO_PORT": str(port),
            "SAYSO_SWEEP_SECONDS": "1",
        }  # fmt: skip

    def start_server(self) -> None:
        """Start `python -m bot serve` and wait until it is ready. Raises Trouble."""
        self._start("the server", ["-m", "bot", "serve"], "bot.log", self._settings, f"{self.bot_url}/readyz")

    def start_playground(self, port: int, bot_url: str) -> str:
        """Start `python -m playground` and wait for its page; returns its URL. Raises Trouble."""
        url = f"http://127.0.0.1:{port}"
        command = ["-m", "playground", "--port", str(port), "--bot-url", bot_url]
        self._start("the playground", command, "playground.log", environment(), f"{url}/")
        return url

    def bot(self, *arguments: str) -> str:
        """Run one command of `python -m bot` and return what it prints. Raises Trouble."""
        done = subprocess.run(
            [sys.executable, "-m", "bot", *arguments], cwd=self.directory, env=self._settings, capture_output=True,
            text=True,
        )  # fmt: skip
        if done.returncode:
            raise Trouble(f"python -m bot {' '.join(arguments)}: {(done.stdout + done.stderr).strip()}")
        return done.stdout.strip()

    def agent(self, name: str, script: str, options: list[str]) -> Agent:
        """An agent with a token of its own. Raises Trouble."""
        token = self.token(name)
        own = {
            "SAYSO_URL": self.bot_url,
            "SAYSO_TOKEN": token,
            "SAYSO_STATE_DIR": str(self.directory / f"{name}-state"),
        }
        return Agent(script, options, environment() | own)

    def token(self, name: str) -> str:
        """The agent's token, made at the first call. Raises Trouble."""
        if name not in self._tokens:
            token = json.loads(self.bot("agent", "add", name, "--json"))["token"]
            with self._writing:
                self._tokens[name] = token
                self._memory.touch(mode=0o600)
                known = {"bot_port": self.bot_port, "tokens": self._tokens}
                self._memory.write_text(json.dumps(known), encoding="utf-8")
        return self._tokens[name]

    def running(self, run: Run) -> Run:
        """Remember a process, so that it is stopped with the rest."""
        self._runs = [one for one in self._runs if one.status is None] + [run]
        return run

    def check(self) -> None:
        """Raise Trouble when a server has stopped."""
        for child in self._children:
            child.check()

    def stop(self) -> None:
        """Stop everything: the agents first, the playground last. The folder stays ours until this process ends."""
        for run in self._runs:
            run.stop()
        for child in reversed(self._children):
            child.stop()
        self._children.clear()
        self._runs.clear()

    def _start(self, name: str, command: list[str], log: str, settings: dict[str, str], url: str) -> None:
        child = Child(name, [sys.executable, *command], self.directory / log, settings)
        self._children.append(child)
        end = time.monotonic() + READY_SECONDS
        while not answers(url):
            child.check()
            if time.monotonic() > end:
                raise Trouble(f"{name} is not ready after {READY_SECONDS:.0f} s ({child.log})")
            time.sleep(0.05)


def environment() -> dict[str, str]:
    """This process's environment without what is foreign to the demo."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN_PREFIXES) and name.lower() not in PROXIES
    }
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}


def answers(url: str) -> bool:
    """Whether a GET is answered with 200 now."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def port_near(wanted: int) -> int:
    """The wanted port of this machine, or a free one where it is taken (or 0)."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Trouble("this machine has no free port")


def stop(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Ask a process to stop, and wait; end it where it does not listen."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def named(text: str) -> str:
    """A text with people's names where it has their Slack ids."""
    for user, name in NAMES.items():
        text = text.replace(user, name)
    return text


def _own(directory: Path, keep: bool) -> int:
    """Take the folder for this demo alone, and empty it unless told to keep it; returns the lock. Raises Trouble."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory.with_name(f"{directory.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Trouble(f"another demo is running in {directory}: stop it, or pass --directory") from None
    if directory.exists() and any(directory.iterdir()) and not (directory / MARK).exists():
        raise Trouble(f"{directory} holds something else than a demo: pass another --directory")
    if directory.exists() and not keep:
        shutil.rmtree(directory)
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)  # it holds the demo's tokens, and what its servers say
    (directory / MARK).write_text("Written by the demo, and emptied when it starts again.\n", encoding="utf-8")
    return lock
