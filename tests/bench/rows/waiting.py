"""Waiting: a thousand agents on long-polls, what they cost, and how soon the right one hears of its decision."""

from __future__ import annotations

import asyncio
import time

import uvloop

from tests.bench import load, material
from tests.bench.load import Answer, Script, percentile
from tests.bench.stack import Process, Stack
from tests.bench.table import Row

WAITERS = 1000
DECISIONS = 300
IDLE_SECONDS = 5.0
SETTLE_SECONDS = 3.0


def postgresql(stack: Stack) -> list[Row]:
    """On the server that took the tap, and on another one on the same database."""
    database = stack.postgres()
    world, token = material.world_on(database), material.agent_token(database)
    template = material.one_pending(world, token)
    first, second = stack.serve(database), stack.serve(database)
    rows = []
    for name, goal, listening in (("same server", 5.0, first), ("across two servers", 20.0, second)):
        copies = material.copies(database, template, f"apr_{listening.port}_", WAITERS)
        ids = material.witnessed(database, template, copies)
        requests = material.taps(template, ids[:DECISIONS])
        idle, delays, since_tap = uvloop.run(_heard(listening, first, ids, requests, token))
        if listening is first:
            rows.append(_idle_row(idle))
        rows.append(
            Row(
                name=f"decision → agent, {WAITERS:,} waiters, {name}",
                goal=goal,
                measured=percentile(delays, 0.99) * 1000,
                unit="ms p99",
                at_least=False,
                floor="the tap's own answer",
                ours=f"p50 {percentile(delays, 0.5) * 1000:.1f} ms; {percentile(since_tap, 0.99) * 1000:.0f} ms since the tap left",
            )
        )
    first.stop()
    second.stop()
    return rows


def _idle_row(share: float) -> Row:
    return Row(
        name=f"idle with {WAITERS:,} waiters",
        goal=2.0,
        measured=share * 100,
        unit="% of a core",
        at_least=False,
        floor="0",
        ours=f"over {IDLE_SECONDS:.0f} s",
    )


async def _heard(
    listening: Process, tapped: Process, ids: list[str], taps: list[bytes], token: str
) -> tuple[float, list[float], list[float]]:
    """(share of a core while nothing happens, seconds from each tap's answer and from its sending to its waiter's answer)."""
    loop = asyncio.get_running_loop()
    heard: dict[str, float] = {}
    waiting = [asyncio.create_task(load.play(listening.port, [_wait(one, token, heard)])) for one in ids]
    await asyncio.sleep(SETTLE_SECONDS)
    before, begun = listening.cpu_seconds, loop.time()
    await asyncio.sleep(IDLE_SECONDS)
    idle = (listening.cpu_seconds - before) / (loop.time() - begun)
    sent: list[tuple[float, float]] = []
    await load.play(tapped.port, [_tap_slowly(taps, sent)])
    await asyncio.sleep(0.5)
    delays = [max(0.0, heard[one] - answered) for one, (_, answered) in zip(ids, sent, strict=False)]
    since = [heard[one] - left for one, (left, _) in zip(ids, sent, strict=False)]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return idle, delays, since


def _wait(approval_id: str, token: str, heard: dict[str, float]) -> Script:
    status, body = yield load.get(f"/v1/approvals/{approval_id}?wait=60", authorization=f"Bearer {token}")
    heard[approval_id] = time.perf_counter()
    if status != 200 or b'"approved"' not in body:
        raise RuntimeError(f"a waiter got {status}: {body[:200]!r}")


def _tap_slowly(taps: list[bytes], sent: list[tuple[float, float]]) -> Script:
    for tap in taps:
        left = time.perf_counter()
        answer: Answer = yield tap
        sent.append((left, time.perf_counter()))
        if answer[0] != 200:
            raise RuntimeError(f"a tap got {answer[0]}")
