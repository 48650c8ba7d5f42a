"""The model's calls, made for real: each through the use case that the HTTP API and the Slack listeners use."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from support.files import PLAIN, write_manifest, write_roster

from bot.service import decide, execute, submit
from bot.service.authorization import Lost, Tap
from bot.service.context import Book, Directory, PersonFacts, World
from bot.service.sweep import sweep
from policies.approval import Approval
from policies.errors import SaysoError
from policies.files.manifest import load_manifest
from policies.files.roster import load_roster
from store import agents, approvals
from store.agents import Agent, token_hash
from store.engine import Database, StoreUnavailable
from tests.chaos.model import Op

TEAM = "T0PLAY"
PEOPLE = ("U0ALICE", "U0BOB", "U0CAROL", "U0DAN", "U0ADMIN")
ACTIONS = {"one": PLAIN, "two": PLAIN | {"approvers": 2}}
FAR_AHEAD_SECONDS = 400_000.0


def world_in(folder: Path, database: Database) -> World:
    """The world of the harness's manifest and people."""
    many = {"creates_per_minute": 1_000_000, "pending": 1_000_000}
    manifest = load_manifest(write_manifest(folder, ACTIONS, limits=many).read_text())
    book = Book(manifest, load_roster(write_roster(folder).read_text()))
    return World(database, book, Directory({user: PersonFacts(user, team=TEAM) for user in PEOPLE}, home_team=TEAM))


def _known(database: Database, token: str) -> Agent:
    """The agent of this token; asked again for as long as the network is cut."""
    while True:
        try:
            found = database.read(lambda unit: agents.authenticate(unit, token))
        except StoreUnavailable:
            time.sleep(0.05)
            continue
        assert found is not None
        return found


class Doer:
    """Makes calls on one approval after another. `ahead` is the same database by a clock that is far ahead."""

    agent: Agent

    def __init__(self, world: World, token: str = "", *, ahead: World | None = None) -> None:
        self.world, self.ahead = world, ahead
        self.ids: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        if token:
            self.act_as(token)

    def act_as(self, token: str) -> None:
        """Be the agent of this token from now on."""
        self._token_hash = token_hash(token)
        self.agent = _known(self.world.database, self._token_hash)

    def do(self, key: str, action: str, op: Op) -> str | None:
        """The call's answer; None where nobody can say whether it took effect."""
        try:
            return self._told(key, op, self._made(key, action, op))
        except StoreUnavailable:
            return None
        except Lost as error:
            return f"Lost:{error.approval.state.value}"
        except SaysoError as error:
            return type(error).__name__

    def _told(self, key: str, op: Op, done: Approval | str) -> str:
        if isinstance(done, str):
            return done
        return f"ok:{done.state.value}" if op.verb != "get" else done.state.value

    def _made(self, key: str, action: str, op: Op) -> Approval | str:
        if op.verb == "create":
            return self._create(key, action, op)
        if op.verb == "sweep":
            sweep(self.ahead or self.world)
            return "swept"
        return self._agents(key, op) if op.verb in _AGENTS else self._persons(key, op)

    def _create(self, key: str, action: str, op: Op) -> str:
        body = json.dumps({"action": action, "params": {"thing": f"{op.what} of {key}"}}).encode()
        made = submit.submit(self.world, self._token_hash, key, body, step=key)
        # Everybody taps the card as it was first drawn; with the digest of their own edit a yes would be that edit once more.
        self.ids[key] = made.approval.id
        self.digests.setdefault(key, made.approval.digest)
        return f"{'created' if made.created else 'found'}:{made.approval.state.value}"

    def _agents(self, key: str, op: Op) -> Approval | str:
        approval_id = self.ids[key]
        match op.verb:
            case "claim":
                execute.claim(self.world, self.agent, approval_id, op.who)
                return "granted"
            case "result":
                return execute.result(self.world, self.agent, approval_id, nonce=op.who, outcome=op.what, detail=None)
            case "cancel":
                return execute.cancel(self.world, self.agent, approval_id)
            case "answer_info":
                return execute.answer_info(self.world, self.agent, approval_id, "Because.")
        found = self.world.database.read(lambda unit: approvals.load(unit, approval_id))
        assert found is not None
        return found

    def _persons(self, key: str, op: Op) -> Approval:
        actor = self.world.directory.actor(self.world.book.roster, op.who, team=TEAM)
        tap = Tap(self.ids[key], self.digests[key], actor, note="Because.")
        return _PERSONS[op.verb](self.world, tap, op.what)


_AGENTS = ("claim", "result", "cancel", "answer_info", "get")
_PERSONS: dict[str, Callable[[World, Tap, str], Approval]] = {
    "approve": lambda world, tap, _: decide.approve(world, tap),
    "reject": lambda world, tap, _: decide.reject(world, tap),
    "take_over": lambda world, tap, _: decide.take_over(world, tap),
    "hand_back": lambda world, tap, _: decide.hand_back(world, tap, ["Done by hand."]),
    "request_info": lambda world, tap, _: decide.request_info(world, tap, "Why?"),
    "edit": lambda world, tap, what: decide.edit(world, tap, {"thing": what}),
}
