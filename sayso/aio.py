"""The client for asyncio."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Self, Unpack

from sayso import asking, executing, gating, resuming, sessions
from sayso.asking import Details, OnInfoRequest, id_of
from sayso.base import Client
from sayso.drive import AsyncPort, run_async
from sayso.effects import Flow, T
from sayso.models import Approval, Grant, Pending, Route, Session
from sayso.ports import AsyncHttpPort

if TYPE_CHECKING:
    import httpx2

P = ParamSpec("P")


class AsyncSayso(Client):
    """Asks people before an agent acts. Settings default to SAYSO_URL, SAYSO_TOKEN and SAYSO_STATE_DIR.

    `timeout` bounds one request, `retry_for` one call with all its retries, both in seconds.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        state_dir: str | os.PathLike[str] | None = None,
        timeout: float = 10.0,
        retry_for: float = 60.0,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        super().__init__(url, state_dir, timeout, retry_for)
        self._port: AsyncPort = AsyncHttpPort(self._core.url, token or os.environ.get("SAYSO_TOKEN"), http)

    async def ask(
        self,
        action: str,
        params: Mapping[str, Any],
        *,
        reason: str = "",
        kind: Literal["confirm", "choose", "input"] = "confirm",
        checkpoint: Any = None,
        step: str | int | None = None,
        idempotency_key: str | None = None,
        **details: Unpack[Details],
    ) -> Approval:
        """Ask, and return at once with what stands now (docs/rules.md: B1).

        With a `session_id` or `step` the idempotency key is derived from session, step, action and params, so that
        asking again finds the same approval; pass another `step` to mean another execution. Otherwise it is random.
        Raises NotRestorable (docs/rules.md: B5), ProblemError's kinds, or Unreachable: then `resume()` goes on with it, and so does
        the same call where its key is not random.
        """
        body = asking.compose(action, params, reason, kind=kind, checkpoint=checkpoint, details=details)
        return await self._run(asking.ask(self._core, body, asking.key_for(body, step, idempotency_key), step))

    async def ask_tool(
        self, tool: str, arguments: Mapping[str, Any], *, session_id: str, call: str = "", cwd: str | None = None
    ) -> Approval:
        """Ask about a tool call, which the manifest's `hooks` section maps to an action; `wait` and `execute` go on with it.

        The same call in the same session finds its own approval until that one has ended, also in a new process; `call` tells
        one try from another. Raises ToolRefused where a rule refuses it.
        """
        return await self._run(asking.ask_tool(self._core, tool, arguments, session_id=session_id, call=call, cwd=cwd))

    async def wait(
        self,
        approval: Approval | str,
        timeout: float | None = None,
        *,
        on_info_request: OnInfoRequest | None = None,
        through_takeover: bool = False,
    ) -> Approval:
        """Wait until it is decided, across server restarts. Raises StillPending after `timeout` seconds.

        A reviewer's question goes to `on_info_request(approval)`, whose text answers it; without a callback it
        raises InformationRequested. `through_takeover` also waits until a person hands back what they took over.
        """
        return await self._run(asking.wait(self._core, id_of(approval), timeout, on_info_request, through_takeover))

    async def get(self, approval: Approval | str) -> Approval:
        """The approval as it stands now."""
        return await self._run(asking.fetch(self._core, id_of(approval)))

    async def answer(self, approval: Approval | str, text: str) -> Approval:
        """Answer a reviewer's question; their clock goes on (docs/rules.md: C1)."""
        return await self._run(asking.answer(self._core, id_of(approval), text))

    async def cancel(self, approval: Approval | str) -> Approval:
        """Withdraw what is no longer needed."""
        return await self._run(asking.cancel(self._core, id_of(approval)))

    async def delegate(self, approval: Approval | str, agent: str) -> Approval:
        """Let another agent act under this approval while it holds: it names the approval's id in `delegated_from` (docs/rules.md: E6).

        Saying it again changes nothing. Raises NotFound for another agent's approval, Conflict for one that gives no
        authority now, and Unprocessable for who is no agent.
        """
        return await self._run(asking.delegate(self._core, id_of(approval), agent))

    async def label(
        self, approval: Approval | str, label: Literal["correct", "incident", "reverted"], detail: str = ""
    ) -> Approval:
        """Say later what turned out to be true, for calibration (docs/rules.md: F2)."""
        return await self._run(asking.label(self._core, id_of(approval), label, detail))

    async def checkpoint_of(self, approval: Approval | str) -> Any:
        """The checkpoint saved with the request; None where there was none."""
        return await self._run(asking.checkpoint_of(self._core, id_of(approval)))

    async def route(
        self, action: str, params: Mapping[str, Any], *, reason: str = "", **details: Unpack[Details]
    ) -> Route:
        """Where such a request would go, and why; nothing is stored."""
        return await self._run(
            asking.route(
                self._core, asking.compose(action, params, reason, kind="confirm", checkpoint=None, details=details)
            )
        )

    async def claim(self, approval: Approval | str) -> Grant:
        """Take the single-use grant; a new process with the same state directory gets the same one (docs/rules.md: B2).

        Prefer `execute`, which also keeps two processes from both running it. Raises Conflict, Gone or Stopped.
        """
        return await self._run(executing.claim_current(self._core, approval))

    def execute(self, approval: Approval | str, *, again: bool = False) -> AsyncExecution:
        """`async with client.execute(approval) as grant: await do(**grant.params)`: claim, run at most once, report.

        Entering raises NotApproved's kinds, StillPending, AlreadyExecuted, or MayHaveRun where an earlier process
        started and never ended; `again=True` runs that anyway, for downstreams that honour grant.idempotency_key.
        """
        return AsyncExecution(self, approval, again)

    async def result(
        self, approval: Approval | Grant | str, outcome: Literal["succeeded", "failed"], detail: str = ""
    ) -> Approval:
        """Report how a claimed action ended; idempotent. Raises NotClaimed if this state directory never claimed it."""
        subject = approval.approval if isinstance(approval, Grant) else approval
        return await self._run(executing.result(self._core, id_of(subject), outcome, detail))

    async def resume(self) -> AsyncIterator[Pending]:
        """What earlier processes left unfinished, oldest first, with each one's checkpoint.

        Results that were never delivered are delivered on the way. A record that can never change again (rejected,
        say) is shown until the loop moves past it.
        """
        for entry in await self._run(resuming.unfinished(self._core)):
            record = await self._run(resuming.revive(self._core, entry))
            if record is not None:
                yield record
                await self._run(resuming.settle(self._core, record))

    async def session(self, session_id: str, title: str | None = None) -> AsyncAgentSession:
        """Register this agent's run, so that people can pause, resume and cancel it (docs/rules.md: C3)."""
        session = AsyncAgentSession(self, session_id, title)
        await session.beat()
        return session

    def gate(
        self,
        action: str | None = None,
        *,
        params: Callable[..., Mapping[str, Any]] | None = None,
        reason: str | Callable[..., str] = "",
        kind: Literal["confirm", "choose", "input"] = "confirm",
        step: str | int | Callable[..., str | int] | None = None,
        checkpoint: Any = None,
        timeout: float | None = None,
        on_info_request: OnInfoRequest | None = None,
        **details: Any,
    ) -> Callable[[Callable[P, Any]], Callable[P, Coroutine[Any, Any, Any]]]:
        """Decorate a function so that it runs only as a person granted it; a plain one runs in a thread and is awaited.

        Shown are its arguments, or what `params` makes of them; it runs with the granted ones, so an edit changes
        them. A keyword argument named `grant` receives the Grant. Calls raise NotApproved's kinds.
        """

        def decorate(function: Callable[P, Any]) -> Callable[P, Coroutine[Any, Any, Any]]:
            name = str(action or getattr(function, "__name__", "action"))
            plan = gating.Gate(name, params, reason, kind, step, checkpoint, timeout, on_info_request, details)
            return _around(self, plan, function)

        return decorate

    async def undone(self) -> AsyncIterator[Approval]:
        """What this agent ran, a person undid, and nobody has reported as rolled back: newest first.

        Look here at the start and now and then: roll each one back, then `label(approval, "reverted")`. An approval
        that was undone before it was claimed is not among them: it can no longer run.
        """
        cursor: str | None = None
        while True:
            page, cursor = await self._run(asking.page(self._core, None, None, cursor, "open"))
            for approval in page:
                yield approval
            if cursor is None:
                return

    async def list(self, state: str | None = None, session_id: str | None = None) -> AsyncIterator[Approval]:
        """The agent's own approvals, newest first, fetched page by page."""
        cursor: str | None = None
        while True:
            page, cursor = await self._run(asking.page(self._core, state, session_id, cursor))
            for approval in page:
                yield approval
            if cursor is None:
                return

    async def close(self) -> None:
        """Close the connections."""
        await self._run(asking.settle_told(self._core))
        await self._port.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, flow: Flow[T]) -> T:
        return await run_async(asking.settled_first(self._core, flow), self._port)


