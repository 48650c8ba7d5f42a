"""Bare sockets against a server: what no HTTP library would send."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Heard:
    """What came back on a connection until it ended, or until nobody waited any longer."""

    data: bytes
    ended: bool
    seconds: float

    @property
    def statuses(self) -> list[int]:
        """The status of each answer, in order."""
        return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.data)]

    @property
    def status(self) -> int | None:
        """The status of the first answer."""
        return self.statuses[0] if self.statuses else None


class Wire:
    """One connection."""

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """Send everything; False where the other side has ended."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def drip(self, piece: bytes, every: float, seconds: float) -> bool:
        """Send a piece again and again for so long; whether the other side took all of it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.over or not self.send(piece):
                return False
            time.sleep(every)
        return True

    @property
    def over(self) -> bool:
        """Whether the other side has ended it; what it said before stays to be heard."""
        self.socket.setblocking(False)
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.socket.settimeout(60)

    def hear(self, seconds: float = 30.0, until: Callable[[bytes], bool] = lambda _: False) -> Heard:
        """Listen until the other side ends, `until` holds, or the time is over."""
        began, data, ended = time.monotonic(), b"", False
        while (left := began + seconds - time.monotonic()) > 0 and not until(data):
            self.socket.settimeout(left)
            try:
                piece = self.socket.recv(65_536)
            except TimeoutError:
                break
            except OSError:
                piece = b""
            if not piece:
                ended = True
                break
            data += piece
        return Heard(data, ended, time.monotonic() - began)


def ask(url: str, data: bytes, seconds: float = 30.0) -> Heard:
    """Send this on a connection of its own, and listen until the other side ends it or the time is over."""
    with Wire(url) as wire:
        wire.send(data)
        return wire.hear(seconds)


def memory(pid: int) -> int:
    """What a process holds of memory for itself, in bytes."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        kept = (line.split() for line in lines)
        return sum(int(words[1]) for words in kept if words[0] in ("Private_Dirty:", "Private_Clean:")) * 1024


def files(pid: int) -> int:
    """How many descriptors a process has open."""
    with contextlib.suppress(FileNotFoundError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0
