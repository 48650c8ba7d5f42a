"""Whoever waits for an approval hears of every change of it, seen as it then was, and from whoever made the change."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from builders import load
from desk import Desk

from bot.api.long_polls import waited_for
from bot.server.runtime import Runtime
from bot.server.signals import MOST_LOOKS, LiveSignals
from bot.service import decide, execute
from bot.service.submit import agent_of
from policies.approval import Approval
from policies.errors import Unauthorised
from policies.lifecycle import State
from store import agents
from store.agents import Scope, token_hash
from store.engine import Database

PATIENCE = 20.0


class Lobby:
    """A desk whose agents wait in an event loop, while people decide in other threads."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.approval = desk, desk.ask()
        self.looks: list[str] = []  # the thread of each
        self.has_read, self.may_tell = threading.Event(), threading.Event()

    def look(self) -> Approval:
        """The approval as its agent may see it now."""
        self.looks.append(threading.current_thread().name)
        hashed = token_hash(self.desk.token)
        return self.desk.database.glance(
            lambda unit: execute.own(unit, agent_of(unit, hashed, Scope.READ), self.approval.id)
        )

    def deciding_at(self, number: int) -> Callable[[], Approval]:
        """A look in which, the `number`-th time, a person decides after it was read."""

        def look() -> Approval:
            found = self.look()
            if len(self.looks) == number:
                self.decide()
            return found

        return look

    def slow_for(self, name: str) -> Callable[[], Approval]:
        """A look that in the thread of this name reads, and comes back only when it may."""

        def look() -> Approval:
            found = self.look()
            if threading.current_thread().name == name:
                self.has_read.set()
                self.may_tell.wait(PATIENCE)
            return found

        return look

    def tell(self) -> None:
        """Something changed, or seems to have, in whatever thread this is."""
        self.runtime.signals.approval_changed(self.approval.id)

    def thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        """Do it in a thread of that name."""
        begun = threading.Thread(target=work, name=name)
        begun.start()
        return begun

    def decide(self) -> None:
        """A person says yes, in whatever thread this is."""
        decide.approve(self.desk.world, self.desk.tap(self.approval))

    async def wait(self, look: Callable[[], Approval]) -> Approval:
        """What an agent hears that waits as long as the test has patience."""
        return await waited_for(self.runtime, self.approval.id, look, _decided, seconds=PATIENCE)

    def play(self, story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """The story, in a loop of its own."""

        async def played() -> Any:
            signals = LiveSignals(asyncio.get_running_loop())
            self.desk.world = replace(self.desk.world, signals=signals)
            with ThreadPoolExecutor(4, thread_name_prefix="store") as pool:
                parts = SimpleNamespace(signals=signals, world=self.desk.world, pool=pool)
                parts.call = lambda function: Runtime.call(cast(Runtime, parts), function)
                self.runtime = cast(Runtime, parts)
                return await asyncio.wait_for(story(), PATIENCE / 2)

        return asyncio.run(played())

    async def until_waiting(self, many: int = 1) -> None:
        """So many have looked once and wait."""
        while self.runtime.signals.waiting < many or len(self.looks) < many:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)


def _decided(_first: Approval, now: Approval) -> bool:
    return not now.pending


@pytest.fixture
def lobby(database: Database, tmp_path: Path) -> Lobby:
    return Lobby(Desk(database, tmp_path))


def test_a_change_during_the_first_look_is_heard(lobby: Lobby) -> None:
    """What is decided after a waiter read its approval, and before it waits, wakes it all the same."""
    assert lobby.play(lambda: lobby.wait(lobby.deciding_at(1))).state is State.APPROVED


def test_a_change_during_a_later_look_is_heard(lobby: Lobby) -> None:
    """The same for a waiter that was woken for nothing, looked again, and went on waiting."""

    async def story() -> Approval:
        waiter = asyncio.create_task(lobby.wait(lobby.deciding_at(2)))
        await lobby.until_waiting()
        lobby.runtime.signals.heard(lobby.approval.id)
        return await waiter

    assert lobby.play(story).state is State.APPROVED


