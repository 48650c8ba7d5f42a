"""People pause, resume and cancel a running agent."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from sayso import AsyncSayso, Sayso, SessionCancelled, Unreachable
from sayso.effects import Reply, Request
from sayso.testing import FakeSayso, WouldWaitForever

from .conformance import ACTION, ASK
from .server import TOKEN, Server


def test_a_pause_holds_the_agent_until_it_is_resumed(server: Server, client: Sayso) -> None:
    """A checkpoint blocks while paused, across a server restart, and goes on when people say so (docs/rules.md: C3)."""
    session = client.session("s-1", "Refund desk")
    server.book.sessions["s-1"]["state"] = "paused"

    def resume() -> None:
        time.sleep(0.2)
        server.stop()
        time.sleep(0.2)
        server.start()
        server.book.sessions["s-1"]["state"] = "running"

    thread = threading.Thread(target=resume)
    began = time.monotonic()
    thread.start()
    assert session.checkpoint().state == "running"
    assert time.monotonic() - began >= 0.4
    thread.join()


def test_a_session_that_was_paused_can_be_cancelled(server: Server, client: Sayso) -> None:
    """Cancelling ends the pause with SessionCancelled, which says by whom."""
    session = client.session("s-1")
    server.book.sessions["s-1"] |= {"state": "paused", "by": "U0ADMIN"}
    threading.Timer(0.2, server.book.sessions["s-1"].update, ({"state": "cancelled"},)).start()
    with pytest.raises(SessionCancelled, match="U0ADMIN") as caught:
        session.checkpoint()
    assert caught.value.session.id == "s-1"


def test_a_forgotten_session_registers_again(server: Server, client: Sayso) -> None:
    """A server that lost the session gets it back at the next checkpoint."""
    session = client.session("s-1")
    server.book.sessions.clear()
    assert session.checkpoint().state == "running"
    assert "s-1" in server.book.sessions


def test_an_unreachable_server_stops_the_agent(server: Server, tmp_path: Path) -> None:
    """Who cannot ask whether it is paused does not go on: Unreachable after `retry_for` (fail closed)."""
    with Sayso(server.url, TOKEN, state_dir=tmp_path, retry_for=0.4) as client:
        session = client.session("s-1")
        server.stop()
        with pytest.raises(Unreachable):
            session.checkpoint()
        server.start()


def test_a_session_lends_its_name_to_its_asks(server: Server, client: Sayso) -> None:
    """What a session asks is listed under it, and asking again finds the same approval."""
    session = client.session("s-1")
    first = session.ask(ACTION, ASK)
    assert session.ask(ACTION, ASK).id == first.id
    assert [one.id for one in client.list(session_id="s-1")] == [first.id]


def test_async_sessions(server: Server, tmp_path: Path) -> None:
    """The async session does the same without blocking the loop."""

    async def main() -> float:
        async with AsyncSayso(server.url, TOKEN, state_dir=tmp_path) as client:
            session = await client.session("s-1")
            await session.checkpoint()
            server.book.sessions["s-1"]["state"] = "paused"
            asyncio.get_running_loop().call_later(0.3, server.book.sessions["s-1"].update, {"state": "running"})
            began = time.monotonic()
            await session.checkpoint()
            assert (await session.ask(ACTION, ASK)).pending
            return time.monotonic() - began

    assert asyncio.run(main()) >= 0.3


def test_beats_are_sparse() -> None:
    """Checkpoints ask each time but beat only now and then."""
    fake = FakeSayso()
    methods: list[str] = []
    receive = fake.desk.receive

    def listen(request: Request) -> Reply:
        methods.append(request.method)
        return receive(request)

    fake.desk.receive = listen  # type: ignore[method-assign]
    session = fake.session("s-1")
    for _ in range(4):
        session.checkpoint()
        fake.desk.sleep(6)
    assert methods == ["PUT", "GET", "GET", "GET", "PUT"]


def test_a_fake_pause_that_nobody_ends_fails_the_test() -> None:
    """With a fake an endless pause is an assertion, not a hanging test."""
    fake = FakeSayso()
    session = fake.session("s-1")
    fake.set_session("s-1", "paused")
    with pytest.raises(WouldWaitForever):
        session.checkpoint()