class AsyncExecution:
    """One run of an approved action. Made by `AsyncSayso.execute`."""

    def __init__(self, client: AsyncSayso, approval: Approval | str, again: bool) -> None:
        self._client = client
        self._approval = approval
        self._again = again
        self._grant: Grant | None = None

    async def __aenter__(self) -> Grant:
        self._grant = await self._client._run(executing.begin_current(self._client._core, self._approval, self._again))
        return self._grant

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._grant is not None:
            await self._client._run(executing.finish(self._client._core, self._grant, error))


class AsyncAgentSession:
    """A running agent that people can pause, resume and cancel. Made by `AsyncSayso.session`."""

    def __init__(self, client: AsyncSayso, session_id: str, title: str | None) -> None:
        self._client = client
        self._pulse = sessions.Pulse(session_id, title)

    @property
    def id(self) -> str:
        """The session's id."""
        return self._pulse.id

    @property
    def last(self) -> Session | None:
        """The session as last seen."""
        return self._pulse.last

    async def beat(self) -> Session:
        """Say that the agent is alive."""
        return await self._client._run(sessions.beat(self._client._core, self._pulse))

    async def checkpoint(self) -> Session:
        """Call at each step: waits while paused, raises SessionCancelled when cancelled, beats now and then."""
        return await self._client._run(sessions.checkpoint(self._client._core, self._pulse))

    async def ask(self, action: str, params: Mapping[str, Any], **details: Any) -> Approval:
        """`AsyncSayso.ask` within this session."""
        return await self._client.ask(action, params, session_id=self.id, **details)


def _around(client: AsyncSayso, plan: gating.Gate, function: Callable[P, Any]) -> Callable[P, Coroutine[Any, Any, Any]]:
    @wraps(function)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
        call = gating.Call.of(plan, function, args, kwargs)
        return (await client._run(gating.gated(client._core, plan, call))).unwrap()

    return wrapper
