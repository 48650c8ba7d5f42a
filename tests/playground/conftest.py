"""A playground that talks to a tiny real bot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient
from tinybot import TinyBot

from playground.kit import Playground


@pytest.fixture
def bot() -> Iterator[TinyBot]:
    bot = TinyBot()
    yield bot
    bot.stop()


@pytest.fixture
def slack(bot: TinyBot) -> Iterator[Playground]:
    with Playground.start(bot_url=bot.url) as playground:
        playground.workspace.timing.ack = 0.5
        yield playground


@pytest.fixture
def client(slack: Playground) -> WebClient:
    return WebClient(token=slack.token, base_url=slack.api_url, retry_handlers=[])
