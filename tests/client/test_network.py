"""A network that loses answers, refuses, and goes away."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sayso import (
    AsyncSayso,
    RateLimited,
    Sayso,
    SaysoError,
    ServerError,
    State,
    StillPending,
    Unauthorized,
    UnexpectedAnswer,
    Unprocessable,
    Unreachable,
)

from .conformance import ACTION, ASK
from .server import TOKEN, Server


@pytest.fixture(params=["sync", "async"])
def asked(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Callable[[], str]:
    """Asks once, through either client, and gives the id."""

    def plain() -> str:
        with Sayso(server.url, TOKEN, state_dir=tmp_path, retry_for=8) as client:
            return client.ask(ACTION, ASK).id

    async def later() -> str:
        async with AsyncSayso(server.url, TOKEN, state_dir=tmp_path, retry_for=8) as client:
            return (await client.ask(ACTION, ASK)).id

    return plain if request.param == "sync" else lambda: asyncio.run(later())


def keys(server: Server) -> list[str]:
    return [headers["idempotency-key"] for method, _, headers in server.faults.seen if method == "POST"]


def test_a_lost_answer_is_asked_for_again_with_the_same_key(server: Server, asked: Callable[[], str]) -> None:
    """When the answer to an ask is lost after it was applied, the retry finds that same approval."""
    server.faults.lose["POST approvals"] = 2
    assert asked() == "ap_1"
    assert len(server.book.rows) == 1
    assert len(keys(server)) == 3
    assert len(set(keys(server))) == 1


def test_5xx_is_tried_again_with_the_same_key(server: Server, asked: Callable[[], str]) -> None:
    """A server that fails twice and then works is worth three attempts, all under one key."""
    server.faults.refuse.extend([(500, {}), (503, {})])
    assert asked() == "ap_1"
    assert len(set(keys(server))) == 1


def test_retry_after_is_obeyed(server: Server, asked: Callable[[], str]) -> None:
    """On 429 the client waits for as long as the server wishes."""
    server.faults.refuse.append((429, {"retry-after": "1"}))
    began = time.monotonic()
    asked()
    assert time.monotonic() - began >= 1.0


def test_a_retry_after_beyond_the_deadline_raises_at_once(server: Server, tmp_path: Path) -> None:
    """A wish longer than the caller's patience is raised as RateLimited, with the wish in it."""
    server.faults.refuse.append((429, {"retry-after": "3600"}))
    with Sayso(server.url, TOKEN, state_dir=tmp_path, retry_for=2) as client, pytest.raises(RateLimited) as caught:
        client.ask(ACTION, ASK)
    assert caught.value.retry_after == 3600
    assert list(Sayso(server.url, TOKEN, state_dir=tmp_path).resume()) == []


def test_retries_end_at_the_total_deadline(server: Server, tmp_path: Path) -> None:
    """A server that keeps failing is given up on within `retry_for`, and the error says what it said."""
    server.faults.refuse.extend([(500, {})] * 50)
    began = time.monotonic()
    with Sayso(server.url, TOKEN, state_dir=tmp_path, retry_for=1) as client, pytest.raises(ServerError) as caught:
        client.ask(ACTION, ASK)
    assert time.monotonic() - began < 20, "fifty tries would take minutes"
    assert caught.value.status == 500
    assert "busy" in caught.value.detail


def test_nobody_there_is_unreachable_and_resumable(server: Server, tmp_path: Path) -> None:
    """An ask that never got through stays in the journal, and a later process sends exactly it."""
    server.stop()
    with Sayso(server.url, TOKEN, state_dir=tmp_path, retry_for=0.5) as client, pytest.raises(Unreachable):
        client.ask(ACTION, ASK, reason="as first worded", checkpoint={"step": 1})
    server.start()
    with Sayso(server.url, TOKEN, state_dir=tmp_path) as client:
        (record,) = client.resume()
        assert record.approval.params == ASK
        assert record.checkpoint == {"step": 1}
    assert server.book.rows["ap_1"]["_body"]["reason"] == "as first worded"


