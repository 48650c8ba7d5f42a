"""Whatever people do in whatever order: fewer of them than the manifest asks for grant nothing, and enough of them always can."""

from __future__ import annotations

import contextlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.files import ANY_KIND, PLAIN, ROSTER, write_manifest, write_roster
from support.marks import on_sqlite

from bot.service import ballots, decide, submit
from bot.service.authorization import Tap
from bot.service.context import Book, Directory, PersonFacts, World
from bot.service.sweep import sweep
from policies.approval import Approval
from policies.errors import SaysoError
from policies.files.manifest import load_manifest
from policies.files.roster import load_roster
from policies.lifecycle import GRANTED
from store import agents, approvals
from store.agents import token_hash
from store.engine import Database

TEAM = "T0PLAY"
# Ann has two accounts, in both roles; the others are one each.
ACCOUNTS = {"U0ANN": "ann", "U0ANN2": "ann", "U0BOB": "bob", "U0CAT": "cat", "U0DAN": "dan", "U0EVE": "eve"}
ROLES = {
    "finance": {"members": ["U0ANN", "U0ANN2", "U0BOB", "U0CAT"]},
    "legal": {"members": ["U0ANN2", "U0DAN"]},
    "finance_lead": {"members": ["U0EVE"]},
}
QUORUMS: dict[str, int | dict[str, int]] = {"one": 1, "two": 2, "three": 3, "each": {"finance": 1, "legal": 1}}
ACTIONS = {
    f"{quorum}_{kind}": PLAIN
    | {"approvers": approvers, "kinds": ANY_KIND, "editable": ["params.note"], "escalation_path": ["finance_lead"]}
    for quorum, approvers in QUORUMS.items()
    for kind in ANY_KIND
}
ASKS: dict[str, dict[str, Any]] = {
    "confirm": {},
    "choose": {"kind": "choose", "choices": [{"id": "a", "label": "A"}, {"id": "b", "label": "B"}]},
    "input": {"kind": "input", "question": "Which?"},
}
VERBS = ("approve", "approve", "choose", "answer", "edit", "edit", "escalate", "sweep")


@dataclass(frozen=True)
class Act:
    """One act: who, what, and with what."""

    user: str
    verb: str
    what: str


acts = st.lists(
    st.builds(Act, st.sampled_from(list(ACCOUNTS)), st.sampled_from(VERBS), st.sampled_from("ab")), max_size=9
)


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    many = {"creates_per_minute": 1_000_000, "pending": 1_000_000}
    manifest = load_manifest(write_manifest(tmp_path, ACTIONS, limits=many).read_text())
    people = {user: {"principal": f"{name}@example.com"} for user, name in ACCOUNTS.items()}
    roster = load_roster(write_roster(tmp_path, ROSTER, roles=ROLES, people=people).read_text())
    facts = {user: PersonFacts(user, name=user, team=TEAM) for user in ACCOUNTS}
    return World(database, Book(manifest, roster), Directory(facts, home_team=TEAM))


class Case:
    """One request, and what people did to it."""

    def __init__(self, world: World, token: str, quorum: str, kind: str) -> None:
        self.world, self.kind, self.approvers = world, kind, QUORUMS[quorum]
        body = {"action": f"{quorum}_{kind}", "params": {"to": "x", "note": "x"}, **ASKS[kind]}
        made = submit.submit(world, token_hash(token), secrets.token_hex(8), json.dumps(body).encode())
        self.id = made.approval.id
        self.said: list[tuple[str, str]] = []  # who said yes to the parameters as they were, with their digest

    def now(self) -> Approval:
        found = self.world.database.read(lambda unit: approvals.load(unit, self.id))
        assert found is not None
        return found

    def do(self, act: Act) -> None:
        """The act as whoever has the newest card does it; what is refused is refused."""
        before = self.now()
        actor = self.world.directory.actor(self.world.book.roster, act.user, team=TEAM)
        tap = Tap(self.id, before.digest, actor)
        with contextlib.suppress(SaysoError):
            after = self._done(tap, act, before)
            if after is not None and after.version != before.version:
                self.said.append((ACCOUNTS[act.user], after.digest))

    def _done(self, tap: Tap, act: Act, before: Approval) -> Approval | None:
        match act.verb:
            case "approve":
                return decide.approve(self.world, tap)
            case "choose":
                return decide.choose(self.world, tap, act.what)
            case "answer":
                return decide.answer(self.world, tap, act.what)
            case "edit":
                place = "note" if act.what == "a" else "to"
                old = before.params[place]
                return decide.edit(self.world, tap, before.params | {place: "y" if old == "x" else "x"})
            case "escalate":
                decide.escalate(self.world, tap)
            case _:
                sweep(self.world)
        return None

    def granted(self) -> bool:
        return self.now().state in GRANTED


def hold(case: Case) -> None:
    """What is granted was granted by enough people, each of whom said yes to exactly this."""
    now = case.now()
    if now.state not in GRANTED:
        return
    people = {person for person, digest in case.said if digest == now.digest}
    needed = case.approvers if isinstance(case.approvers, int) else sum(case.approvers.values())
    assert len(people) >= needed
    if isinstance(case.approvers, dict):
        assert people & {"ann", "dan"}, "somebody of legal"
    if now.params["to"] != "x":
        assert len({person for person, _ in case.said}) >= 2, "what one person may not change alone, two stand behind"


@on_sqlite
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(quorum=st.sampled_from(list(QUORUMS)), kind=st.sampled_from(ANY_KIND), done=acts)
def test_fewer_people_than_the_quorum_grant_nothing(world: World, quorum: str, kind: str, done: list[Act]) -> None:
    """Taps, forms, edits, escalations and sweeps in any order, by any accounts: what is granted, enough distinct people granted."""
    _, token = world.database.run(lambda unit: agents.add(unit, f"agent-{secrets.token_hex(6)}"))
    case = Case(world, token, quorum, kind)
    for act in done:
        case.do(act)
        hold(case)
    assert case.now().state in {*GRANTED, "pending"}


@on_sqlite
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(quorum=st.sampled_from(list(QUORUMS)), kind=st.sampled_from(ANY_KIND), done=acts)
def test_enough_people_who_agree_always_can(world: World, quorum: str, kind: str, done: list[Act]) -> None:
    """Whatever was done before, nothing is a dead end: when all say yes to the same, it is granted; and the turn is never
    with somebody who said yes already."""
    _, token = world.database.run(lambda unit: agents.add(unit, f"agent-{secrets.token_hex(6)}"))
    case = Case(world, token, quorum, kind)
    for act in done:
        case.do(act)
        now = case.now()
        voted = {ballots.person_of(world, vote.user) for vote in now.votes}
        asked = [user for user in (now.assignee, *(seat.user for seat in now.seats)) if user]
        if not case.granted() and act.verb not in ("escalate", "sweep"):
            assert not voted.intersection(ballots.person_of(world, user) for user in asked)
    verb = {"confirm": "approve", "choose": "choose", "input": "answer"}[kind]
    for user in ACCOUNTS:
        case.do(Act(user, verb, "a"))
    assert case.granted()
    hold(case)
