"""One call of a tool: asked for, waited for, claimed where it runs, run once as granted, and reported."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from sayso import executing
from sayso.aio import AsyncSayso
from sayso.errors import InformationRequested, SaysoError, StillPending
from sayso.mcp import messages, words
from sayso.mcp.messages import Message
from sayso.models import Approval, Grant
from sayso.plain import fingerprint

log = logging.getLogger("sayso")
FIRST_BEAT, BEAT = 1.0, 4.0  # seconds to the first sign of life, and between two: hosts give up after 60 without
PATIENT, HASTY = (
    570.0,
    50.0,
)  # how long a call waits for people where the host hears that it waits, and where it does not


class Lost(Exception):
    """The server ended or hung up after the call was sent to it."""


@dataclass(frozen=True, slots=True)
class Names:
    """Who asks: the server's name in the manifest, the session, this run of the gate, and where it was started."""

    server: str
    session: str
    run: str
    cwd: str


@dataclass(slots=True)
class Held:
    """A call that the host has made. Once `committed` it may have been claimed, and is no longer simply dropped."""

    message: Message
    committed: bool = False
    cancelled: bool = False
    beats: asyncio.Task[None] | None = None

    def gone(self) -> bool:
        """Whether the host no longer waits for it."""
        return self.cancelled

    def quiet(self) -> None:
        """No more signs of life: from here on the tool tells its own."""
        if self.beats is not None:
            self.beats.cancel()


Run = Callable[[Held, bytes], Awaitable[Message]]


class Caller:
    """Makes held calls. `run` sends one to the server and gives the answer, or raises Lost; `say` tells the host something."""

    def __init__(
        self, client: AsyncSayso, names: Names, run: Run, say: Callable[[bytes], None], wait: float | None
    ) -> None:
        self._client, self._names, self._run, self._say, self._wait = client, names, run, say, wait
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._going_on: dict[str, Grant] = {}
        self.unreported = False
        self.outputs: dict[Any, Any] = {}
        """What the server's tools say of their structured results, as far as the host has asked for it."""

    async def call(self, held: Held) -> bytes:
        """The answer to a call. Whatever goes wrong on the way means that nothing runs, and is told to the model."""
        message = held.message
        name, arguments = message.params.get("name"), message.params.get("arguments")
        arguments = {} if arguments is None else arguments
        if not isinstance(name, str) or not name or not isinstance(arguments, dict):
            return messages.failed(message, words.NO_CALL)
        token = _token(message)
        held.beats = None if token is None else asyncio.create_task(self._beat(token))
        try:
            async with self._turn(fingerprint([name, arguments])):
                return await self._made(held, name, arguments)
        except Exception as problem:
            if not isinstance(problem, SaysoError):
                log.exception("a call could not be made")
            return messages.failed(message, words.refused(problem))
        finally:
            held.quiet()

    def _turn(self, call: str) -> asyncio.Lock:
        """The same call made twice at once is one after the other: each needs an approval of its own."""
        return self._turns.setdefault(call, asyncio.Lock())

    async def _made(self, held: Held, name: str, arguments: dict[str, Any]) -> bytes:
        grant = self._continued(held.message)
        if grant is None:
            approval = await self._asked(held.message, name, arguments)
            await asyncio.sleep(0)  # a host that has hung up meanwhile is known now
            if held.gone():
                raise StillPending(approval)
            held.committed = True
            grant = await self._client._run(executing.begin(self._client._core, approval, again=False))
            if held.gone():
                await self._report(grant, "failed", "the host no longer waited: nothing was run")
                raise StillPending(approval)
        held.committed = True
        return await self._ran(held, grant)

    def _continued(self, message: Message) -> Grant | None:
        """The grant of a call that the server wanted to know more about: a further round of it is no new call."""
        state = message.params.get("requestState")
        if state is None and not message.params.get("inputResponses"):
            return None
        return self._going_on.pop(_round(message, state), None)

    async def _asked(self, message: Message, name: str, arguments: dict[str, Any]) -> Approval:
        names = self._names
        number = f"{names.run}-{fingerprint(message.body['id'])[:24]}"
        tool = f"mcp__{names.server}__{name}"
        approval = await self._client.ask_tool(tool, arguments, session_id=names.session, call=number, cwd=names.cwd)
        if not approval.pending:
            return approval
        try:
            return await self._client.wait(approval, self._patience(message))
        except InformationRequested:
            with contextlib.suppress(SaysoError):  # decided or withdrawn meanwhile: the next call finds that
                await self._client.answer(approval, words.ASKED_BACK)
            raise

    def _patience(self, message: Message) -> float:
        if self._wait is not None:
            return self._wait
        return HASTY if _token(message) is None else PATIENT

    async def _ran(self, held: Held, grant: Grant) -> bytes:
        """Runs what was granted, and reports; where nobody can know whether it ran, nothing is reported."""
        message = held.message
        held.quiet()
        try:
            answer = await self._run(held, messages.granted(message, grant.params))
        except Lost:
            return messages.failed(message, words.LOST)
        state = _asks_for_more(answer)
        if state is not None:
            self._going_on[_round(message, state[0])] = grant
            return answer.raw
        if _says_failed(answer):
            await self._report(grant, "failed", "the tool reported an error")
        else:
            await self._report(grant, "succeeded", "")
        if not (grant.edited or grant.note):
            return answer.raw
        told = words.changed(grant.approval.feedback, grant.note)
        return messages.noted(answer, told, self.outputs.get(message.params.get("name")))

    async def _report(self, grant: Grant, outcome: Any, detail: str) -> None:
        """What happened outranks the report: it is on disk, and told later where Sayso does not answer now."""
        try:
            await self._client.result(grant, outcome, detail)
        except SaysoError as problem:
            self.unreported = True
            log.warning(
                "%s (%s) %s, but was not reported: %s", grant.approval.action, grant.approval.id, outcome, problem
            )

    async def _beat(self, token: Any) -> None:
        await asyncio.sleep(FIRST_BEAT)
        number = 0
        while True:
            number += 1
            # Hardly more than nothing: what the tool itself tells later is more than this.
            self._say(messages.progress(token, number / 1_000_000, words.WAITING))
            await asyncio.sleep(BEAT)


def _token(message: Message) -> Any:
    meta = message.params.get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    return token if isinstance(token, str | int) and not isinstance(token, bool) else None


def _says_failed(answer: Message) -> bool:
    body = answer.body if isinstance(answer.body, dict) else {}
    result = body.get("result")
    return "error" in body or (isinstance(result, dict) and result.get("isError") is True)


def _asks_for_more(answer: Message) -> tuple[Any] | None:
    """The state of a call that needs another round before it has ended; None where it has."""
    result = answer.body.get("result") if isinstance(answer.body, dict) else None
    more = isinstance(result, dict) and result.get("resultType") == "input_required"
    return (result.get("requestState"),) if isinstance(result, dict) and more else None


def _round(message: Message, state: Any) -> str:
    """Which call a further round belongs to. The state is the server's own and cannot be guessed."""
    return fingerprint([message.params.get("name"), message.params.get("arguments") or {}, state])
