"""Standard input and output as lines."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable

_CHUNK = 65_536


def say(raw: bytes) -> None:
    """A line for the host."""
    sys.stdout.buffer.write(raw + b"\n")
    sys.stdout.buffer.flush()


def listen(hear: Callable[[bytes | None], None], loop: asyncio.AbstractEventLoop) -> None:
    """Hands over the host's lines, then None, from a thread: standard input may be a pipe, a file or a terminal."""

    def read() -> None:
        held = bytearray()
        while chunk := os.read(0, _CHUNK):
            held += chunk
            *lines, rest = held.split(b"\n")
            held = bytearray(rest)
            for line in lines:
                loop.call_soon_threadsafe(hear, bytes(line))
        if held.strip():
            loop.call_soon_threadsafe(hear, bytes(held))
        loop.call_soon_threadsafe(hear, None)

    threading.Thread(target=read, daemon=True).start()
