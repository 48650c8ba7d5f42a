"""One office: a Slack workspace, a database, the real server between them, and an agent that asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import update

from playground.kit import Card, Modal, PersonKit, Playground
from store import agents, audit, verification
from store.engine import Database
from store.tables import outbox
from store.unit import Unit
from support.agent import Agent, Json
from support.files import write_manifest, write_roster
from support.servers import ProcessServer, ThreadServer, free_port

T = TypeVar("T")


class Office:
    """Opens with no server running: `open()` starts one in a thread, `open_process()` one that can be killed."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.database_url, self.folder = database_url, folder
        self.slack = Playground.start(bot_url="http://127.0.0.1:1")
        self.port = free_port()
        self.manifest = write_manifest(folder)
        self.roster = write_roster(folder)
        self.settings: dict[str, str] = {}
        self.database = Database(database_url, pool_size=4)
        self._agents: dict[str, Agent] = {}
        self._servers: list[ThreadServer | ProcessServer] = []

    @property
    def env(self) -> dict[str, str]:
        """The server's environment."""
        return {
            **self.slack.env,
            "SAYSO_DATABASE_URL": self.database_url,
            "SAYSO_MANIFEST": str(self.manifest),
            "SAYSO_ROSTER": str(self.roster),
            "SAYSO_SWEEP_SECONDS": "1",
            **self.settings,
        }

    # --- the server ----------------------------------------------------------------------------------------------

    def open(self, **options: Any) -> ThreadServer:
        """Start a server in a thread; Slack talks to the newest one."""
        server = ThreadServer(self.env, **options)
        self._reached(server)
        return server

    def open_process(self) -> ProcessServer:
        """Start a server as a process, always on the same port."""
        server = ProcessServer(self.env, self.folder, port=self.port, forked=True)
        self._reached(server)
        return server

    def _reached(self, server: ThreadServer | ProcessServer) -> None:
        self._servers.append(server)
        self.slack.bot_url = server.url
        for agent in self._agents.values():
            agent.close()
        self._agents.clear()

    @property
    def server(self) -> ThreadServer:
        """The newest server in a thread."""
        server = self._servers[-1]
        assert isinstance(server, ThreadServer)
        return server

    @property
    def process(self) -> ProcessServer:
        """The newest server in a process."""
        server = self._servers[-1]
        assert isinstance(server, ProcessServer)
        return server

    def advance(self, seconds: float) -> None:
        """Let time pass for every clock there is, and sweep."""
        self.server.advance(seconds)
        self.database.shift_seconds = self.server.database.shift_seconds

    def leases_run_out(self) -> None:
        """Let the half minute pass after which a message that a dead courier held is anybody's."""
        self.database.run(
            lambda unit: unit.execute(update(outbox).where(outbox.c.lease.is_not(None)).values(next_at=unit.now))
        )

    # --- who is there --------------------------------------------------------------------------------------------

    @property
    def agent(self) -> Agent:
        """The agent of most stories."""
        return self.agent_called("demo")

    def agent_called(
        self, name: str, *, url: str | None = None, under: str | None = None, principal: str | None = None
    ) -> Agent:
        """An agent with a token of its own; `under` names its parent."""
        address = url or self._servers[-1].url
        known = self._agents.get(f"{name} {address}")
        if known is None:
            token = self.database.run(lambda unit: self._joined(unit, name, under, principal))
            known = self._agents[f"{name} {address}"] = Agent(address, token, name)
        return known

    @staticmethod
    def _joined(unit: Unit, name: str, under: str | None, principal: str | None) -> str:
        parent = agents.named(unit, [under])[under].id if under else None
        return agents.add(unit, name, parent_id=parent, principal=principal)[1]

    @property
    def critic(self) -> Agent:
        """Whoever says what turned out to be true: a token of the scope `label`."""
        known = self._agents.get("critic")
        if known is None:
            only = frozenset({agents.Scope.LABEL})
            token = self.database.run(lambda unit: agents.add(unit, "critic", scopes=only))[1]
            known = self._agents["critic"] = Agent(self._servers[-1].url, token, "critic")
        return known

    def person(self, user: str) -> PersonKit:
        """Somebody in Slack."""
        return self.slack.person(user)

    # --- looking -------------------------------------------------------------------------------------------------

    def card(self, approval: Json, **options: Any) -> Card:
        """The card of an approval."""
        return self.slack.expect_card(approval_id=approval["id"], **options)

    def live_cards(self, approval: Json) -> list[Card]:
        """The cards of an approval on which it could be decided or acted: reading its details is no act."""
        found = [card for card in self.slack.cards(approval_id=approval["id"]) if set(card.actions()) - {"details"}]
        return [card for card in found if card.metadata.get("event_type") == "sayso_card"]

    def form(self, user: str, card: Card, name: str) -> Modal:
        """The form that a button opens."""
        return self.person(user).click(card, name).modal

    def events(self, approval: Json | None = None) -> list[str]:
        """The trail's events, in order."""
        return [str(line["event"]) for line in self.trail(approval)]

    def trail(self, approval: Json | None = None) -> list[Json]:
        """The audit trail."""
        wanted = approval["id"] if approval else None
        return self.database.read(lambda unit: list(audit.lines(unit, approval_id=wanted)))

    def intact(self) -> None:
        """Fail unless the audit chain is."""
        assert self.faults() == []

    def faults(self) -> list[str]:
        """What is wrong with the record."""
        return self.database.snapshot(verification.verify).told

    def until(self, found: Callable[[], T], what: str, timeout: float = 30.0) -> T:
        """Wait until `found()` is true."""
        deadline = time.monotonic() + timeout
        while True:
            result = found()
            if result:
                return result
            assert time.monotonic() < deadline, self.slack.told(f"not within {timeout} s: {what}")
            time.sleep(0.02)

    def close(self) -> None:
        """Send everybody home."""
        for agent in self._agents.values():
            agent.close()
        for server in self._servers:
            server.stop()
        self.slack.stop()
        self.database.close()
