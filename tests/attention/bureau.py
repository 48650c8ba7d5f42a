"""The real server with the playground as Slack, on a clock that jumps from one thing that happens to the next."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.files import write_manifest, write_roster
from support.office import Office

import bot.app
from bot.slack import courier
from playground.kit_things import Card
from store import schema
from store.engine import Database
from tests.attention.calls import LIMITS, MANIFEST, ROSTER, Call

Json = dict[str, Any]
SWEEP_SECONDS = 30.0
POST_SECONDS = 1.0  # Slack's pace in a channel


class _Courier(courier.Courier):
    """The server's own courier, which moves when the simulation says so."""

    newest: _Courier

    async def run(self) -> None:
        """Wait to be turned."""
        _Courier.newest, self.loop = self, asyncio.get_running_loop()
        await asyncio.Event().wait()

    async def drain(self) -> float:
        """Send what goes out now; the seconds until something may again."""
        while True:
            pause = await self.turn()
            if pause > 0:
                return pause


class Bureau:
    """Agents, reviewers and Slack at the simulated moment `now`, in seconds since it opened."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder}/attention.db"
        database = Database(url, pool_size=1)
        schema.upgrade(database)
        database.close()
        self.office = Office(url, folder)
        self.office.manifest = write_manifest(folder, MANIFEST, limits=LIMITS)
        self.office.roster = write_roster(folder, ROSTER)
        self.office.settings["SAYSO_SWEEP_SECONDS"] = "300"
        self.now = 0.0
        self.office.open(post_interval=POST_SECONDS)
        self._began = time.time()
        self._swept = 0.0
        self._pause = 0.0
        self._counted: dict[str, int] = {}
        self.posts: list[Card] = []
        self.live: list[Card] = []  # what somebody may still have to decide, as it was posted

    @property
    def next_at(self) -> float:
        """When something is due by itself."""
        return min(self.now + self._pause, self._swept + SWEEP_SECONDS)

    def go_to(self, moment: float) -> None:
        """Let the clock stand at `moment`, and let the server do what is due."""
        self.now = max(self.now, moment)
        server = self.office.server
        server.database.shift_seconds = self._began + self.now - time.time()
        self.office.database.shift_seconds = server.database.shift_seconds
        if self.now >= self._swept + SWEEP_SECONDS:
            server.sweep()
            self._swept = self.now
        self.settle()

    def settle(self) -> None:
        """Everything that may go out now is in Slack."""
        newest = _Courier.newest
        self._pause = asyncio.run_coroutine_threadsafe(newest.drain(), newest.loop).result(60)
        workspace = self.office.slack.workspace
        with workspace.lock:
            found = [(name, entries[self._counted.get(name, 0) :]) for name, entries in workspace.messages.items()]
            self._counted = {name: len(entries) for name, entries in workspace.messages.items()}
        for _, entries in found:
            new = [Card(self.office.slack, entry) for entry in entries if entry.ephemeral_to is None]
            self.posts += new
            self.live += [card for card in new if card.actions()]

    def ask(self, call: Call, agent_name: str = "") -> Json:
        """The approval that a call asks for, or the one that it means again."""
        agent = self.office.agent_called(agent_name or call.agent)
        body = {"action": call.action, "params": call.params, "reason": call.reason}
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        answer = agent.raw("POST", "/approvals", json=body | {"session_id": f"task-{call.task}"}, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        found: Json = json.loads(answer.text)
        return found

    def close(self) -> None:
        """Send everybody home."""
        self.office.close()


@contextmanager
def opened(folder: Path) -> Iterator[Bureau]:
    """A bureau whose courier goes by its clock."""
    known = vars(courier)["_clock"], courier.Courier
    bureau: Bureau | None = None
    vars(courier)["_clock"] = lambda: bureau.now if bureau else 0.0
    vars(bot.app)["Courier"] = _Courier
    try:
        bureau = Bureau(folder)
        yield bureau
    finally:
        if bureau is not None:
            bureau.close()
        vars(courier)["_clock"], vars(bot.app)["Courier"] = known
