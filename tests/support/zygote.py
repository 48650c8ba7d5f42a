"""Real processes, quickly: one process has imported everything and forks another whenever it is told to.

A forked server runs `python -m bot serve` from its first line on; only the imports and the rehearsal of the templates
are not repeated. It is a process of its own, with its own connections, and ends with the zygote. What a process does is
named by its function: `module:function`.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1


class Child:
    """A forked process, held by a descriptor that never means another one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._turn = threading.RLock()
        try:
            self._fd: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._fd = None

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return not self.ended_within(0)

    def ended_within(self, seconds: float) -> bool:
        """Wait until it ended; False when it did not in time. One thread at a time: the descriptor is closed once."""
        with self._turn:
            if self._fd is None:
                return True
            if not select.select([self._fd], [], [], seconds)[0]:
                return False
            os.close(self._fd)
            self._fd = None
            return True

    def send(self, number: signal.Signals) -> None:
        """A signal, unless it is dead already."""
        with self._turn, contextlib.suppress(ProcessLookupError):
            if self._fd is not None:
                signal.pidfd_send_signal(self._fd, number)

    def kill(self) -> bool:
        """SIGKILL, without a word; False where it was dead already."""
        with self._turn:
            if self._fd is None or self.ended_within(0):
                return False
            signal.pidfd_send_signal(self._fd, signal.SIGKILL)
            assert self.ended_within(20), "a killed process stays"
            return True


class Zygote:
    """Forks on demand. Use as a context manager: its children end with it. `modules` are loaded before the first one."""

    def __init__(self, modules: Iterable[str] = ()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.zygote", *modules],
            cwd=ROOT,
            env=_bare() | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._turn = threading.Lock()
        self._heard()

    def fork(self, role: str, env: Mapping[str, str], log: Path) -> Child:
        """A new process that calls `role` (`module:function`) with these settings; what it prints goes to `log`."""
        assert self._process.stdin is not None
        with self._turn:
            print(json.dumps({"role": role, "env": dict(env), "log": str(log)}), file=self._process.stdin, flush=True)
            return Child(int(self._heard()))

    def _heard(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the zygote ended"
        return line.strip()

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("SAYSO_", "SLACK_"))}


# --- inside the zygote -----------------------------------------------------------------------------------------------


def serve() -> None:
    """`python -m bot serve`."""
    import bot.__main__ as entrance

    sys.exit(entrance.main(["serve"]))


def command() -> None:
    """`python -m bot …` with the words, folder and environment of the order, its status written to a file."""
    import bot.__main__ as entrance

    order = json.loads(os.environ["TEST_COMMAND"])
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["folder"])
    os.dup2(os.open(order["errors"], os.O_WRONLY | os.O_CREAT), 2)
    try:
        status = entrance.main(order["words"])
    except SystemExit as end:
        status = int(end.code or 0)
    sys.stdout.flush()
    Path(order["status"]).write_text(str(status), encoding="ascii")
    sys.exit(status)


def _child(order: dict[str, Any]) -> None:
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.environ.update(order["env"])
        module, _, function = order["role"].partition(":")
        getattr(importlib.import_module(module), function)()
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(int(end.code or 0))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)
    os._exit(0)


def main() -> None:
    """Load the modules that were named, read orders, one a line, and answer each with the new process's id."""
    import bot.app
    from bot.server import startup_check

    for module in (
        "bot.doctor.posting",
        "uvicorn.loops.uvloop",
        "uvicorn.protocols.http.httptools_impl",
        "bot.cli.serve",
        *sys.argv[1:],
    ):
        importlib.import_module(module)

    startup_check.check_all()
    vars(bot.app)["check_all"] = list
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _child(json.loads(line))
        print(pid, flush=True)


if __name__ == "__main__":
    main()
