"""Three servers sweep one PostgreSQL: one is killed in the middle of it, and people tap at the very deadline.

`python -m tests.soak.sweepers` lets 10,000 rows fall due and kills whichever server reaches a random row of them;
`python -m tests.soak.sweepers --taps 1` plays 1,000 deadlines against taps.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
from sqlalchemy import func, select, text, update
from support.zygote import Child

from bot.service import submit
from bot.service.context import Book, World
from policies.approval import Approval
from policies.files.manifest import load_manifest
from policies.files.roster import load_roster
from store import agents, verification
from store.tables import approvals as rows
from store.tables import audit as trail
from store.tables import decisions
from store.tables import outbox as messages
from store.unit import Unit
from tests.bench import material
from tests.chaos import roles
from tests.chaos.kills import PATIENCE_SECONDS, Arena, listens, signed_tap
from tests.chaos.places import Report, command_line, database_url

LATE = "CAST('2020-01-01T00\\:00\\:00+00\\:00' AS TIMESTAMPTZ)"
KINDS = ("timeout", "reassigned", "reminded")  # what is owed to the rows in turn
OF_THE_CLOCK = {*KINDS, "escalated", "approved"}
WORKERS = 12
ROUND = 20  # deadlines that are set together
AHEAD_SECONDS = 1.5  # servers look for deadlines of which nobody told them once a second
APART_SECONDS = 0.05


@contextmanager
def fleet(url: str, folder: Path, seed: int) -> Iterator[Arena]:
    """The places at which three servers will stand; messages to Slack are held back, they are not what is measured."""
    with roles.zygote() as zygote:
        arena = Arena(url, folder, zygote, "postgresql", seed)
        arena.env["CHAOS_POST_INTERVAL"] = "60"
        try:
            yield arena
        finally:
            arena.close()


def template(arena: Arena) -> Approval:
    """A pending approval, made as an agent makes one."""
    book = Book(
        load_manifest(Path(arena.env["SAYSO_MANIFEST"]).read_text()),
        load_roster(Path(arena.env["SAYSO_ROSTER"]).read_text()),
    )
    body = json.dumps({"action": "change_thing", "params": {"thing": "door"}}).encode()
    made = submit.submit(World(arena.database, book), agents.token_hash(arena.token), "template", body).approval
    assert made.pending, made.state
    return made


def started(arena: Arena, failpoint: str = "", **more: str) -> list[Child]:
    """Three servers that listen."""
    children = [arena.server(slot, failpoint, **more) for slot in range(len(arena.ports))]
    for port, child in zip(arena.ports, children, strict=True):
        listens(port, child)
    return children


def killed_mid_sweep(url: str, folder: Path, *, n: int, seed: int = 1) -> Report:
    """`n` rows fall due at once; the server that is the first to have handled K of them is killed before it commits."""
    report = Report("killed in the middle of a sweep")
    with fleet(url, folder, seed) as arena:
        # Of three servers one handles a third: somebody comes to this row, with batches committed before it.
        which = random.Random(seed).randrange(n // 5, n // 3)
        model = template(arena)
        ids = _waiting(arena, model, n)
        children = started(arena, f"mid_sweep#{which}", CHAOS_FAILPOINT_ONCE=str(folder / "killed"))
        begun = time.monotonic()
        arena.database.run(lambda unit: unit.execute(update(rows).where(rows.c.id.in_(ids)).values(wake_at=unit.now)))
        _until_nothing_is_due(arena, report)
        report.figures["seconds until all were handled"] = round(time.monotonic() - begun, 1)
        alive = [child for child in children if child.alive]
        report.require(len(alive) == 2, f"{len(alive)} of 3 servers are left")
        for child in alive:
            child.kill()
        report.figures |= {"due": n, "killed at its row": which}
        _each_once(arena, report, model, ids)
        _sound(arena, report)
    return report


def _waiting(arena: Arena, model: Approval, n: int) -> list[str]:
    """Copies that are owed one thing each, and of which the sweep knows nothing yet."""
    owed = {
        "clock_expires_at": f"CASE WHEN n % 3 = 0 THEN {LATE} ELSE clock_expires_at + interval '1 day' END",
        "clock_due_at": f"CASE WHEN n % 3 = 1 THEN {LATE} ELSE clock_due_at + interval '1 day' END",
        "clock_remind_at": f"CASE WHEN n % 3 = 2 THEN {LATE} ELSE clock_remind_at + interval '1 day' END",
        "wake_at": "NULL",
    }
    return _copies(arena, model, "apr_k", n, owed)


def _copies(arena: Arena, model: Approval, prefix: str, n: int, changed: Mapping[str, str]) -> list[str]:
    """Copies with the beginning of a trail each, so that the chain can be verified against them."""
    ids = material.copies(arena.database, model, prefix, n, changed=changed)
    return material.witnessed(arena.database, model, ids)


def _until_nothing_is_due(arena: Arena, report: Report) -> None:
    due = select(func.count()).where(rows.c.wake_at <= func.clock_timestamp())
    deadline = time.monotonic() + PATIENCE_SECONDS * 2
    while arena.database.read(lambda unit: unit.execute(due).scalar_one()):
        if time.monotonic() > deadline:
            report.violations.append("rows stay due")
            return
        time.sleep(0.2)


def _each_once(arena: Arena, report: Report, model: Approval, ids: list[str]) -> None:
    """One event, one revision and one message for each row, and the right ones; on a shared card one reminder is for all."""
    events, cards, notices = _events(arena), Counter[str](), Counter[str]()
    sent = arena.database.read(lambda unit: unit.execute(select(messages)).all())
    for row in sent:
        (cards if row.kind == "card" else notices)[row.approval_id] += 1
    screens = {row.approval_id: row.screen_id for row in sent if row.kind == "card" and row.screen_id is not None}
    reminded = Counter(screens.get(row.approval_id) for row in sent if row.kind == "notice")
    known = {row.id: row for row in arena.database.read(lambda unit: unit.execute(select(rows)).all())}
    for number, name in enumerate(ids):
        wanted = KINDS[number % 3]
        report.require(events[name] == {wanted: 1}, f"{name} has {dict(events[name])} instead of one {wanted}")
        report.require(known[name].version == model.version + 1, f"{name} is at version {known[name].version}")
        state = "expired" if wanted == "timeout" else "pending"
        report.require(known[name].state == state, f"{name} is {known[name].state}")
        report.require(cards[name] == 1 + (wanted == "reassigned"), f"{name} has {cards[name]} cards")
        shared = wanted == "reminded" and not notices[name] and reminded[screens.get(name)] > 0 and name in screens
        due = notices[name] == (wanted == "reminded") or shared
        report.require(due, f"{name} has {notices[name]} reminders")
    report.figures |= {kind: sum(counts[kind] for counts in events.values()) for kind in KINDS}


def _events(arena: Arena) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in arena.database.read(lambda unit: unit.execute(select(trail.c.approval_id, trail.c.line)).all()):
        event = json.loads(row.line).get("event")
        if event in OF_THE_CLOCK:
            found[str(row.approval_id)][event] += 1
    return found


def _sound(arena: Arena, report: Report) -> None:
    """An intact chain, no deadlock, and no error in what the servers wrote."""
    faults = arena.database.snapshot(verification.verify).told
    report.violations += faults
    query = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    deadlocks = arena.database.read(lambda unit: unit.execute(query).scalar_one())
    report.figures["deadlocks"] = deadlocks
    report.require(deadlocks == 0, f"{deadlocks} deadlocks")
    for log in sorted(arena.folder.glob("server*.log")):
        words = log.read_text(errors="replace")
        report.require("Traceback" not in words, f"{log.name}: {words[words.find('Traceback') :][:1500]}")


@dataclass(frozen=True)
class Tap:
    """A tap that is to arrive at `moment`, seconds since the epoch."""

    moment: float
    approval_id: str
    user: str


def against_taps(url: str, folder: Path, *, n: int, seed: int = 1) -> Report:
    """`n` deadlines, and two people who tap at each of them: one outcome each, and every tap is answered."""
    report = Report("sweeps against taps")
    with fleet(url, folder, seed) as arena:
        model = template(arena)
        children = started(arena)
        ids = _copies(arena, model, "apr_t", n, {"wake_at": "NULL", "clock_remind_at": "NULL"})
        answers = _raced(arena, model, ids, random.Random(seed))
        _until_nothing_is_due(arena, report)
        for child in children:
            report.require(child.kill(), "a server ended by itself")
        for status, count in answers.items():
            report.require(status == 200, f"{count} taps were answered {status}")
        _one_outcome(arena, report, ids)
        report.figures |= {"deadlines": n, "taps": sum(answers.values())}
        _sound(arena, report)
    return report


def _raced(arena: Arena, model: Approval, ids: list[str], random_: random.Random) -> Counter[int]:
    """Round by round: deadlines are set, and taps sent off so that they arrive there; how they were answered.

    How long a tap is under way depends on the machine, and is learnt from the round before.
    """
    answers, under_way = Counter[int](), 0.1
    with httpx2.Client(timeout=60) as http, ThreadPoolExecutor(WORKERS) as pool:
        for begin in range(0, len(ids), ROUND):
            moments = _deadlines(arena, ids[begin : begin + ROUND])
            taps = [
                Tap(moment - 2 * under_way * random_.random(), name, user)
                for name, moment in moments.items()
                for user in ("U0ALICE", "U0BOB")
            ]
            told = list(pool.map(partial(_tapped, arena, http, model), sorted(taps, key=lambda tap: tap.moment)))
            answers.update(status for status, _ in told)
            under_way = median(taken for _, taken in told)
    return answers


def _deadlines(arena: Arena, ids: list[str]) -> dict[str, float]:
    """Let their time be up one after another: every second one expires, the others move on."""

    def work(unit: Unit) -> dict[str, float]:
        moments = {}
        for number, name in enumerate(ids):
            at = unit.now + timedelta(seconds=AHEAD_SECONDS + number * APART_SECONDS)
            column = "clock_due_at" if _moves(name) else "clock_expires_at"
            unit.execute(update(rows).where(rows.c.id == name).values({column: at, "wake_at": at}))
            moments[name] = at.timestamp()
        return moments

    return arena.database.run(work)


def _moves(name: str) -> bool:
    return int(name.removeprefix("apr_t")) % 2 == 1


def _tapped(arena: Arena, http: httpx2.Client, model: Approval, tap: Tap) -> tuple[int, float]:
    """One tap at its moment, at one of the servers; how it was answered, and after how many seconds."""
    time.sleep(max(0.0, tap.moment - time.time()))
    begun = time.monotonic()
    body, headers = signed_tap(
        arena, {"id": tap.approval_id, "digest": material.copied(model, tap.approval_id).digest}, tap.user
    )
    port = random.choice(arena.ports)
    status = http.post(f"http://127.0.0.1:{port}/slack/events", content=body, headers=headers).status_code
    return status, time.monotonic() - begun


def _one_outcome(arena: Arena, report: Report, ids: list[str]) -> None:
    events = _events(arena)
    votes = Counter(row.approval_id for row in arena.database.read(lambda u: u.execute(select(decisions)).all()))
    states: dict[str, Any] = dict(arena.database.read(lambda u: u.execute(select(rows.c.id, rows.c.state)).all()))
    for name in ids:
        counts = events[name]
        ends = counts["approved"] + counts["timeout"]
        report.require(ends == 1, f"{name} has {dict(counts)}")
        report.require(votes[name] == counts["approved"], f"{name} was decided {votes[name]} times")
        report.require(counts["reassigned"] <= _moves(name), f"{name} moved {counts['reassigned']} times")
        state = "approved" if counts["approved"] else "expired"
        report.require(states[name] == state, f"{name} is {states[name]}, its trail says {state}")
    early = sum(events[name]["approved"] for name in ids[::2])
    report.require(len(ids) < 100 or 0 < early < len(ids[::2]), f"{early} of {len(ids[::2])} taps came first: no race")
    report.figures |= {
        "approved before the deadline": early,
        "expired before the tap": sum(events[name]["timeout"] for name in ids[::2]),
        "moved before the tap": sum(events[name]["reassigned"] for name in ids[1::2]),
    }


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    with database_url("postgresql", folder) as url:
        if arguments.taps:
            return against_taps(url, folder, n=min(arguments.n, 1000), seed=arguments.seed)
        return killed_mid_sweep(url, folder, n=arguments.n, seed=arguments.seed)


if __name__ == "__main__":
    command_line(_work, n=10_000, databases=False, taps=0)
