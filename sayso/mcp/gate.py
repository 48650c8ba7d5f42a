"""`sayso mcp-gate`: stands between a host and a server, passes on every message as it is, and holds `tools/call`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Protocol

from sayso.aio import AsyncSayso
from sayso.errors import SaysoError
from sayso.mcp import messages, words
from sayso.mcp.calls import Caller, Held, Lost, Names
from sayso.mcp.messages import Message, NotAMessage

log = logging.getLogger("sayso")
LINGER = 10.0  # seconds that a call which runs has to end after the host has gone, so that its end is reported
LATER = 60.0  # seconds between two tries to report what could not be reported


class Server(Protocol):
    """What stands behind the gate; `code` is the exit code where it is a process."""

    code: int

    async def start(self) -> None: ...
    async def send(self, message: Message, raw: bytes) -> None: ...
    async def close(self) -> None: ...


class Gate:
    """Between `hear` (what the host says) and `say` (what it is told)."""

    def __init__(self, client: AsyncSayso, names: Names, say: Callable[[bytes], None], wait: float | None) -> None:
        self._client, self._say = client, say
        self._caller = Caller(client, names, self._run, say, wait)
        self._held: dict[str, Held] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._server: Server | None = None
        self._ended = ""

    # -- from outside

    def hear(self, line: bytes | None) -> None:
        """A line of the host; None once there are no more."""
        self._lines.put_nowait(line)

    def on_message(self, message: Message) -> None:
        """A message of the server: the answer to a held call goes to whoever made it, everything else to the host."""
        if message.answers and message.key in self._held:
            answer = self._answers.pop(message.key, None)
            if answer is not None and not answer.done():
                answer.set_result(message)
            return
        if message.answers:
            self._caller.outputs |= messages.outputs(message)
        self._say(message.raw)

    def on_lost(self, message: Message, why: str) -> None:
        """A request that the server will never answer."""
        answer = self._answers.pop(message.key or "", None)
        if answer is not None and not answer.done():
            answer.set_exception(Lost(why))
        elif message.key is not None and message.key not in self._held:
            self._say(messages.error(message.body["id"], messages.LOST, f"the server {why}"))

    def on_end(self, why: str) -> None:
        """The server has ended, and so does the gate."""
        self._ended = why
        self.hear(None)

    # -- the gate's life

    async def serve(self, server: Server) -> int:
        """Until the host hangs up or the server ends; gives the exit code."""
        self._server = server
        await server.start()
        late = asyncio.create_task(self._report_late())
        try:
            while (line := await self._lines.get()) is not None:
                await self._heard(line)
            await self._wind_up()
        finally:
            late.cancel()
            await server.close()
        return server.code if self._ended else 0

    async def _wind_up(self) -> None:
        """Calls that wait are dropped: their requests stay open. Calls that run may end, so that their end is reported."""
        for key, held in list(self._held.items()):
            held.cancelled = True
            if self._ended:
                self._say(messages.failed(held.message, words.LOST if key in self._answers else words.ENDED))
                self.on_lost(held.message, self._ended)
            if not held.committed:
                self._tasks[key].cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=LINGER)
        for task in self._tasks.values():
            task.cancel()

    async def _report_late(self) -> None:
        """What earlier runs could not report is reported now, and what this one cannot, a little later."""
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._client.prune)
        self._caller.unreported = True
        while True:
            if self._caller.unreported:
                self._caller.unreported = False
                try:
                    async for _ in self._client.resume():
                        pass
                except SaysoError as problem:
                    self._caller.unreported = True
                    log.info("not reported yet: %s", problem)
            await asyncio.sleep(LATER)

    # -- from the host

    async def _heard(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            message = messages.read(line)
        except NotAMessage as problem:
            self._say(
                messages.error(None, messages.PARSE, f"Sayso passes on no message that can be misread: {problem}")
            )
            return
        if isinstance(message.body, list) and messages.calls(message):
            self._refuse_batch(message.body)
        elif message.method == messages.CALL:
            self._hold(message)
        elif message.method == messages.CANCELLED:
            await self._cancelled(message)
        else:
            await self._pass_on(message)

    async def _pass_on(self, message: Message) -> None:
        assert self._server is not None
        try:
            await self._server.send(message, message.raw)
        except OSError:
            self.on_lost(message, "has ended")

    def _refuse_batch(self, batch: list[dict[str, object]]) -> None:
        asked = [one["id"] for one in batch if one.get("id") is not None and "method" in one]
        text = "a call of a tool must be a message of its own"
        told = [{"jsonrpc": "2.0", "id": one, "error": {"code": messages.INVALID, "message": text}} for one in asked]
        if told:
            self._say(messages.written(told))

    def _hold(self, message: Message) -> None:
        key = message.key
        if key is None:
            return  # nobody could be told what became of it
        if key in self._held:
            self._say(
                messages.error(
                    message.body["id"], messages.INVALID, "this id is that of another call, which is not over"
                )
            )
            return
        held = self._held[key] = Held(message)
        self._tasks[key] = asyncio.create_task(self._made(key, held))

    async def _made(self, key: str, held: Held) -> None:
        try:
            answer = await self._caller.call(held)
            if not held.cancelled:
                self._say(answer)
        finally:
            self._answers.pop(key, None)
            self._held.pop(key, None)
            self._tasks.pop(key, None)

    async def _run(self, held: Held, raw: bytes) -> Message:
        """Send a call to the server, and wait for its answer."""
        assert self._server is not None
        key = held.message.key or ""
        if self._ended:
            raise Lost(self._ended)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers[key] = answer
        try:
            await self._server.send(held.message, raw)
        except OSError as problem:
            raise Lost(str(problem)) from None
        return await answer

    async def _cancelled(self, message: Message) -> None:
        """The host no longer waits: a call that waits for people is dropped, one that runs is told to stop."""
        key = messages.key_of(message.params.get("requestId"))
        held = self._held.get(key)
        if held is None:
            await self._pass_on(message)
            return
        held.cancelled = True
        if not held.committed:
            self._tasks[key].cancel()
            return
        if key in self._answers:
            await self._pass_on(message)
            # A server need not answer what was cancelled; then nobody knows what became of it.
            asyncio.get_running_loop().call_later(LINGER, self.on_lost, held.message, "was told to stop")
