"""Socket Mode with slack_sdk's real client and a real slack_bolt AsyncApp."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from tinybot import CARD, MODAL, text

from playground.kit import Card, Playground


class Loop:
    """An event loop in a thread, for the bot's side."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def stop(self) -> None:
        self.run(self._settle())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    async def _settle(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.stop()


@pytest.fixture
def socket_slack() -> Iterator[Playground]:
    with Playground.start() as slack:
        slack.workspace.timing.ack = 1.0
        yield slack


def web(slack: Playground) -> AsyncWebClient:
    return AsyncWebClient(token=slack.token, base_url=slack.api_url)


def bolt(slack: Playground) -> AsyncApp:
    app = AsyncApp(client=web(slack), signing_secret=slack.signing_secret)

    @app.action("approve")
    async def approve(ack: Any, body: dict, client: AsyncWebClient) -> None:
        message = body["message"]
        by = f"Approved by <@{body['user']['id']}>"
        await client.chat_update(channel=body["channel"]["id"], ts=message["ts"], text=by, blocks=[])
        await ack()

    @app.action("reject")
    async def reject(ack: Any, body: dict, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        await ack()

    @app.view("reject_modal")
    async def reason(ack: Any, view: dict) -> None:
        said = view["state"]["values"]["why"]["reason"]["value"]
        await (ack(response_action="errors", errors={"why": "Longer"}) if len(said) < 5 else ack())

    @app.command("/sayso")
    async def command(ack: Any, command: dict) -> None:
        await ack(f"you said {command['text']}")

    @app.event("app_home_opened")
    async def home(event: dict, client: AsyncWebClient) -> None:
        view = {"type": "home", "blocks": [{"type": "header", "text": text("Hello")}]}
        await client.views_publish(user_id=event["user"], view=view)

    return app


def post(slack: Playground) -> Card:
    async def send() -> None:
        await web(slack).chat_postMessage(channel="#ops", text="x", blocks=CARD)

    asyncio.run(send())
    return slack.expect_card(channel="#ops")


def test_a_bolt_app_works_over_socket_mode(socket_slack: Playground, loop: Loop) -> None:
    """A real Bolt app over Socket Mode gets clicks, submissions, commands and events, and its acks are obeyed."""
    slack = socket_slack
    app = bolt(slack)

    async def connect() -> AsyncSocketModeHandler:
        handler = AsyncSocketModeHandler(app, slack.app_token, web_client=web(slack))
        await handler.connect_async()
        return handler

    handler = loop.run(connect())
    slack.expect_sockets()
    card, alice = post(slack), slack.person("U0ALICE")
    modal = alice.click(card, "reject").modal
    assert alice.submit(modal.fill("reason", "no")).errors == {"why": "Longer"}
    assert alice.submit(modal.fill("reason", "no, never")).ok
    assert alice.command("/sayso", "queue").reply.text() == "you said queue"
    assert alice.open_home().text() == "Hello"
    assert alice.click(card, "approve").ok
    assert slack.expect_update(card, contains="Approved by @alice").actions() == []
    loop.run(handler.close_async())


def test_without_a_connection_the_actor_is_told(socket_slack: Playground) -> None:
    """With no socket open, a click fails at once and says so."""
    response = socket_slack.person("U0ALICE").click(post(socket_slack), "approve")
    assert (response.error, response.refused) == ("no_socket", "Sayso is not connected")


def client_of(slack: Playground, seen: list[str]) -> SocketModeClient:
    client = SocketModeClient(app_token=slack.app_token, web_client=web(slack), ping_interval=0.5)

    async def listen(client: SocketModeClient, request: Any) -> None:
        seen.append(request.envelope_id)
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    client.socket_mode_request_listeners.append(listen)
    return client


def test_a_payload_goes_to_one_of_several_connections(socket_slack: Playground, loop: Loop) -> None:
    """With two connections each click reaches exactly one, and both get some."""
    slack = socket_slack
    seen: tuple[list[str], list[str]] = ([], [])

    async def connect() -> list[SocketModeClient]:
        clients = [client_of(slack, one) for one in seen]
        for client in clients:
            await client.connect()
        return clients

    clients = loop.run(connect())
    slack.expect_sockets(2)
    card, alice = post(slack), slack.person("U0ALICE")
    for _ in range(24):
        assert alice.click(card, "approve").ok
    assert len(seen[0]) + len(seen[1]) == 24
    assert set(seen[0]).isdisjoint(seen[1])
    assert seen[0]
    assert seen[1]
    for client in clients:
        loop.run(client.close())


def test_the_client_comes_back_after_a_refresh_and_a_cut(socket_slack: Playground, loop: Loop) -> None:
    """After Slack's refresh, and after a connection cut without a word, the SDK reconnects and clicks arrive again."""
    slack, seen = socket_slack, []

    async def connect() -> SocketModeClient:
        client = client_of(slack, seen)
        await client.connect()
        return client

    client = loop.run(connect())
    slack.expect_sockets()
    card, alice = post(slack), slack.person("U0ALICE")
    for how in ("warning", "refresh", "cut"):
        slack.disconnect(how)
        slack.expect_sockets()
        assert any(alice.click(card, "approve").ok for _ in range(10))
    assert len(seen) >= 3
    loop.run(client.close())


def test_a_ticket_opens_one_connection(socket_slack: Playground, loop: Loop) -> None:
    """A websocket address works once; a made-up one never."""
    import websockets

    url = socket_slack.workspace.new_socket_url()

    async def hello(address: str) -> str:
        async with websockets.connect(address) as socket:
            return str(await socket.recv())

    assert '"type": "hello"' in loop.run(hello(url))
    for address in (url, url.replace("ticket=", "ticket=x")):
        with pytest.raises(websockets.WebSocketException):
            loop.run(hello(address))
