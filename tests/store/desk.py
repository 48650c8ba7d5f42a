"""An agent and a reviewer at the use cases, for the tests of what each of them does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from builders import load
from sqlalchemy import select
from support.files import PLAIN, write_manifest, write_roster

from bot.service import decide, execute, submit, undo
from bot.service.authorization import Tap
from bot.service.context import Book, Directory, PersonFacts, World
from policies.approval import Approval
from policies.files.manifest import load_manifest
from policies.files.roster import load_roster
from store import agents, approvals, audit
from store.agents import Agent, token_hash
from store.engine import Database
from store.tables import outbox

Json = dict[str, Any]
NONCE, OTHER = "nonce-one", "nonce-two"
ACTIONS: dict[str, Json] = {
    "change": PLAIN | {"execution_seconds": 600},
    "undoable": PLAIN | {"execution_seconds": 600, "undo_window_seconds": 300},
    "earned": PLAIN | {"autonomy": {"start": "soft_approval"}},
}


@dataclass
class Bell:
    """Hears who is woken after a commit."""

    rung: list[object] = field(default_factory=list)

    def approval_changed(self, approval_id: str) -> None:
        self.rung.append(approval_id)

    def outbox_filled(self) -> None:
        self.rung.append("outbox")

    def deadline_set(self, moment: datetime) -> None:
        self.rung.append(moment)


class Desk:
    """An agent and a reviewer at the use cases, on one database."""

    def __init__(self, database: Database, folder: Path) -> None:
        manifest = load_manifest(write_manifest(folder, ACTIONS).read_text())
        roster = load_roster(write_roster(folder).read_text())
        met = {"U0ALICE": "alice@example.com", "U0BOB": "bob@example.com", "U0ADMIN": "admin@example.com"}
        people = {user: PersonFacts(user, user, team="T0PLAY", email=email) for user, email in met.items()}
        self.bell = Bell()
        self.world = World(database, Book(manifest, roster), Directory(people, home_team="T0PLAY"), signals=self.bell)
        self.database, self.asked = database, 0
        self.agent, self.token = self.joined("demo")

    def joined(self, name: str) -> tuple[Agent, str]:
        agent, token = self.database.run(lambda unit: agents.add(unit, name))
        return agent, token

    def ask(self, action: str = "change", **more: object) -> Approval:
        self.asked += 1
        body = {"action": action, "params": {"thing": f"door {self.asked}"}, **more}
        made = submit.submit(self.world, token_hash(self.token), f"key-{self.asked}", json.dumps(body).encode())
        return made.approval

    def tap(self, approval: Approval, user: str = "U0ALICE", note: str | None = None) -> Tap:
        actor = self.world.directory.actor(self.world.book.roster, user, team="T0PLAY")
        return Tap(approval.id, load(self.database, approval).digest, actor, note)

    def approved(self, action: str = "change", **more: object) -> Approval:
        return decide.approve(self.world, self.tap(self.ask(action, **more)))

    def claim(self, approval: Approval, nonce: str = NONCE, agent: Agent | None = None) -> execute.Grant:
        return execute.claim(self.world, agent or self.agent, approval.id, nonce)

    def report(self, approval: Approval, outcome: str = "succeeded", nonce: str = NONCE) -> Approval:
        return execute.result(self.world, self.agent, approval.id, nonce=nonce, outcome=outcome, detail="So it went.")

    def label(self, approval: Approval, word: str = "reverted") -> Approval:
        return execute.label(self.world, self.agent, approval.id, word=word, detail="Put back.")

    def undone(self, *, claimed: bool) -> Approval:
        """Approved, perhaps claimed and done, and undone by Bob."""
        approval = self.approved("undoable")
        if claimed:
            self.claim(approval)
            self.report(approval)
        return undo.undo(self.world, self.tap(approval, "U0BOB", "The wrong door."))

    def last(self, approval: Approval) -> Json:
        """The last row of its trail."""
        return self.trail(approval)[-1]

    def trail(self, approval: Approval) -> list[Json]:
        return self.database.read(lambda unit: list(audit.lines(unit, approval_id=approval.id)))

    def wanted(self, approval: Approval) -> int:
        """The revision that its card should show."""
        query = select(outbox.c.wanted).where(outbox.c.approval_id == approval.id, outbox.c.kind == "card")
        return int(self.database.read(lambda unit: unit.execute(query).scalar_one()))

    def notices(self, approval: Approval) -> list[str]:
        query = select(outbox.c.facts).where(outbox.c.approval_id == approval.id, outbox.c.kind == "notice")
        found = self.database.read(lambda unit: unit.execute(query.order_by(outbox.c.id)).scalars().all())
        return [facts["notice"] for facts in found]

    def told(self, approval: Approval, wake: datetime | None = None) -> None:
        """Whoever waits was woken once, and the sweep knows the next moment."""
        rung = [approval.id, "outbox", *([wake] if wake else [])]
        assert self.bell.rung == rung
        self.bell.rung.clear()


def first(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Between the next reading of an approval and its writing, somebody else's whole transaction takes place."""
    read, waiting = approvals.load_with, [work]

    def load_late(*args: Any, **kwargs: Any) -> object:
        found = read(*args, **kwargs)
        if waiting:
            waiting.pop()()
        return found

    monkeypatch.setattr(approvals, "load_with", load_late)
