"""`sayso run ACTION … -- CMD …`: ask, wait, claim, run the command with what was granted, report how it ended."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess  # the command that the caller names, as a list, never through a shell
import sys
import threading
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

from sayso.cli import client, codes, params

if TYPE_CHECKING:
    from sayso.models import Approval, Grant

TAIL_CHARACTERS = 1500
_FORWARDED = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    params.add_request(parser)
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="how long to wait for people at most")
    parser.add_argument(
        "--answer", default=client.CANNOT_ANSWER, metavar="TEXT", help="what a reviewer who asks is told"
    )
    parser.usage = f"{parser.prog} ACTION [options] -- CMD …   ({{name}} in CMD stands for the granted parameter)"


def run(args: argparse.Namespace) -> int:
    """The command's own exit code; 126 where it was refused, 124 where nobody decided, 125 where Sayso failed."""
    if not args.command:
        client.tell("give the command to run after --")
        return codes.USAGE
    return client.with_client(lambda asking: _run(asking, args, args.command))


def _run(asking: Any, args: argparse.Namespace, command: Sequence[str]) -> int:
    wanted = params.read_params(args.param)
    asked: Approval = asking.ask(args.action, wanted, reason=args.reason, step=args.step, **params.details(args))
    if asked.pending:
        client.tell(f"{asked.action} ({asked.id}) waits for a person")
        asked = asking.wait(asked, args.timeout, on_info_request=client.answered(args.answer))
    ended: list[int] = []
    try:
        with asking.execute(asked) as grant:
            _tell_edits(wanted, grant)
            code, tail = _execute(command, list(wanted), grant)
            ended.append(code)
            grant.report(tail if code else f"exit code 0\n{tail}".strip())
            if code:
                raise CommandFailed(code)
    except CommandFailed as failed:
        return failed.code
    return ended[0]


class CommandFailed(Exception):
    """The command ended with another code than 0: what the client is to report as failed."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


def _tell_edits(wanted: dict[str, Any], grant: Grant) -> None:
    for name in [*wanted, *(name for name in grant.params if name not in wanted)]:
        before, after = wanted.get(name), grant.params.get(name)
        if before != after:
            client.tell(f"changed by the reviewer: {name}: {before!r} → {after!r}")
    if grant.note:
        client.tell(f"note: {grant.note}")


def _execute(command: Sequence[str], names: Sequence[str], grant: Grant) -> tuple[int, str]:
    """Exit code, and the end of what it printed. Raises ValueError where the grant does not fit the command."""
    words = params.filled(command, names, grant.params)
    variables = params.environment(grant.params)
    variables |= {"SAYSO_APPROVAL_ID": grant.approval.id, "SAYSO_IDEMPOTENCY_KEY": grant.idempotency_key}
    environment = {name: value for name, value in os.environ.items() if name != "SAYSO_TOKEN"} | variables
    tail = _Tail()
    try:
        process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603
    except FileNotFoundError:
        return codes.NOT_FOUND, f"{words[0]}: not found"
    except OSError as error:
        return codes.REFUSED, f"{words[0]}: {error.strerror}"
    with _forwarding(process):
        readers = [_reader(process.stdout, sys.stdout, tail), _reader(process.stderr, sys.stderr, tail)]
        code = process.wait()
        for reader in readers:
            reader.join(timeout=5.0)  # somebody whom it started may hold its output open
    return (code if code >= 0 else 128 - code), tail.text


class _Tail:
    """The end of what a command prints, of both its outputs."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._lock = threading.Lock()

    def add(self, chunk: bytes) -> None:
        """Keep the end of what there is so far."""
        with self._lock:
            self._kept += chunk
            del self._kept[: -4 * TAIL_CHARACTERS]

    @property
    def text(self) -> str:
        """The end as text."""
        return self._kept.decode("utf-8", "replace")[-TAIL_CHARACTERS:]


def _reader(source: IO[bytes] | None, target: IO[str], tail: _Tail) -> threading.Thread:
    """Passes on what the command prints while it prints it."""
    assert source is not None

    def read() -> None:
        out = getattr(target, "buffer", None)
        while chunk := source.read1(65_536):  # type: ignore[attr-defined]
            tail.add(chunk)
            if out is not None:
                out.write(chunk)
                out.flush()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


class _forwarding:
    """While the command runs, signals to this process are signals to it: it ends first, and its end is reported."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._before: dict[Any, Any] = {}

    def __enter__(self) -> None:
        for number in _FORWARDED:
            self._before[number] = signal.signal(number, lambda got, _: self._process.send_signal(got))

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