def test_a_silent_server_times_out(tmp_path: Path) -> None:
    """A connection that is accepted and never answered counts as lost after `timeout`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        with Sayso(url, TOKEN, state_dir=tmp_path, timeout=0.2, retry_for=0.6) as client, pytest.raises(Unreachable):
            client.ask(ACTION, ASK)
        assert time.monotonic() - began < 20


def test_a_wait_outlives_a_restart(server: Server, client: Sayso) -> None:
    """The server may go away and come back while an agent waits; the decision still arrives."""
    approval = client.ask(ACTION, ASK)

    def restart() -> None:
        time.sleep(0.2)
        server.stop()
        time.sleep(0.3)
        server.book.decide(approval.id, "approved")
        server.start()

    thread = threading.Thread(target=restart)
    thread.start()
    assert client.wait(approval, timeout=60).state is State.APPROVED
    thread.join()


def test_a_wait_ends_on_time_though_the_server_is_gone(server: Server, client: Sayso) -> None:
    """The caller's timeout holds even when nobody answers: still pending, as far as was last seen."""
    approval = client.ask(ACTION, ASK)
    threading.Timer(0.2, server.stop).start()
    began = time.monotonic()
    with pytest.raises(StillPending):
        client.wait(approval, timeout=1.5)
    assert time.monotonic() - began < 20
    server.start()


def test_a_decision_wakes_the_wait_quickly(server: Server, client: Sayso) -> None:
    """Long polling brings a decision with the very poll that was waiting for it, not with a later one."""
    approval = client.ask(ACTION, ASK)
    threading.Timer(0.3, server.book.decide, (approval.id, "approved")).start()
    client.wait(approval, timeout=60)
    polls = [path for method, path, _ in server.faults.seen if method == "GET"]
    assert len(polls) == 2


def test_a_lost_claim_gets_the_same_grant(server: Server, client: Sayso) -> None:
    """When the claim's answer is lost the retry brings the same nonce, so the grant is not lost."""
    approval = client.ask(ACTION, ASK)
    server.book.decide(approval.id, "approved")
    server.faults.lose["POST claim"] = 1
    with client.execute(approval) as grant:
        assert grant.params == ASK
    assert len(server.book.nonces) == 2
    assert len(set(server.book.nonces)) == 1
    assert len(server.book.nonces[0]) == 64


@pytest.mark.parametrize("verb", ["cancel", "answer", "result"])
def test_a_lost_change_is_not_an_error_the_second_time(server: Server, client: Sayso, verb: str) -> None:
    """A change that was applied without an answer counts as done when the retry meets a 409."""
    approval = client.ask(ACTION, ASK)
    server.faults.lose[f"POST {verb}"] = 1
    if verb == "cancel":
        assert client.cancel(approval).state is State.CANCELLED
    elif verb == "answer":
        server.book.change(server.book.row(approval.id), info_request="Which?")
        assert client.answer(approval, "That one").info_request is None
        assert server.book.row(approval.id)["_told"] == "That one"
    else:
        server.book.decide(approval.id, "approved")
        assert client.result(client.claim(approval.id), "succeeded").state is State.SUCCEEDED


def test_what_ran_outranks_its_report(server: Server, tmp_path: Path) -> None:
    """When the result cannot be told the block's success stands, and resume() tells it later."""
    with Sayso(server.url, TOKEN, state_dir=tmp_path, retry_for=0.3) as client:
        approval = client.ask(ACTION, ASK)
        server.book.decide(approval.id, "approved")
        with client.execute(approval) as grant:
            grant.report("receipt 7")
            server.stop()
        assert not grant.reported
        server.start()
        assert list(client.resume()) == []
    row = server.book.row(approval.id)
    assert (row["state"], row["_detail"]) == ("succeeded", "receipt 7")


def test_a_refused_body_leaves_nothing_behind(server: Server, client: Sayso) -> None:
    """What the server refused for good is not in the journal: resume() does not ask it again."""
    server.faults.refuse.append((422, {}))
    with pytest.raises(Unprocessable):
        client.ask(ACTION, ASK)
    assert list(client.resume()) == []
    assert server.book.rows == {}


