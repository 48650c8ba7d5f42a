"""What systemd is told of a service of `Type=notify`; without one nobody is told anything."""

from __future__ import annotations

import contextlib
import os
import socket

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"


def tell(words: str) -> None:
    """Send it, where somebody listens; a supervisor that does not is no reason to fail."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
        way.setblocking(False)
        way.connect("\0" + address[1:] if address.startswith("@") else address)
        way.send(words.encode())


def alive_seconds() -> float | None:
    """How often it wants to hear that we live: twice in each of its watchdog's times; None where it does not."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    meant = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(microseconds) / 2_000_000 if meant and microseconds.isdigit() and int(microseconds) else None
