"""Create → decide by 16 agents at once, turn and turn about with the rival on the same machine; and with several workers."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from statistics import median

from tests.bench import load, material, rival
from tests.bench.load import Result, Script
from tests.bench.rival import NotInstalled, Rival
from tests.bench.stack import Stack
from tests.bench.table import Row

AT_ONCE = 16
DECISIONS = 320  # a round
ROUNDS = 3
WORKERS = (1, 2, 3)
TRIES = 6  # of a round of the rival's
HUNG_UP = 0  # among its statuses
Round = Callable[[str], float]


def beside(stack: Stack) -> list[Row]:
    """Ours on a SQLite file, beside awaithumans on one."""
    try:
        other = Rival(stack)
    except NotInstalled as error:
        rival.skipped(error)
        return []
    ours = _ours(stack, "sqlite", 1)
    failures: Counter[int] = Counter()
    theirs = _theirs(other, failures)
    rates = _alternating([theirs, ours])
    other.process.stop()
    return [
        Row(
            name="create → decide, 16 agents, sqlite",
            goal=10.0,
            measured=rates[1] / rates[0],
            unit="× awaithumans",
            at_least=True,
            floor=f"{rates[0]:,.0f}/s, awaithumans {rival.VERSION} in this run",
            ours=f"{rates[1]:,.0f}/s",
            note=f"awaithumans answered 500 {failures[500]} times in {DECISIONS * (ROUNDS + 1)} decisions, each was sent again, "
            f"and hung up in {failures[HUNG_UP]} rounds, which were played again",
        )
    ]


def workers(stack: Stack) -> list[Row]:
    """One, two and three workers, turn and turn about, on both databases; each as a ratio to one."""
    return [row for kind in ("postgresql", "sqlite") for row in _workers(stack, kind)]


def _workers(stack: Stack, kind: str) -> list[Row]:
    rates = _alternating([_ours(stack, kind, count) for count in WORKERS])
    return [
        Row(
            name=f"create → decide, workers: {count}, {kind}",
            goal=None,
            measured=rate / rates[0],
            unit="× one worker",
            at_least=True,
            floor=f"{rates[0]:,.0f}/s",
            ours=f"{rate:,.0f}/s",
        )
        for count, rate in zip(WORKERS, rates, strict=True)
    ]


def _alternating(rounds: list[Round]) -> list[float]:
    """The median rate of each; the first turn of each warms up."""
    found = [[one(f"{number}-") for one in rounds] for number in range(ROUNDS + 1)][1:]
    return [median(turn[at] for turn in found) for at in range(len(rounds))]


def _theirs(other: Rival, failures: Counter[int]) -> Round:
    def played(prefix: str) -> Result:
        scripts = [other.decided(f"{prefix}{at}-", DECISIONS // AT_ONCE) for at in range(AT_ONCE)]
        return load.run_scripts(other.process.port, scripts)

    def once(prefix: str) -> float:
        for number in range(TRIES):
            # It waits 30 s for a connection to its file and then hangs up: that round is not held against it.
            try:
                result = played(f"{prefix}{number}-")
            except (ConnectionError, TimeoutError):
                failures[HUNG_UP] += 1
                continue
            failures.update(result.statuses)
            return DECISIONS / result.seconds
        raise RuntimeError(f"awaithumans hung up in {TRIES} rounds of {DECISIONS} decisions")

    return once


def _ours(stack: Stack, kind: str, count: int) -> Round:
    database = stack.database(kind)
    tokens = [material.agent_token(database, f"bench-{number}") for number in range(AT_ONCE)]
    template = material.one_pending(material.world_on(database), tokens[0])
    tap, known = material.payload(template), (template.id.encode(), template.digest.encode())
    server = stack.serve(database, workers=count)

    def once(prefix: str) -> float:
        scripts = [_decided(token, f"{prefix}{at}-", tap, known) for at, token in enumerate(tokens)]
        return DECISIONS / load.run_scripts(server.port, scripts).seconds

    return once


def _decided(token: str, prefix: str, tap: bytes, known: tuple[bytes, bytes]) -> Script:
    bearer = {"authorization": f"Bearer {token}", "content_type": "application/json"}
    for number in range(DECISIONS // AT_ONCE):
        key = f"{prefix}{number}"
        status, said = yield load.post("/v1/approvals", material.ask_body(key), **bearer, idempotency_key=key)
        rival.require(status, 201, said)
        made = json.loads(said)
        own = tap.replace(known[0], made["id"].encode()).replace(known[1], made["digest"].encode())
        status, said = yield material.signed(own, str(int(time.time())))
        rival.require(status, 200, said)