def test_a_wrong_token_is_unauthorized(server: Server, tmp_path: Path) -> None:
    """A bad token is a typed error at the first call, and is never retried."""
    with Sayso(server.url, "wrong", state_dir=tmp_path) as client, pytest.raises(Unauthorized):
        client.ask(ACTION, ASK)
    assert len(server.faults.seen) == 1


def test_a_missing_token_is_said_plainly(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token the error names the setting, and nothing is sent."""
    monkeypatch.delenv("SAYSO_TOKEN", raising=False)
    with Sayso(server.url, state_dir=tmp_path) as client, pytest.raises(SaysoError, match="SAYSO_TOKEN"):
        client.get("ap_1")
    assert server.faults.seen == []


def test_the_token_is_never_sent_along_a_redirect(server: Server, client: Sayso) -> None:
    """A redirect is an error, not a journey to somebody else with the agent's token."""
    server.faults.refuse.append((307, {"location": "http://127.0.0.1:1/"}))
    with pytest.raises(SaysoError):
        client.get("ap_1")
    assert len(server.faults.seen) == 1


def test_a_page_instead_of_json_is_an_unexpected_answer(server: Server, client: Sayso) -> None:
    """A proxy's friendly 200 page is not mistaken for an approval."""
    server.faults.refuse.append((200, {}))
    with pytest.raises(UnexpectedAnswer, match="busy"):
        client.get("ap_1")


def test_an_answer_that_only_looks_right_runs_nothing(tmp_path: Path) -> None:
    """One answer to everything, from a cache say: an approval is no grant, another action's is not ours, a torn one is none."""
    approved = '{"id": "ap_1", "action": "%s", "state": "approved", "params": {}}'
    for body, more, error in (
        (approved % ACTION, "", UnexpectedAnswer),
        (approved % "another", "", UnexpectedAnswer),
        (approved % ACTION, "Content-Encoding: gzip\r\n", Unreachable),
    ):
        with (
            answering(body, more) as url,
            Sayso(url, TOKEN, state_dir=tmp_path / url[-5:], retry_for=0.5) as client,
            pytest.raises(error),
        ):
            client.execute(client.ask(ACTION, ASK)).__enter__()


@contextmanager
def answering(body: str, more: str) -> Iterator[str]:
    """A server that answers everything the same."""
    listener = socket.create_server(("127.0.0.1", 0))
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"

    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                line.recv(65_536)
                line.sendall((head + body).encode())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_settings_come_from_the_environment(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SAYSO_URL, SAYSO_TOKEN and SAYSO_STATE_DIR are enough to start."""
    monkeypatch.setenv("SAYSO_URL", server.url + "/")
    monkeypatch.setenv("SAYSO_TOKEN", TOKEN)
    monkeypatch.setenv("SAYSO_STATE_DIR", str(tmp_path / "there"))
    with Sayso() as client:
        assert client.ask(ACTION, ASK).pending
        assert TOKEN not in repr(client)
    assert list((tmp_path / "there" / "open").iterdir())


def test_an_async_client_works_on_one_loop_after_another(server: Server, tmp_path: Path) -> None:
    """A module-level AsyncSayso survives several asyncio.run calls."""
    client = AsyncSayso(server.url, TOKEN, state_dir=tmp_path)
    first = asyncio.run(client.ask(ACTION, ASK))
    assert asyncio.run(client.get(first)).id == first.id


def test_async_waits_run_side_by_side(server: Server, tmp_path: Path) -> None:
    """Many approvals are awaited at once on one event loop, each woken by its own decision."""

    async def main() -> list[State]:
        async with AsyncSayso(server.url, TOKEN, state_dir=tmp_path) as client:
            approvals = [await client.ask(ACTION, ASK, step=n) for n in range(5)]
            for approval in approvals:
                asyncio.get_running_loop().call_later(0.2, server.book.decide, approval.id, "approved")
            decided = await asyncio.gather(*(client.wait(one, timeout=60) for one in approvals))
            return [one.state for one in decided]

    began = time.monotonic()
    assert asyncio.run(main()) == [State.APPROVED] * 5
    assert time.monotonic() - began < 9, "side by side, not one after another"
