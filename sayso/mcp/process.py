"""A server that the gate starts: lines of JSON over its standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence

from sayso.mcp.messages import Message, heard

GRACE = 3.0  # seconds that a server has to end by itself
_CHUNK = 65_536


class Process:
    """The server behind the gate. `on_message` gets each of its lines, `on_end` its exit code."""

    def __init__(
        self, command: Sequence[str], on_message: Callable[[Message], None], on_end: Callable[[str], None]
    ) -> None:
        self._command, self._on_message, self._on_end = command, on_message, on_end
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self.code = 0

    async def start(self) -> None:
        """Start it, without the gate's token. Raises OSError."""
        env = {name: value for name, value in os.environ.items() if name != "SAYSO_TOKEN"}
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe, env=env)
        self._reader = asyncio.create_task(self._read(self._process))

    async def send(self, message: Message, raw: bytes) -> None:
        """Pass a line on. Raises OSError where it is no longer there."""
        assert self._process is not None
        assert self._process.stdin is not None
        async with self._turn:
            self._process.stdin.write(raw + b"\n")
            await self._process.stdin.drain()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        held = bytearray()
        while chunk := await process.stdout.read(_CHUNK):
            held += chunk
            *lines, rest = held.split(b"\n")
            held = bytearray(rest)
            for line in lines:
                if line.strip():
                    self._on_message(heard(bytes(line)))
        self.code = await process.wait()
        self._on_end(f"ended with code {self.code}")

    async def close(self) -> None:
        """Let it end: its input is closed, then it is asked, then it is killed."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        for end in (None, process.terminate, process.kill):
            if end is not None:
                with contextlib.suppress(ProcessLookupError):
                    end()
            with contextlib.suppress(TimeoutError):
                self.code = await asyncio.wait_for(process.wait(), GRACE)
                break
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
