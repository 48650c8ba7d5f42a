"""An app that is installed from a manifest may do what that lists, and hears of what is switched on."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from tinybot import CARD

from playground.kit import Channel, Playground

APP: dict[str, Any] = {
    "features": {"slash_commands": [{"command": "/tiny", "description": "d"}]},
    "oauth_config": {"scopes": {"bot": ["chat:write", "channels:read", "users:read"]}},
    "settings": {"event_subscriptions": {"bot_events": ["team_join"]}, "interactivity": {"is_enabled": False}},
}


def refusal(client: WebClient, method: str, **arguments: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as caught:
        client.api_call(method, params=arguments)
    found: dict[str, Any] = caught.value.response.data  # type: ignore[assignment]
    return found


def test_scopes_are_those_of_the_manifest(slack: Playground, client: WebClient) -> None:
    """Each kind of channel has scopes of its own, and addresses need theirs; every answer lists what was granted."""
    slack.install(APP)
    slack.workspace.add_channel(Channel("G0SECRET", "secret", ["U0SAYSO"], is_private=True))
    assert client.auth_test().headers["x-oauth-scopes"] == "channels:read,chat:write,users:read"
    assert refusal(client, "conversations.list", types="public_channel,private_channel")["needed"] == "groups:read"
    assert refusal(client, "conversations.info", channel="G0SECRET")["needed"] == "groups:read"
    assert refusal(client, "conversations.history", channel="C0OPS")["error"] == "missing_scope"
    assert refusal(client, "conversations.list", types="everything")["error"] == "invalid_types"
    assert "email" not in client.users_info(user="U0ALICE")["user"]["profile"]


def test_what_is_switched_off_is_not_sent(slack: Playground, client: WebClient) -> None:
    """Without interactivity no tap, without its event no home tab, without the command no command reaches the app."""
    slack.install(APP)
    client.chat_postMessage(channel="#ops", text="x", blocks=CARD)
    alice = slack.person("U0ALICE")
    assert alice.click(slack.expect_card(), "approve").error == "off"
    assert "not a valid command" in str(alice.command("/sayso", "help", "#ops").refused)
    alice.command("/tiny", "help", "#ops")
    assert [answer.sent.kind for answer in slack.deliveries if answer.status] == ["command"]


def test_sockets_can_be_off(slack: Playground) -> None:
    """With Socket Mode off an app-level token gets no address to connect to."""
    slack.install(APP)
    client = WebClient(token=slack.app_token, base_url=slack.api_url)
    assert refusal(client, "apps.connections.open")["error"] == "socket_mode_not_enabled"


def test_answers_carry_the_workspaces_own_time(slack: Playground, client: WebClient) -> None:
    """The Date header follows the workspace's clock, once."""
    moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    slack.workspace.clock = moment.timestamp
    assert parsedate_to_datetime(client.api_test().headers["date"]) == moment
