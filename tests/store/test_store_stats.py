"""The figures that people are shown are those that one gets by counting again."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta
from statistics import median, quantiles
from typing import Any

import pytest
from builders import add_agent, made, told
from sqlalchemy import insert

from policies.deadlines import Clock
from policies.lifecycle import State
from policies.routing import RouteName
from store import approvals
from store.agents import Agent
from store.engine import Database
from store.stats import Spread, Stats, Waiting, stats, waiting
from store.tables import decisions
from store.unit import Unit

ROLES, PEOPLE = ("finance", "legal", "ops"), ("U0ALICE", "U0BOB", "U0CAROL")
VERBS = ("approve", "reject", "edit", "revise", "vote", "choose", "answer")


def history(seed: int, size: int, now: datetime) -> list[dict[str, Any]]:
    """Requests of the last twenty days with what became of them, as plain values."""
    dice = random.Random(seed)
    found = []
    for _ in range(size):
        created = now - timedelta(seconds=dice.randrange(20 * 86_400))
        pending = dice.random() < 0.3
        found.append(
            {
                "created": created,
                "route": dice.choice(["ask", "ask", "auto", "deny"]),
                "pending": pending,
                "role": dice.choice(ROLES),
                "assignee": dice.choice(PEOPLE),
                "due": dice.choice([None, now - timedelta(minutes=5), now + timedelta(hours=1)]),
                "paused": dice.random() < 0.2,
                "breached": created + timedelta(minutes=9) if dice.random() < 0.3 else None,
                "acts": [] if pending else [_act(dice, created, now) for _ in range(dice.randrange(3))],
            }
        )
    return found


def _act(dice: random.Random, created: datetime, now: datetime) -> dict[str, Any]:
    # Few different times, so that many are equal.
    taken = dice.choice([0, 1, 1500, 1500, 60_000, 7_200_000])
    at = min(created + timedelta(milliseconds=taken), now)
    return {"verb": dice.choice(VERBS), "role": dice.choice(ROLES), "at": at, "taken": taken}


def remember(unit: Unit, agent: Agent, entries: list[dict[str, Any]]) -> None:
    for number, entry in enumerate(entries):
        clock = Clock(due_at=entry["due"], paused_at=entry["created"] if entry["paused"] else None)
        approval = made(
            agent,
            entry["created"],
            route=RouteName(entry["route"]),
            state=State.PENDING if entry["pending"] else State.REJECTED,
            role=entry["role"],
            reached_roles=(entry["role"], "executives"),
            assignee=entry["assignee"],
            clock=clock,
            breached_at=entry["breached"],
        )
        key = f"k{number}"
        approvals.add(unit, approval, idempotency_key=key, body_hash="h")
        told(unit, approval, "requested")
        for turn, act in enumerate(entry["acts"]):
            row = {"approval_id": approval.id, "digest": f"d{turn}", "by": PEOPLE[turn], "note": None}
            more = {name: act[name] for name in ("verb", "role", "at")} | {"latency_ms": act["taken"]}
            unit.execute(insert(decisions), row | more)


def spread(taken: list[int]) -> Spread | None:
    seconds = [value / 1000 for value in taken]
    if not seconds:
        return None
    p90 = quantiles(seconds, n=10, method="inclusive")[8] if len(seconds) > 1 else seconds[0]
    return Spread(len(seconds), pytest.approx(median(seconds)), pytest.approx(p90))


def still(entries: list[dict[str, Any]], now: datetime) -> Waiting:
    if not entries:
        return Waiting()
    overdue = sum(not entry["paused"] and entry["due"] is not None and entry["due"] < now for entry in entries)
    return Waiting(
        len(entries), overdue, pytest.approx(max((now - entry["created"]).total_seconds() for entry in entries), abs=60)
    )


def compare(found: Stats, entries: list[dict[str, Any]], now: datetime, days: int) -> None:
    """Everything in `found` against a recount in plain Python."""
    since = now - timedelta(days=days)
    pending = [entry for entry in entries if entry["pending"]]
    assert found.waiting == still(pending, now)
    missed = [entry for entry in entries if entry["breached"] and entry["breached"] > since]
    assert found.breached == len(missed)
    routes = defaultdict(int)
    for entry in entries:
        routes[entry["route"]] += entry["created"] > since
    assert found.by_route == {route: count for route, count in routes.items() if count}
    acts = [(turn, act) for entry in entries for turn, act in enumerate(entry["acts"]) if act["at"] > since]
    final = [act for _, act in acts if act["verb"] not in ("vote", "revise")]
    assert found.spread == spread([act["taken"] for act in final])
    for role in found.roles:
        assert role.spread == spread([act["taken"] for act in final if act["role"] == role.role])
        assert role.waiting == still([entry for entry in pending if entry["role"] == role.role], now)
        assert role.breached == sum(entry["role"] == role.role for entry in missed)
    for person in found.reviewers:
        own = [act for turn, act in acts if PEOPLE[turn] == person.user]
        assert person.spread == spread([act["taken"] for act in own])
        assert person.per_day == len(own) / days
        yes = sum(act["verb"] in ("approve", "vote", "edit", "revise") for act in own)
        assert person.approval_rate == (yes / len(own) if own else None)
        assert person.waiting == still([entry for entry in pending if entry["assignee"] == person.user], now)
    assert len(found.by_day) == days
    assert found.by_day[-1].day == now.date()
    for day in found.by_day:
        assert day.asked == sum(entry["route"] == "ask" and entry["created"].date() == day.day for entry in entries)
        assert day.breached == sum(entry["breached"].date() == day.day for entry in missed)
        of_day = spread([act["taken"] for act in final if act["at"].date() == day.day])
        assert (day.decided, day.median) == ((of_day.count, of_day.median) if of_day else (0, None))


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_are_those_of_a_recount(database: Database, seed: int) -> None:
    """Load, oldest, breaches, medians and the days' counts, on both databases, equal a recount of what was stored."""
    agent = add_agent(database)

    def work(unit: Unit) -> None:
        # One unit has one `now`, even where midnight comes in between.
        entries = history(seed, (1, 40, 150)[seed], unit.now)
        remember(unit, agent, entries)
        compare(stats(unit, days=14), entries, unit.now, 14)
        mine = [entry for entry in entries if entry["pending"] and entry["assignee"] == "U0BOB"]
        assert waiting(unit, "U0BOB") == still(mine, unit.now)

    database.run(work)


def test_of_nothing_there_are_figures_too(database: Database) -> None:
    """An empty store has fourteen empty days, nothing that waits and no times."""
    found = database.read(lambda unit: stats(unit, days=14))
    assert (found.waiting, found.spread, found.roles, found.reviewers) == (Waiting(), None, (), ())
    assert [(day.asked, day.decided, day.breached, day.median) for day in found.by_day] == [(0, 0, 0, None)] * 14
