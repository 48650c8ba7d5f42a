"""One worker among several of one server (bot.server.workers): its line to the others, and what is said over it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from bot.server.signals import CHANGED, LiveSignals

READY, ALIVE, LEAD = "ready", "alive", "lead"
BEAT_SECONDS = 1.0


def line_of(word: str, about: str = "") -> bytes:
    """What is said, as one line: names may hold anything."""
    return json.dumps([word, about]).encode() + b"\n"


def said(line: bytes) -> tuple[str, str]:
    """The word and what it is about."""
    word, about = json.loads(line)
    return word, about


class Colleagues:
    """The line of worker `slot`. `figures` is the folder in which all workers' figures lie."""

    def __init__(self, line: socket.socket, slot: int, figures: Path) -> None:
        self._line = line  # kept until the process ends: its end tells the supervisor that we did
        self.slot, self.figures = slot, figures
        self.leads = False
        self._ready = False
        self._writer: asyncio.StreamWriter | None = None

    async def run(self, signals: LiveSignals, lead: Callable[[], None], beat: Callable[[], None]) -> None:
        """Hear and tell for ever: what other workers changed, and that this one does from now on what only one does.

        Without the supervisor nobody would start us again, and nobody lead: then this worker goes too.
        """
        reader, self._writer = await asyncio.open_unix_connection(sock=self._line.dup())
        signals.tell = self._tell
        if self._ready:
            self._tell(READY)
        beating = asyncio.create_task(self._beat(beat))
        try:
            while line := await reader.readline():
                word, about = said(line)
                if word == LEAD:
                    self.leads = True
                    lead()
                else:
                    signals.told(word, about)
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            signals.tell = None
            beating.cancel()
            self._writer.close()

    def ready(self) -> None:
        """This worker takes requests; said when the line is open."""
        self._ready = True
        self._tell(READY)

    async def _beat(self, beat: Callable[[], None]) -> None:
        while True:
            beat()
            self._tell(ALIVE)
            await asyncio.sleep(BEAT_SECONDS)

    def _tell(self, word: str, about: str = "") -> None:
        if self.leads and word not in (CHANGED, READY, ALIVE):
            return  # it is for whoever leads
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(line_of(word, about))
