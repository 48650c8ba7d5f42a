"""Performs a flow's effects: once for plain code, once for asyncio, once for a coroutine on the plain client."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

from sayso.effects import Effect, Flow, Invoke, Ran, Reply, Request, Run, Send, Sleep, T


class Port(Protocol):
    """The outside world, blocking. `send` raises Lost when no answer comes."""

    def send(self, request: Request, timeout: float) -> Reply: ...
    def sleep(self, seconds: float) -> None: ...
    def close(self) -> None: ...


class AsyncPort(Protocol):
    """The outside world for asyncio."""

    async def send(self, request: Request, timeout: float) -> Reply: ...
    async def sleep(self, seconds: float) -> None: ...
    async def close(self) -> None: ...


def run(flow: Flow[T], port: Port) -> T:
    """Drive a flow to its end in this thread."""
    step: Callable[[], Effect] = partial(next, flow)
    while True:
        try:
            effect = step()
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        try:
            result = _perform(effect, port)
        except BaseException as error:  # the flow decides what an error or an interrupt means
            step = partial(flow.throw, error)
        else:
            step = partial(flow.send, result)


async def run_async(flow: Flow[T], port: AsyncPort) -> T:
    """Drive a flow to its end on the running event loop; disk work goes to a thread."""
    return await _run_async(flow, partial(_perform_async, port=port))


async def run_beside(flow: Flow[T], port: Port) -> T:
    """Drive a flow for a coroutine through a blocking port, which is used from threads."""
    return await _run_async(flow, partial(_perform_beside, port=port))


async def _run_async(flow: Flow[T], perform: Callable[[Effect], Awaitable[Any]]) -> T:
    step: Callable[[], Effect] = partial(next, flow)
    while True:
        try:
            effect = step()
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        try:
            result = await perform(effect)
        except BaseException as error:  # cancellation included: the flow must see it
            step = partial(flow.throw, error)
        else:
            step = partial(flow.send, result)


def _perform(effect: Effect, port: Port) -> Any:
    match effect:
        case Send():
            return port.send(effect.request, effect.timeout)
        case Sleep():
            return port.sleep(effect.seconds)
        case Run():
            return effect.work()
        case Invoke():
            return _invoke(effect.work)


async def _perform_async(effect: Effect, port: AsyncPort) -> Any:
    match effect:
        case Send():
            return await port.send(effect.request, effect.timeout)
        case Sleep():
            return await port.sleep(effect.seconds)
        case Run():
            return await _in_thread(effect.work)
        case Invoke():
            return await _invoke_async(effect.work)


async def _perform_beside(effect: Effect, port: Port) -> Any:
    if isinstance(effect, Invoke):
        return await _invoke_async(effect.work)
    return await _in_thread(partial(_perform, effect, port))


def _invoke(work: Callable[[], Any]) -> Ran:
    # Errors are values here: a StopIteration can travel neither through a generator nor through a future.
    try:
        return Ran(value=work())
    except Exception as error:
        return Ran(error=error)


async def _invoke_async(work: Callable[[], Any]) -> Ran:
    try:
        value = work() if inspect.iscoroutinefunction(work) else await _in_thread(partial(_invoke, work))
        if isinstance(value, Ran):
            value = value.unwrap()
        return Ran(value=await value if inspect.isawaitable(value) else value)
    except Exception as error:
        return Ran(error=error)


async def _in_thread(work: Callable[[], Any]) -> Any:
    import asyncio  # 10 ms that a plain agent need not spend

    return await asyncio.to_thread(work)
