"""Tells agents' callback addresses that an approval moved on (docs/rules.md: B3): "approval X is now version N, look", and nothing else.

A callback carries no decision: whoever gets one reads the approval with its own token. It goes only to listed hosts, to
the very addresses that were checked, follows no redirect, reads no answer, and is sent until it was taken or three days
have passed. Several servers may call: a lease keeps them apart.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.server.runtime import Runtime
from bot.service import activity, alarms, callback_signing
from bot.service.callback_hosts import Forbidden, is_literal
from policies.digest import canonical
from policies.errors import InvalidInput
from policies.messages import AlertFacts, Cause, Lasting
from store import callbacks, outbox
from store.callbacks import Callback
from store.unit import Unit

log = logging.getLogger("sayso.caller")
BATCH = 20
MOST_AT_ONCE = 100
TIMEOUT_SECONDS = 10.0
CONNECT_SECONDS = 5.0
IDLE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 3600.0
GIVE_UP_AFTER = timedelta(days=3)
MOST_COOLING_SECONDS = 60.0
AGENT = "sayso-callback/1"

Resolve = Callable[[str, int], Awaitable[list[str]]]


class Refused(Exception):
    """The address did not take it; `final` where it never will."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


async def by_name(host: str, port: int) -> list[str]:
    """Every address of a host, as the system resolves it."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CallbackSender:
    """Sends what waits. A host that fails or hangs is left alone for a while and stops no other."""

    def __init__(self, runtime: Runtime, *, resolve: Resolve = by_name) -> None:
        self._runtime = runtime
        self._resolve = resolve
        self._hosts = runtime.world.callback_hosts
        self._secrets = callback_signing.keys(runtime.settings.callback_secret or "")
        self._busy: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._cooling: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def run(self) -> None:
        """Send for ever; without listed hosts there is nothing to do."""
        if not self._hosts.places:
            return
        signal = self._runtime.signals.callbacks
        try:
            while not self._closing:
                signal.clear()
                try:
                    pause = await self.turn()
                except Exception:
                    log.exception("the callbacks stumbled")
                    pause = 1.0
                if pause > 0:
                    await _set_within(signal, pause)
            await asyncio.gather(*self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        """Begin nothing more; what is on its way is told, and `run` ends."""
        self._closing = True
        self._runtime.signals.callbacks.set()

    async def turn(self) -> float:
        """One round: begin to send what is due; the seconds until the next is worth making."""
        room = min(BATCH, MOST_AT_ONCE - self._busy.total())
        taken: list[Callback] = []
        if room > 0:
            resting = self._resting()
            taken = await self._write(lambda unit: callbacks.lease(unit, room, skip_hosts=resting))
        for callback in taken:
            self._busy[callback.host] += 1
            task = asyncio.get_running_loop().create_task(self._call(callback))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return 0.0 if taken else await self._until_next()

    def _resting(self) -> set[str]:
        now = time.monotonic()
        self._cooling = {host: until for host, until in self._cooling.items() if until > now}
        return {host for host, count in self._busy.items() if count} | set(self._cooling)

    async def _until_next(self) -> float:
        due, now = await self._write(lambda unit: (callbacks.next_due(unit), unit.now))
        later = (due - now).total_seconds() if due is not None else IDLE_SECONDS
        # What is due and not taken belongs to a host that rests: its end is signalled, or it cools down.
        return min(max(later, 0.5), IDLE_SECONDS)

    async def _call(self, callback: Callback) -> None:
        with activity.begun(callback.approval_id):
            await self._called(callback)

    async def _called(self, callback: Callback) -> None:
        try:
            outcome = await self._settled(callback)
            self._runtime.metrics.callbacks.labels(outcome).inc()
        except asyncio.CancelledError:
            await self._write(lambda unit: callbacks.retry(unit, callback, at=unit.now, error="the server went"))
            raise
        except Exception:
            log.exception("callback for %s", callback.approval_id)  # its lease runs out, and it is tried again
        finally:
            self._busy[callback.host] -= 1
            self._runtime.signals.callbacks.set()

    async def _settled(self, callback: Callback) -> str:
        try:
            await self._send(callback)
        except Refused as error:
            return await self._failed(callback, error)
        self._failures.pop(callback.host, None)

        def work(unit: Unit) -> None:
            callbacks.told(unit, callback)
            alarms.say_over_if_lasting(
                self._runtime.world, unit, _given_up(callback), f"{callback.host} takes them again"
            )

        await self._write(work)
        return "taken"

    async def _failed(self, callback: Callback, error: Refused) -> str:
        self._failures[callback.host] += 1
        cooling = min(2.0 ** min(self._failures[callback.host] - 1, 10), MOST_COOLING_SECONDS)
        self._cooling[callback.host] = time.monotonic() + cooling
        pause = _pause(callback.attempts)
        log.warning("callback for %s to %s: %s", callback.approval_id, callback.host, error)

        def work(unit: Unit) -> str:
            if not error.final and unit.now + pause <= callback.since + GIVE_UP_AFTER:
                callbacks.retry(unit, callback, at=unit.now + pause, error=str(error))
                return "failed"
            if callbacks.give_up(unit, callback, error=str(error)):
                self._tell_operations(unit, callback, error)
            return "given_up"

        return str(await self._write(work))

    def _tell_operations(self, unit: Unit, callback: Callback, error: Refused) -> None:
        operations = self._runtime.world.book.roster.operations
        if operations is None:
            return
        text = f"The last one was for {callback.approval_id}: {error}. Agents that wait for it have to look themselves."
        alarm = AlertFacts(f"Callbacks to {callback.host} were given up", text)
        key = f"callback:{callback.host}:{unit.now:%Y%m%d%H}"
        cause = _given_up(callback)
        outbox.put_notice(unit, key, channel=operations, facts=alarm, urgency=1, cause=cause)
        unit.after_commit(self._runtime.signals.outbox_filled)

    async def _send(self, callback: Callback) -> None:
        """One POST to one of the addresses that were checked; raises Refused unless the answer is 2xx."""
        try:
            host, port = self._hosts.check(callback.url)
            url = URL(callback.url)
            if (url.raw_host or "").rstrip(".").lower() != host or url.port != port:
                raise Forbidden("its address can be read in two ways")
            async with asyncio.timeout(TIMEOUT_SECONDS):
                pinned = _Pinned(await self._checked(host, port))
                status = await _posted(url, self._message(callback), pinned)
        except (InvalidInput, Forbidden) as error:
            raise Refused(str(error), final=True) from error
        except (TimeoutError, OSError, aiohttp.ClientError, ValueError) as error:
            raise Refused(f"no answer: {type(error).__name__}") from error
        if not 200 <= status < 300:
            raise Refused(f"status {status}", final=status == 410)

    async def _checked(self, host: str, port: int) -> list[str]:
        addresses = [host] if is_literal(host) else await self._resolve(host, port)
        if not addresses:
            raise OSError("no address")
        self._hosts.require(addresses)
        return addresses

    def _message(self, callback: Callback) -> tuple[bytes, dict[str, str]]:
        trace = {"traceparent": callback.trace} if callback.trace else {}
        body = canonical({"id": callback.approval_id, "version": callback.wanted}).encode()
        signed = callback_signing.headers(
            self._secrets, f"{callback.approval_id}:{callback.wanted}", int(time.time()), body
        )
        return body, {"content-type": "application/json", "user-agent": AGENT, **trace, **signed}

    async def _write(self, work: Callable[[Unit], Any]) -> Any:
        return await self._runtime.call(self._runtime.world.database.run, work)


class _Pinned(AbstractResolver):
    """Gives the addresses that were checked, whatever is asked: no second look-up, so no other answer."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_UNSPEC) -> list[ResolveResult]:
        """The addresses, for the connection that is about to be made."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=int(socket.AI_NUMERICHOST),
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def _posted(url: URL, message: tuple[bytes, dict[str, str]], pinned: _Pinned) -> int:
    body, headers = message
    connector = aiohttp.TCPConnector(resolver=pinned, use_dns_cache=False, force_close=True)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, connect=CONNECT_SECONDS)
    jar = aiohttp.DummyCookieJar()
    async with (
        aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=jar, auto_decompress=False, trust_env=False
        ) as session,
        session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status  # its body is never read; leaving closes the connection


def _given_up(callback: Callback) -> Cause:
    return Cause(Lasting.CALLBACKS, (callback.host,))


def _pause(attempts: int) -> timedelta:
    seconds = min(FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 12), LONGEST_PAUSE_SECONDS)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.0))  # noqa: S311 - jitter, not a secret


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
