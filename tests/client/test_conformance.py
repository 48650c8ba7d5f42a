"""The conformance suite on the fakes and, over real sockets, on the small server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sayso import AsyncSayso, Sayso
from sayso.testing import AsyncFakeSayso, Desk, FakeSayso

from .conformance import Blocking, Conformance, Rig, loop_in_thread
from .server import TOKEN, Book, Server


class ServerReviewer:
    """Decides straight in the small server's book."""

    def __init__(self, book: Book) -> None:
        self.book = book

    def approve(self, approval_id: str, note: str | None = None) -> None:
        self.book.decide(approval_id, "approved", note=note)

    def edit(self, approval_id: str, params: dict[str, Any], note: str | None = None) -> None:
        self.book.decide(approval_id, "edited", edited_params=params, note=note)

    def reject(self, approval_id: str, note: str) -> None:
        self.book.decide(approval_id, "rejected", note=note)

    def choose(self, approval_id: str, choice: str) -> None:
        self.book.decide(approval_id, "chosen", choice=choice)

    def answer(self, approval_id: str, text: str) -> None:
        self.book.decide(approval_id, "answered", answer=text)

    def request_info(self, approval_id: str, question: str) -> None:
        self.book.change(self.book.row(approval_id), info_request=question)

    def take_over(self, approval_id: str) -> None:
        self.book.decide(approval_id, "taken_over")

    def stop(self) -> None:
        self.book.stopped = True

    def start(self) -> None:
        self.book.stopped = False

    def set_session(self, session_id: str, state: str) -> None:
        self.book.sessions[session_id] |= {"state": state, "by": "U0ADMIN"}


class FakeReviewer:
    """Decides through a fake's own script."""

    def __init__(self, fake: FakeSayso | AsyncFakeSayso) -> None:
        self.fake = fake
        fake.on("process_refund").pending()
        fake.on("process_refund", where=lambda params: params["amount_usd"] < 50).auto()
        fake.on("process_refund", where=lambda params: params["amount_usd"] > 10_000).deny("over the limit")
        fake.on("launch_rocket").block()

    def approve(self, approval_id: str, note: str | None = None) -> None:
        self.fake.decide(approval_id).approve(note)

    def edit(self, approval_id: str, params: dict[str, Any], note: str | None = None) -> None:
        self.fake.decide(approval_id).edit(params, note)

    def reject(self, approval_id: str, note: str) -> None:
        self.fake.decide(approval_id).reject(note)

    def choose(self, approval_id: str, choice: str) -> None:
        self.fake.decide(approval_id).choose(choice)

    def answer(self, approval_id: str, text: str) -> None:
        self.fake.decide(approval_id).answer(text)

    def request_info(self, approval_id: str, question: str) -> None:
        self.fake.decide(approval_id).request_info(question)

    def take_over(self, approval_id: str) -> None:
        self.fake.decide(approval_id).take_over()

    def stop(self) -> None:
        self.fake.stop()

    def start(self) -> None:
        self.fake.start()

    def set_session(self, session_id: str, state: str) -> None:
        self.fake.set_session(session_id, state)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    yield from loop_in_thread()


class TestServer(Conformance):
    """`Sayso` over real sockets."""

    @pytest.fixture
    def rig(self, server: Server, tmp_path: Path) -> Iterator[Rig]:
        made: list[Sayso] = []

        def client(folder: str = "mine") -> Sayso:
            made.append(Sayso(server.url, TOKEN, state_dir=tmp_path / folder))
            return made[-1]

        yield Rig(client(), ServerReviewer(server.book), client, lambda: client("other"))
        for one in made:
            one.close()


class TestServerAsync(Conformance):
    """`AsyncSayso` over real sockets."""

    @pytest.fixture
    def rig(self, server: Server, tmp_path: Path, loop: asyncio.AbstractEventLoop) -> Iterator[Rig]:
        made: list[AsyncSayso] = []

        def client(folder: str = "mine") -> Blocking:
            made.append(AsyncSayso(server.url, TOKEN, state_dir=tmp_path / folder))
            return Blocking(made[-1], loop)

        yield Rig(client(), ServerReviewer(server.book), client, lambda: client("other"))
        for one in made:
            asyncio.run_coroutine_threadsafe(one.close(), loop).result(5)


class TestFake(Conformance):
    """`FakeSayso`, which users put into their own tests."""

    @pytest.fixture
    def rig(self) -> Rig:
        fake = FakeSayso()
        return Rig(fake, FakeReviewer(fake), fake.restarted, lambda: FakeSayso(desk=fake.desk))


class TestFakeAsync(Conformance):
    """`AsyncFakeSayso`."""

    @pytest.fixture
    def rig(self, loop: asyncio.AbstractEventLoop) -> Rig:
        desk = Desk()
        fake = AsyncFakeSayso(desk=desk)
        return Rig(
            Blocking(fake, loop),
            FakeReviewer(fake),
            lambda: Blocking(fake.restarted(), loop),
            lambda: Blocking(AsyncFakeSayso(desk=desk), loop),
        )