def test_news_that_cross_on_their_way_hide_nothing(lobby: Lobby) -> None:
    """Whoever looked before a decision and tells of it after wakes nobody with what is no longer so."""

    async def story() -> Approval:
        waiter = asyncio.create_task(lobby.wait(lobby.slow_for("sweeper")))
        await lobby.until_waiting()
        sweeper = lobby.thread(lobby.tell, "sweeper")
        await asyncio.to_thread(lobby.has_read.wait)
        lobby.thread(
            lobby.decide, "reviewer"
        ).join()  # the loop stands still meanwhile, so that both come at once, the later look first
        lobby.may_tell.set()
        sweeper.join()
        return await waiter

    assert lobby.play(story).state is State.APPROVED


def test_a_waiter_never_goes_back(lobby: Lobby) -> None:
    """Who has seen a decision is not told again how it was before, however late somebody comes with that."""
    seen: list[int] = []

    def enough(_first: Approval, now: Approval) -> bool:
        seen.append(now.version)
        return len(seen) == 3

    async def story() -> Approval:
        look = lobby.slow_for("sweeper")
        wait = waited_for(lobby.runtime, lobby.approval.id, look, enough, seconds=PATIENCE)
        waiter = asyncio.create_task(wait)
        await lobby.until_waiting()
        sweeper = lobby.thread(lobby.tell, "sweeper")
        await asyncio.to_thread(lobby.has_read.wait)
        await asyncio.to_thread(lobby.decide)
        while len(seen) < 2:
            await asyncio.sleep(0.01)
        lobby.may_tell.set()
        await asyncio.to_thread(sweeper.join)
        return await waiter

    assert lobby.play(story).state is State.APPROVED
    assert seen == sorted(seen)


def test_whoever_decides_looks_for_the_waiter(lobby: Lobby) -> None:
    """The thread that decided reads what the waiter is told: no other thread has to, and nobody reads it twice."""

    async def story() -> Approval:
        waiter = asyncio.create_task(lobby.wait(lobby.look))
        await lobby.until_waiting()
        lobby.thread(lobby.decide, "reviewer")
        return await waiter

    heard = lobby.play(story)
    assert heard.state is State.APPROVED
    assert heard == lobby.look()
    assert [name.partition("_")[0] for name in lobby.looks[:-1]] == ["store", "reviewer"]


def test_a_crowd_is_woken_and_looks_by_itself(lobby: Lobby) -> None:
    """Of a dozen waiters all hear of a decision, and the tap looks for a few of them only."""

    async def story() -> list[Approval]:
        waiters = [asyncio.create_task(lobby.wait(lobby.look)) for _ in range(12)]
        await lobby.until_waiting(12)
        lobby.thread(lobby.decide, "reviewer")
        return await asyncio.gather(*waiters)

    assert {one.state for one in lobby.play(story)} == {State.APPROVED}
    assert lobby.looks.count("reviewer") == MOST_LOOKS
    assert len(lobby.looks) == 24


def test_a_waiter_ends_with_its_time_and_with_its_caller(lobby: Lobby) -> None:
    """Where nothing changes, a waiter answers after its seconds, or as soon as nobody is there any more to hear it."""

    async def story() -> tuple[Approval, Approval, Approval]:
        watch = partial(waited_for, lobby.runtime, lobby.approval.id, lobby.look, _decided)
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        left = asyncio.create_task(watch(seconds=PATIENCE, gone=gone))
        await lobby.until_waiting()
        gone.set_result(None)
        return await left, await watch(seconds=PATIENCE, gone=gone), await watch(seconds=0.05)

    assert {one.state for one in lobby.play(story)} == {State.PENDING}
    assert lobby.runtime.signals.waiting == 0
    assert not lobby.runtime.signals.polls


def test_a_waiter_whose_token_died_hears_only_that(lobby: Lobby) -> None:
    """Who waits with a token that was replaced meanwhile is told so and sees nothing; the decision stands."""

    async def story() -> None:
        waiter = asyncio.create_task(lobby.wait(lobby.look))
        await lobby.until_waiting()
        lobby.desk.database.run(lambda unit: agents.rotate(unit, "demo", overlap_seconds=0))
        await asyncio.to_thread(lobby.decide)
        with pytest.raises(Unauthorised):
            await waiter

    lobby.play(story)
    assert load(lobby.desk.database, lobby.approval).state is State.APPROVED
