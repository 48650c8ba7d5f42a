"""A state machine driven in step on SQLite, on PostgreSQL and on the model: same answers, same states, same trail.

Approvals are asked for, decided, claimed, reported, cancelled, questioned and overtaken by time in any order that
hypothesis thinks of; what fails is reduced to the shortest story.
"""

from __future__ import annotations

import argparse
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from bot.api.serializers import approval_json
from store import agents, approvals, audit, schema, verification
from store.engine import Database
from tests.chaos.doing import FAR_AHEAD_SECONDS, Doer, world_in
from tests.chaos.model import Model, Op, answers, overdue
from tests.chaos.places import Report, command_line, database_url

PEOPLE = st.sampled_from(["U0ALICE", "U0BOB", "U0ALICE", "U0BOB", "U0DAN"])
NONCES = st.sampled_from(["nonce-one", "nonce-two"])


@dataclass
class Side:
    """One implementation."""

    database: Database
    doer: Doer


def open_sides(urls: Mapping[str, str], folder: Path) -> dict[str, Side]:
    """Each database with a world of its own."""
    return {kind: _side(url, folder) for kind, url in urls.items()}


def _side(url: str, folder: Path) -> Side:
    database = Database(url, pool_size=2)
    if database.sqlite:
        schema.upgrade(database)
    token = database.run(lambda unit: agents.add(unit, "lockstep"))[1]
    return Side(database, Doer(world_in(folder, database), token))


class Lockstep(RuleBasedStateMachine):
    """Every rule is one call, made on every side and on the model."""

    asked = Bundle("asked")

    def __init__(self, sides: Mapping[str, Side], counts: dict[str, int]) -> None:
        super().__init__()
        self.sides, self.counts = sides, counts
        self.models: dict[str, Model] = {}
        self.actions: dict[str, str] = {}
        self.counts["stories"] = self.counts.get("stories", 0) + 1

    def step(self, key: str, op: Op) -> None:
        """One call, on all of them."""
        told = {kind: side.doer.do(key, self.actions[key], op) for kind, side in self.sides.items()}
        ((expected, after),) = answers(self.models[key], op)
        assert set(told.values()) == {expected}, (op, self.models[key], expected, told)
        self.models[key] = after
        self.counts["calls"] = self.counts.get("calls", 0) + 1

    @initialize()
    def nothing_waits(self) -> None:
        """What earlier stories left open is over, so that a sweep finds this story's approvals only."""
        self._let_time_pass()

    @rule(target=asked, action=st.sampled_from(["one", "two"]))
    def ask(self, action: str) -> str:
        """A new request."""
        key = secrets.token_hex(6)
        self.actions[key], self.models[key] = action, Model(needs=2 if action == "two" else 1)
        self.step(key, Op("create", what="a"))
        return key

    @rule(key=asked, body=st.sampled_from("aab"))
    def ask_again(self, key: str, body: str) -> None:
        """The same key again, with the same or another body."""
        self.step(key, Op("create", what=body))

    @rule(key=asked, who=PEOPLE, verb=st.sampled_from(["approve", "approve", "reject", "take_over", "hand_back"]))
    def decide(self, key: str, who: str, verb: str) -> None:
        """A person decides."""
        self.step(key, Op(verb, who))

    @rule(key=asked, who=PEOPLE)
    def question(self, key: str, who: str) -> None:
        """A person asks for information."""
        self.step(key, Op("request_info", who))

    @rule(key=asked)
    def explain(self, key: str) -> None:
        """The agent answers."""
        self.step(key, Op("answer_info"))

    @rule(key=asked, who=PEOPLE)
    def edit(self, key: str, who: str) -> None:
        """A person changes the parameters of what one person decides alone."""
        if self.actions[key] == "one":
            self.step(key, Op("edit", who, "changed"))

    @rule(key=asked, nonce=NONCES)
    def claim(self, key: str, nonce: str) -> None:
        """The agent claims."""
        self.step(key, Op("claim", nonce))

    @rule(key=asked, nonce=NONCES, report=st.sampled_from(["succeeded", "succeeded", "failed"]))
    def report(self, key: str, nonce: str, report: str) -> None:
        """The agent says how it went; two failures would change how the next requests are judged, so none is new."""
        model = self.models[key]
        if not (report == "failed" and model.state == "claimed" and model.nonce == nonce):
            self.step(key, Op("result", nonce, report))

    @rule(key=asked)
    def cancel(self, key: str) -> None:
        """The agent withdraws it."""
        self.step(key, Op("cancel"))

    @rule(key=asked)
    def look(self, key: str) -> None:
        """How it stands."""
        self.step(key, Op("get"))

    @rule()
    def time_passes(self) -> None:
        """Every deadline passes, and a sweep acts on it."""
        self._let_time_pass()
        self.models = {key: overdue(model) for key, model in self.models.items()}

    def _let_time_pass(self) -> None:
        counts = []
        for side in self.sides.values():
            side.database.shift_seconds += FAR_AHEAD_SECONDS
            counts.append(side.doer.do("", "", Op("sweep")))
        assert set(counts) == {"swept"}

    def teardown(self) -> None:
        """Every approval is the same on both sides, and so is its trail."""
        for key, model in self.models.items():
            seen = {kind: self._seen(side, key) for kind, side in self.sides.items()}
            first, *others = seen.values()
            assert all(other == first for other in others), seen
            assert first["state"] == model.state, (model, first)

    @staticmethod
    def _seen(side: Side, key: str) -> dict[str, Any]:
        approval_id = side.doer.ids[key]
        found = side.database.read(lambda unit: approvals.load(unit, approval_id))
        assert found is not None
        body = approval_json(found)
        trail = side.database.read(lambda unit: list(audit.lines(unit, approval_id=approval_id)))
        kept = ("action", "params", "state", "version", "level", "route", "why", "assignee", "session_id", "feedback")
        decision = body["decision"] and {name: body["decision"][name] for name in ("kind", "by", "note", "choice")}
        events = [(line["event"], line["actor"], line["decision"], line["rationale"]) for line in trail]
        why = [_ID.sub("apr_…", reason) for reason in body["why"]]  # each side has ids of its own
        return {name: body[name] for name in kept} | {"why": why, "decision": decision, "trail": events}


_ID = re.compile(r"apr_[0-9a-z]+")


def run(urls: Mapping[str, str], folder: Path, *, n: int, steps: int = 30) -> Report:
    """`n` stories of up to `steps` calls; raises with the shortest story that tells them apart."""
    report = Report("lockstep")
    sides = open_sides(urls, folder)
    counts: dict[str, int] = {}
    rules = settings(
        max_examples=n,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(partial(Lockstep, sides, counts), settings=rules)
        for kind, side in sides.items():
            faults = side.database.snapshot(verification.verify).told
            report.violations += [f"{kind}: {fault}" for fault in faults]
    finally:
        for side in sides.values():
            side.database.close()
    report.figures |= counts
    return report


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    with database_url("sqlite", folder) as one, database_url("postgresql", folder) as other:
        return run({"sqlite": one, "postgresql": other}, folder, n=arguments.n, steps=arguments.steps)


if __name__ == "__main__":
    command_line(_work, n=2000, databases=False, steps=40)
